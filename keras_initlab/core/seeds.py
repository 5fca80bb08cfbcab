"""Seeds are derived from names and numbers, never drawn."""

import hashlib
import json
from dataclasses import dataclass


def derive(root: int, *parts: str | int) -> int:
    """A seed in [0, 2**31) that depends on `root` and on every part.

    Parts are encoded as JSON, so `("a/b",)`, `("a", "b")`, `("1",)` and `(1,)` all differ, and
    hashed with BLAKE2b, so the result is the same on every machine and in every process. The range
    suits the signed 32-bit seeds of every Keras backend.

    >>> derive(0, "draw", 1) == derive(0, "draw", 1)
    True
    >>> derive(0, "a/b") == derive(0, "a", "b")
    False
    """
    text = json.dumps([root, *parts], ensure_ascii=True, separators=(",", ":"))
    digest = hashlib.blake2b(text.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") >> 1


@dataclass(frozen=True)
class Seeds:
    """All seeds of a replicate.

    The pairing is visible here: there is no label, so every initializer of a replicate meets the same
    data order, the same dropout masks and the same underlying draws.
    """

    root: int
    replicate: int

    def order(self, epoch: int) -> int:
        """Of the order in which the training data come in `epoch`."""
        return derive(self.root, "order", self.replicate, epoch)

    def noise(self, *place: str | int) -> int:
        """Of the random generator in this place of the model (dropout, noise layers), counted from 0."""
        return derive(self.root, "noise", self.replicate, *place)

    def draw(self, *slot: str | int) -> int:
        """Of the draw for one weight tensor; never the same for two of them."""
        return derive(self.root, "draw", self.replicate, *slot)

    def recipe(self, *purpose: str | int) -> int:
        """Of what a recipe draws beside the weights of its base scheme."""
        return derive(self.root, "recipe", self.replicate, *purpose)

    def remedy(self, *purpose: str | int) -> int:
        """Of what a remedy draws; the same at each of its strengths."""
        return derive(self.root, "remedy", self.replicate, *purpose)

    @property
    def probe(self) -> int:
        """Of the rows of training data that recipes look at."""
        return derive(self.root, "probe", self.replicate)

    @property
    def everywhere(self) -> int:
        """Of Python's, NumPy's and the backend's global generators while a trial runs."""
        return derive(self.root, "global", self.replicate)
