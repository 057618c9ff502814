"""Scores what somebody tries out, by the pipeline of the workers: nothing is published or kept.

One thing at a time. The models are loaded when somebody first tries, in the thread that scores,
and stay; recordings are decoded in a process of its own.
"""

import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock
from typing import Any

from earmark.processors.block import NO_SAMPLES, Block, End
from earmark.processors.codec import event_record, signal_record
from earmark.processors.content import Audio, ContentEvent, Text, validated
from earmark.processors.error import ContentError
from earmark.processors.loader import load_specs
from earmark.processors.outcome import Outcome, Rejection, Signal
from earmark.processors.pipeline import Pipeline
from earmark.processors.signal import Takes
from earmark.streams.assembly import load_pipeline
from earmark.streams.decoding import DecodePool
from earmark.streams.fetch import Media
from earmark.streams.settings import Settings
from earmark.streams.web.access import RefusedError
from earmark.streams.web.index.said import stored
from earmark.streams.web.index.standing import Standing
from earmark.streams.web.item_view import signal_object, texts_of
from earmark.streams.web.media import next_block
from earmark.streams.web.timeline import timeline

TRIED = "try"  # the id of what is tried, and the scheme of the file that holds it
LONGEST_HOURS = 2.0
LONGEST_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What somebody tries: a text, or a file with a recording, or both."""

    content_type: str
    language: str | None = None
    text: str | None = None
    file: Path | None = None

    def event(self) -> ContentEvent:
        """It as an event; raises ContentError for what none can be made of."""
        texts = () if self.text is None else (Text(field="text", text=self.text),)
        audio = None if self.file is None else Audio(uri=f"{TRIED}:file")
        event = ContentEvent(
            event_id=TRIED,
            content_id=TRIED,
            content_type=self.content_type,
            language=self.language,
            event_time=time.time_ns() // 1_000_000,
            audio=audio,
            texts=texts,
        )
        return validated(event)


class Trials:
    """Tries things; `score` blocks, and refuses while another one is being tried."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._busy = Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scoring")
        self._pipeline: Pipeline | None = None
        self._pool: DecodePool | None = None
        self._stopped = Event()

    def close(self) -> None:
        """End the thread and the decode process."""
        self._stopped.set()
        if self._pool is not None:
            self._pool.close()
        self._thread.shutdown(cancel_futures=True)

    def score(self, tried: Tried) -> dict[str, Any]:
        """What the signals say; raises RefusedError where another one is being tried."""
        if not self._busy.acquire(blocking=False):
            raise RefusedError(429, "something else is being tried: ask again in a moment")
        try:
            # graphs and caches of models belong to the thread that made them
            return self._thread.submit(self._scored, tried).result()
        finally:
            self._busy.release()

    def _scored(self, tried: Tried) -> dict[str, Any]:
        event = tried.event()
        pipeline = self._loaded()
        began = time.monotonic()
        outcomes = list(pipeline.score(self._blocks(event, tried.file)))
        return _report(event, outcomes, time.monotonic() - began)

    def _loaded(self) -> Pipeline:
        if self._pipeline is None:
            self._pipeline = load_pipeline(self._settings)
        return self._pipeline

    def _blocks(self, event: ContentEvent, file: Path | None) -> Iterator[Block]:
        if file is None:
            yield Block(event=event, samples_T=NO_SAMPLES, end=End())
            return
        if self._pool is None:
            specs = load_specs(self._settings.worker.signals or None)
            meters = [name for name, spec in specs.items() if spec.takes is Takes.METER]
            self._pool = DecodePool(1, meters=meters, max_hours=LONGEST_HOURS)
        blocks: SimpleQueue[Block] = SimpleQueue()
        self._pool.submit(event, Media(content=file), blocks.put)
        deadline = time.monotonic() + LONGEST_S
        while True:
            block = next_block(blocks, self._pool, deadline=deadline, stopped=self._stopped)
            yield block
            if block.end is not None:
                return


def _report(event: ContentEvent, outcomes: list[Outcome], seconds: float) -> dict[str, Any]:
    now_ms = time.time_ns() // 1_000_000
    signals = {
        outcome.name: Standing(
            signal=outcome.name,
            topic=outcome.topic,
            produced_ms=now_ms,
            record=json.loads(stored(signal_record(outcome))),
        )
        for outcome in outcomes
        if isinstance(outcome, Signal)
    }
    texts = texts_of(event_record(event), signals, unmask=True)
    rejected = next((it for it in outcomes if isinstance(it, Rejection)), None)
    return {
        "signals": [signal_object(signals[name], texts) for name in sorted(signals)],
        "texts": [text.as_json() for text in texts],
        "timeline": timeline(signals, texts, None),
        "rejection": None if rejected is None else rejection_object(rejected.error),
        "seconds": round(seconds, 3),
    }


def rejection_object(error: ContentError) -> Mapping[str, Any]:
    """Why content cannot be used."""
    return {
        "rejection_class": str(error.rejection_class),
        "fault": str(error.fault),
        "part": error.part,
        "message": error.reason,
    }
