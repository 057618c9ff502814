"""Thresholds: numbers that turn scores into labels and outcomes, in a versioned file.

The shipped ones stand in `thresholds.toml` beside this module, one table per signal. They belong
to the config hash, so changing one changes the identity of the answers.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The thresholds of one signal; `version` is that of the file they stand in."""

    version: str
    values: Mapping[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        return self.values[name]


def shipped_thresholds(signal_name: str) -> Thresholds:
    """Those of `thresholds.toml`; a signal without a table there has none."""
    table = _file()
    return Thresholds(version=str(table["version"]), values=table.get(signal_name, {}))


@cache
def _file() -> dict[str, dict[str, float]]:
    return tomllib.loads(Path(__file__).with_name("thresholds.toml").read_text())
