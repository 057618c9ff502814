"""What people see of items who ask by HTTP, read from the files of the open partitions."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from earmark.streams.judging.state import RulingName
from earmark.streams.topic import VERDICTS


class ItemView:
    """Reads the files of the partitions that are open now, for people who ask by HTTP.

    It has connections of its own: what is being changed is seen when it is committed.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._databases = [_reading(path) for path in paths]

    def __enter__(self) -> "ItemView":
        return self

    def __exit__(self, *exc_info: object) -> None:
        for database in self._databases:
            database.close()

    def payloads(self, content_id: str) -> dict[str, bytes]:
        """The item's newest record on each topic that has one; empty for one that is not known."""
        query = "SELECT topic, payload FROM records WHERE content_id = ? AND payload IS NOT NULL"
        return dict(self._all(query, content_id))

    def requests(self, content_id: str) -> list[bytes]:
        """The questions that were asked about the item."""
        query = "SELECT payload FROM requests WHERE content_id = ?"
        return [row[0] for row in self._all(query, content_id)]

    def newest(
        self, *, effect: str | None, policy: str | None, before: tuple[int, str], limit: int
    ) -> list[tuple[int, str, bytes]]:
        """Verdicts as (time, item, payload), the newest first, after those at `before`."""
        wanted = {"effect": effect, "policy": policy}
        given = {name: value for name, value in wanted.items() if value is not None}
        source = "rulings" if given else "standing"
        conditions = "".join(f" AND {name} = ?" for name in given)
        query = (
            f"SELECT DISTINCT found.at_ms, found.content_id, records.payload FROM {source} found "  # noqa: S608 - names from this module
            f"JOIN records ON records.content_id = found.content_id AND records.topic = ? "
            f"WHERE (found.at_ms, found.content_id) < (?, ?){conditions} "
            "ORDER BY found.at_ms DESC, found.content_id DESC LIMIT ?"
        )
        rows = list(self._all(query, VERDICTS, *before, *given.values(), limit))
        return sorted(rows, reverse=True, key=lambda row: (row[0], row[1]))[:limit]

    def counts(self) -> tuple[Mapping[RulingName, int], int]:
        """How many items each rule holds for, by its names; and how many are judged."""
        totals: dict[RulingName, int] = {}
        query = "SELECT policy, rule, effect, count(*) FROM rulings GROUP BY policy, rule, effect"
        for policy, rule, effect, count in self._all(query):
            totals[policy, rule, effect] = totals.get((policy, rule, effect), 0) + count
        judged = sum(row[0] for row in self._all("SELECT count(*) FROM standing"))
        return totals, judged

    def _all(self, query: str, *values: object) -> Iterator[Any]:
        for database in self._databases:
            yield from database.execute(query, values)


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)
