"""What stands of an item: its event, and of each signal the record that is to be shown."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from earmark.streams.topic import RESTRICTED_PREFIX

Execute = Callable[[str, tuple[object, ...]], Iterable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A signal's record; `topic` is the restricted one where that is where it was read."""

    signal: str
    topic: str
    produced_ms: int
    record: Mapping[str, Any]


def item_record(execute: Execute, content_id: str) -> dict[str, Any] | None:
    """The item's newest event, None where it has not come."""
    rows = execute("SELECT record FROM items WHERE content_id = ?", (content_id,))
    text = next(iter(rows), (None,))[0]
    return None if text is None else dict(json.loads(text))


def standing(
    execute: Execute, content_id: str, *, names: Collection[str] | None = None
) -> dict[str, Standing]:
    """By signal. Of a redacted twin and the whole record of the same answer, the whole one."""
    found: dict[str, Standing] = {}
    for each in _all(execute, content_id):
        if names is not None and each.signal not in names:
            continue
        other = found.get(each.signal)
        if other is None or _is_better(each, other):
            found[each.signal] = each
    return found


def _all(execute: Execute, content_id: str) -> Iterator[Standing]:
    query = (
        "SELECT signal, topic, produced_ms, record FROM signals WHERE content_id = ? "
        "ORDER BY signal, topic"
    )
    for signal, topic, produced_ms, record in execute(query, (content_id,)):
        yield Standing(
            signal=signal, topic=topic, produced_ms=produced_ms, record=json.loads(record)
        )


def _is_better(one: Standing, other: Standing) -> bool:
    if one.record["signal_id"] == other.record["signal_id"]:
        return one.topic.startswith(RESTRICTED_PREFIX)
    return one.produced_ms > other.produced_ms
