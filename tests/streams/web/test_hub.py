"""Who looks on is told what comes, and who comes back what came meanwhile."""

import asyncio
from typing import Any

import pytest

from earmark.streams.web import hub as module
from earmark.streams.web.filter import Filter
from earmark.streams.web.hub import Hub
from tests.streams.web.held import received, signal

EVERYTHING = Filter()


def came(hub: Hub, *names: str, **record: Any) -> None:
    """These items got a signal, and whoever looks on was told."""
    signals = [received(signal("text.safety", name, **record), at_ms=1) for name in names]

    async def bring() -> None:
        hub.begin(asyncio.get_running_loop())
        hub.arrived(signals)
        await asyncio.sleep(0)

    asyncio.run(bring())


def told(hub: Hub, wanted: Filter = EVERYTHING, *, after: str | None) -> tuple[list[str], bool]:
    """The items that one who comes back is told of, and whether he missed any."""
    with hub.onlooker(wanted, after=after) as onlooker:
        there = onlooker.there.is_set()
        names = [row["content_id"] for _, row in onlooker.take()]
        assert there == bool(names or onlooker.has_missed)
        return names, onlooker.has_missed


def test_who_comes_back_is_told_what_came_behind_what_he_knows() -> None:
    hub = Hub()
    with hub.onlooker(EVERYTHING) as onlooker:
        came(hub, "a", "b", "c")
        ids = [at for at, _ in onlooker.take()]
    assert told(hub, after=ids[0]) == (["b", "c"], False)
    assert told(hub, after=ids[-1]) == ([], False)
    assert ids[-1] == hub.last_id
    assert told(hub, after=None) == ([], False)


def test_what_he_did_not_ask_for_is_not_told_later_either() -> None:
    hub = Hub()
    first = hub.last_id
    came(hub, "a", scores={"hate": 0.9, "spam": 0.3}, labels=["hate"])
    assert told(hub, Filter(label="spam"), after=first) == ([], False)
    assert told(hub, Filter(label="spam", min_score=0.2), after=first) == (["a"], False)


def test_who_was_away_too_long_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    hub = Hub()
    first = hub.last_id
    came(hub, "a", "b")
    assert told(hub, after=first) == (["a", "b"], False)
    came(hub, "c")
    assert told(hub, after=first) == (["b", "c"], True)


@pytest.mark.parametrize("after", ["", "x", "deadbeef-1", "-1", "-", f"x-{'9' * 5_000}", "\u0663"])
def test_an_id_of_another_server_resumes_nothing(after: str) -> None:
    hub = Hub()
    came(hub, "a")
    assert told(hub, after=after) == ([], True)
    own = hub.last_id.partition("-")[0]
    assert told(hub, after=f"{own}-{'9' * 5_000}") == ([], False)
