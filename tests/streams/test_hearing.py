"""Hearing without a worker around it: what a fetching thread says of media."""

from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest

from earmark.processors.block import Block
from earmark.processors.content import Audio, ContentEvent
from earmark.processors.error import RejectionClass
from earmark.processors.plan import Plan
from earmark.streams.decoding import DecodePool
from earmark.streams.fetch import Media
from earmark.streams.hearing import Hearing
from earmark.streams.journey import NOWHERE
from earmark.streams.watchdog import Watchdog, limits_s

WHOLE = Plan(wanted=frozenset({"audio.speech"}), computed=frozenset({"audio.speech"}))
EVENT = ContentEvent(event_id="e", content_id="c", audio=Audio(uri="file:///talk.wav"))


class Heard:
    """Hears without a decoder; `media` is what every fetch brings."""

    def __init__(self, media: Media) -> None:
        self.blocks: SimpleQueue[Block] = SimpleQueue()
        self.planned: list[str] = []
        self.watchdog = Watchdog(lambda *_: None, limits_s=limits_s(60))
        fetcher: Any = SimpleNamespace(fetch=lambda audio: media, close=lambda: None)
        self.hearing = Hearing(
            fetcher=fetcher,
            fetchers=1,
            decoders=DecodePool(0),
            decoders_of_long=lambda: DecodePool(0),
            sets_apart=True,
            watchdog=self.watchdog,
            plan_heard=self.plan,
            score=self.blocks.put,
        )

    def plan(self, event: ContentEvent, audio_sha256: str) -> Plan:
        self.planned.append(audio_sha256)
        return WHOLE

    def close(self) -> None:
        self.hearing.close()


@pytest.fixture
def gone(tmp_path: Path) -> Iterator[Heard]:
    heard = Heard(Media(content=tmp_path / "gone.wav"))
    yield heard
    heard.close()


def test_media_that_cannot_be_read_are_the_fault_of_the_event(gone: Heard) -> None:
    flight: Any = SimpleNamespace(forced=False, plan=WHOLE, journey=NOWHERE)
    gone.hearing.begin(EVENT, flight, WHOLE, is_long=False)
    block = gone.blocks.get(timeout=10)
    assert block.end is not None
    assert block.end.error is not None
    assert block.end.error.rejection_class == RejectionClass.MEDIA_UNREACHABLE
    gone.hearing.check()


def test_what_is_forced_is_not_looked_for_among_the_answers_kept(tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    path.write_bytes(b"words")
    heard = Heard(Media(content=path))
    for forced in (False, True):
        flight: Any = SimpleNamespace(forced=forced, plan=WHOLE, journey=NOWHERE)
        heard.hearing.begin(EVENT, flight, WHOLE, is_long=False)
        while heard.watchdog.stage("fetch").work:
            pass
    assert len(heard.planned) == 1
    heard.close()
