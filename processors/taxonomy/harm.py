"""Our harms and the crosswalk from them to other people's schemes, read from the data files here.

The crosswalk is an opinion with sources: definitions compared by people. It does not turn a score
of ours into a score of another scheme, whose thresholds and severities are its own.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from earmark.processors.error import ConfigurationError

FOLDER = Path(__file__).parent


class Relation(StrEnum):
    """From a harm of ours to a category of theirs; the mapping relations of SKOS."""

    CLOSE = "close"  # much the same
    BROAD = "broad"  # theirs holds ours and more
    NARROW = "narrow"  # theirs is a part of ours
    RELATED = "related"  # they overlap


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """One of our harms."""

    name: str
    definition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One category of a scheme. `matches` is by our harm; where it is empty, `why` says why."""

    code: str
    name: str
    matches: Mapping[str, Relation]
    why: str | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """Someone's categories of harm; `none` are the harms of ours that it has no category for.

    `levels` are its severities, least first or as the scheme has them; none: it has none.
    """

    name: str
    title: str
    version: str
    levels: tuple[str, ...]
    none: frozenset[str]
    rows: tuple[Row, ...]

    def codes(self, harm: str) -> Mapping[str, Relation]:
        """Its categories for a harm of ours; none where it has none. KeyError: no such harm."""
        if harm not in harms():
            raise KeyError(harm)
        return {row.code: row.matches[harm] for row in self.rows if harm in row.matches}

    def harms(self, code: str) -> Mapping[str, Relation]:
        """Our harms for one of its categories; KeyError: it has no such category."""
        return {row.code: row.matches for row in self.rows}[code]


@cache
def taxonomy() -> tuple[str, str]:
    """Name and version of our harms, as provenance states them."""
    table = _read("harm.toml")
    return table["name"], table["version"]


@cache
def harms() -> Mapping[str, Harm]:
    """Our harms by name."""
    return {row["name"]: Harm(**row) for row in _read("harm.toml")["harm"]}


@cache
def schemes() -> Mapping[str, Scheme]:
    """Every scheme of the crosswalk by name; raises ConfigurationError if one is not total."""
    found = [_scheme(table) for table in _read("crosswalk.toml")["scheme"]]
    for scheme in found:
        for problem in problems(scheme):
            raise ConfigurationError(f"crosswalk.toml: {scheme.name}: {problem}")
    return {scheme.name: scheme for scheme in found}


def problems(scheme: Scheme) -> Iterator[str]:
    """What keeps the scheme from being total: every harm placed, every category placed, once."""
    matched = {harm for row in scheme.rows for harm in row.matches}
    for harm in sorted((matched | scheme.none) - harms().keys()):
        yield f"{harm} is no harm of ours"
    for harm in sorted(harms().keys() - matched - scheme.none):
        yield f"{harm} has neither a category nor a place in `none`"
    for harm in sorted(matched & scheme.none):
        yield f"{harm} has a category and a place in `none`"
    codes = [row.code for row in scheme.rows]
    for code in sorted({code for code in codes if codes.count(code) > 1}):
        yield f"{code} stands there twice"
    for row in scheme.rows:
        if bool(row.matches) == bool(row.why):
            yield f"{row.code} needs either a match or the reason why it has none"


def _scheme(table: Mapping[str, Any]) -> Scheme:
    return Scheme(
        name=table["name"],
        title=table["title"],
        version=table["version"],
        levels=tuple(table.get("levels", ())),
        none=frozenset(table["none"]),
        rows=tuple(_row(row, table["source"]) for row in table["row"]),
    )


def _row(row: Mapping[str, Any], source: str) -> Row:
    return Row(
        code=row["code"],
        name=row.get("name", row["code"]),
        matches={harm: Relation(relation) for harm, relation in row.get("match", {}).items()},
        why=row.get("why"),
        source=row.get("source", source),
    )


def _read(file: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / file).read_text(encoding="utf-8"))
