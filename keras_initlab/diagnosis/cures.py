"""What to write instead: lines that were run on the model, and found to help."""

from collections.abc import Iterator, Sequence
from typing import Any

from keras_initlab.core.errors import InputError
from keras_initlab.core.rng import Generators
from keras_initlab.core.seeds import Seeds
from keras_initlab.diagnosis.subject import Subject
from keras_initlab.diagnosis.verdicts import Facts, Verdict, judge
from keras_initlab.initializers import registry
from keras_initlab.initializers.gains import gain
from keras_initlab.initializers.scaling.lecun import LecunNormal
from keras_initlab.network.drawing import draw
from keras_initlab.network.following import RELUS, TANHS
from keras_initlab.network.selection import under_test
from keras_initlab.network.slots import Slot

_UNTRIED = "keras.layers.BatchNormalization() before each activation (not tried here)"

_HELPS = 0.5  # of the risk: what leaves more may have been luck


def cured(
    subject: Subject, values: Sequence[Any], facts: Facts, seed: int, generators: Generators
) -> dict[str, str]:
    """Verdict -> line, for those that other weights may mend.

    Each line was run on the model, beginning with what suits the activation. It is the first that halves the
    risk and leaves nothing severe; or else, of those that halve it, the one that leaves the least.
    """
    found = judge(facts)
    wanted = [one.kind for one in found if not one.instead]
    least, line = _HELPS * _risk(found), _UNTRIED
    for code, scheme, slots in _lines(subject, facts, wanted, seed) if wanted else ():
        drawn = _drawn(scheme, slots, values, seed, generators)
        after = None if drawn is None else judge(subject.facts(drawn))
        if after is not None and _risk(after) < least:
            least, line = _risk(after), code
            if all(one.severity < 1 for one in after):
                break
    return dict.fromkeys(wanted, line)


def _risk(found: Sequence[Verdict]) -> float:
    return sum(one.severity for one in found)


def _lines(
    subject: Subject, facts: Facts, kinds: Sequence[str], seed: int
) -> Iterator[tuple[str, Any, list[Slot]]]:
    """Code, and which scheme it draws which weights by."""
    tested = under_test(subject.probe.model, None, None)
    if kinds == ["loss too high"]:
        head = [slot for slot in tested if slot.layer.name == facts.head]
        if head:
            zeros = registry.get("zeros")
            yield f'initlab.reinitialize(model, "zeros", layers="{facts.head}", seed={seed})', zeros, head
    for law, scheme in dict(_laws(facts.activations)).items():
        yield f"initlab.reinitialize(model, {law}, seed={seed})", scheme, tested


def _laws(activations: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Laws that suit activations, as code and as they are; the usual ones first."""
    usual = []
    for name in activations:
        plain = name.lower().replace("_", "")
        usual += ["he_normal"] if plain in RELUS else ["glorot_uniform"] if plain in TANHS else []
    for name in (*usual, "glorot_uniform", "he_normal", "initlab_orthogonal"):
        yield f'"{name}"', registry.get(name)
    for name in activations:
        for kind in ("forward", "backward"):
            try:
                factor = float(f"{gain(name, kind):.4g}")
            except InputError:
                continue
            yield f"initlab.initializers.LecunNormal(gain={factor})", LecunNormal(gain=factor)


def _drawn(
    scheme: Any, slots: Sequence[Slot], values: Sequence[Any], seed: int, generators: Generators
) -> list[Any] | None:
    """The values with these weights drawn anew, as `reinitialize` would; None where the scheme refuses."""
    new = list(values)
    for slot in slots:
        try:
            new[slot.index] = draw(scheme, slot, Seeds(seed, 0).draw(*slot.seed_path), generators, "layer")
        except Exception:  # a shape that is not for it
            return None
    return new
