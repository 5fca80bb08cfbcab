"""`config.json` read back: whole, damaged, or of a newer version."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_initlab.core.errors import InputError
from keras_initlab.trials.config import SCHEMA, Config

CONFIG_FILE = "config.json"


def read_config(folder: Path) -> tuple[Config | None, str]:
    """The configuration, or what is wrong with it.

    Raises:
        InputError: If a newer version wrote it.
    """
    path = folder / CONFIG_FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        schema = raw["schema"]
        if isinstance(schema, int) and schema > SCHEMA:
            raise InputError(
                f"{str(path)!r} has schema {schema}, this version reads up to {SCHEMA}. Update keras_initlab."
            )
        config = Config.from_json(raw)
        return (config, "") if _is_whole(config) else (None, f"{CONFIG_FILE} is damaged")
    except InputError:
        raise
    except FileNotFoundError:
        return None, f"{CONFIG_FILE} is missing"
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return None, f"{CONFIG_FILE} is damaged or of another program"


def _is_whole(config: Config) -> bool:
    """Whether what readers rely on is of the kind that they expect."""
    counts = (config.replicates, config.seed, config.epochs, config.steps_per_epoch)
    return (
        all(
            isinstance(getattr(config, name), dict)
            for name in ("labels", "directions", "chance", "versions", "factors")
        )
        and all(isinstance(count, int) for count in counts)
        and (config.engine is None or (isinstance(config.engine, dict) and "name" in config.engine))
        and isinstance(config.target_loss, int | float | None)
        and isinstance(config.baseline, str | None)
        and isinstance(config.backend, str | None)
        and isinstance(config.digest, dict | None)
        and isinstance(config.model, list | None)
        and all(isinstance(layer, dict) for layer in config.model or ())
        and all(isinstance(levels, dict) and levels for levels in config.factors.values())
        and _are_cells(config.cells, config.factors)
        and _are_groups(config.groups, config)
    )


def _are_cells(cells: Any, factors: Mapping[str, Any]) -> bool:
    """Whether these are combinations of known levels, one of each factor."""
    return isinstance(cells, list | tuple) and all(
        isinstance(cell, dict)
        and cell.keys() == factors.keys()
        and all(level in factors[name] for name, level in cell.items())
        for cell in cells
    )


def _are_groups(groups: Any, config: Config) -> bool:
    """Whether these are replicates with places of labels, or with factors of labels and levels."""
    sizes = [len(config.labels), *map(len, config.factors.values())]
    try:
        parts = [part for group in groups or () for part in group]
        return all(
            isinstance(replicate, int) and all(_is_place(place, sizes) for place in places)
            for replicate, places in parts
        )
    except (TypeError, ValueError):
        return False


def _is_place(place: Any, sizes: Sequence[int]) -> bool:
    numbers = place if len(sizes) > 1 and isinstance(place, list) else [place]
    return len(numbers) == len(sizes) and all(
        isinstance(number, int) and number in range(size) for number, size in zip(numbers, sizes, strict=True)
    )
