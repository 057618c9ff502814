"""Thresholds: numbers that turn scores into labels and outcomes, versioned signal by signal.

The shipped ones stand in `thresholds/<signal>.toml` beside this module: a `version` and a table
`values`; a package that brings signals has such a folder of its own. They belong to the config
hash, so changing one changes the identity of the answers.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

from earmark.models.error import ConfigurationError, reason_of
from earmark.models.plugin import resources

FOLDER = Path(__file__).with_name("thresholds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The thresholds of one signal; `version` is that of the file they stand in."""

    version: str = ""
    values: Mapping[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        return self.values[name]


SHIPPED: Mapping[str, Thresholds] = MappingProxyType({})  # no signal has others


@cache
def shipped_thresholds(signal_name: str) -> Thresholds:
    """Those of the signal's file; a signal without one has none."""
    for folder in (FOLDER, *resources("thresholds")):
        file = folder / f"{signal_name}.toml"
        if file.is_file():
            return _parsed(file.read_text(encoding="utf-8"), where=str(file))
    return Thresholds()


def read_thresholds(path: Path, signal_name: str) -> Thresholds:
    """Those of another file, to be used in place of the shipped ones.

    A name that it leaves out keeps the shipped number. Raises ConfigurationError for a file that
    cannot be read, a name that the signal does not know, or other numbers under the same version.
    """
    try:
        own = _parsed(path.read_text(encoding="utf-8"), where=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {reason_of(error)}") from error
    shipped = shipped_thresholds(signal_name)
    if strange := sorted(own.values.keys() - shipped.values.keys()):
        known = ", ".join(shipped.values) or "none"
        raise ConfigurationError(
            f"{path}: {signal_name} has no threshold {strange[0]}; known: {known}"
        )
    both = Thresholds(version=own.version, values={**shipped.values, **own.values})
    if both.version == shipped.version and both != shipped:
        raise ConfigurationError(
            f"{path}: version {own.version!r} is that of the shipped thresholds; name your own"
        )
    return both


def label_limit(label: str, thresholds: Thresholds) -> float:
    """The score from which on an item has the label: its own threshold, or the default one."""
    name = f"{label}_probability"
    return thresholds[name if name in thresholds.values else "default_probability"]


def _parsed(text: str, *, where: str) -> Thresholds:
    try:
        table = tomllib.loads(text)
        values = {name: float(value) for name, value in table["values"].items()}
        return Thresholds(version=str(table["version"]), values=values)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"{where}: no file of thresholds: {error}") from error
