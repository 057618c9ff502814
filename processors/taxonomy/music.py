"""Our tags of music, what kind of thing each is, and what the networks call them."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("music.toml")
NETWORKS = ("msd", "mtt")  # the columns of the table


@dataclass(frozen=True, slots=True, kw_only=True)
class MusicTag:
    """One of our tags; `theirs` are its names by network."""

    name: str
    group: str
    theirs: Mapping[str, tuple[str, ...]]


@cache
def music_taxonomy() -> tuple[str, str]:
    """Name and version of our tags, as provenance states them."""
    return "earmark.music", str(_table()["version"])


@cache
def music_tags() -> tuple[MusicTag, ...]:
    """All tags, group by group."""
    groups = {name: rows for name, rows in _table().items() if isinstance(rows, Mapping)}
    return tuple(
        MusicTag(
            name=name,
            group=group,
            theirs={network: tuple(row.get(network, ())) for network in NETWORKS},
        )
        for group, rows in groups.items()
        for name, row in rows.items()
    )


def in_our_words(
    theirs: Sequence[str], mean_K: Sequence[float], *, network: str
) -> dict[str, float]:
    """Probabilities by our tags, from those of one network by its own: the highest of each.

    Tags that the network does not know are left out.
    """
    by_name = dict(zip(theirs, mean_K, strict=True))
    return {
        tag.name: max(by_name[name] for name in tag.theirs[network])
        for tag in music_tags()
        if tag.theirs[network]
    }


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
