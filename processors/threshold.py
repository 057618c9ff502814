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

from earmark.models.plugin import resources

FOLDER = Path(__file__).with_name("thresholds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The thresholds of one signal; `version` is that of the file they stand in."""

    version: str = ""
    values: Mapping[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        return self.values[name]


@cache
def shipped_thresholds(signal_name: str) -> Thresholds:
    """Those of the signal's file; a signal without one has none."""
    for folder in (FOLDER, *resources("thresholds")):
        file = folder / f"{signal_name}.toml"
        if file.is_file():
            table = tomllib.loads(file.read_text(encoding="utf-8"))
            return Thresholds(version=str(table["version"]), values=table["values"])
    return Thresholds()
