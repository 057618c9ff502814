"""What the pipeline answers in this process, against what was published."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from earmark.processors.codec import Codec, encode_signal
from earmark.processors.content import ContentEvent
from earmark.processors.identity import same
from earmark.processors.outcome import Signal
from earmark.processors.schema import schema_of
from earmark.processors.signal import Takes
from earmark.streams.assembly import load_pipeline
from earmark.streams.chaos.events import Content
from earmark.streams.settings import Settings, with_worker

Published = tuple[int, Mapping[str, Any]]  # number of the record, signal as it was read
_ANY_ID = 1  # of a schema: nobody looks it up


class Reference:
    """The pipeline for one signal, in the thread that made it."""

    def __init__(self, settings: Settings, name: str, content: Content) -> None:
        self._pipeline = load_pipeline(with_worker(settings, signals=(name,)))
        self._spec = self._pipeline.specs[name]
        self._codec = Codec(schema_of(self._spec.topic))
        self._content = content
        takes = {spec.takes for spec in self._pipeline.specs.values()}
        self._reads_texts_alone = takes == {Takes.PASSAGES}

    def differing(self, published: Sequence[Published]) -> Iterator[tuple[int, str]]:
        """The numbers of those records that differ from our own answer, and where they do."""
        own = self._answers({number for number, _ in published})
        for number, record in published:
            if differences := same(own[number], record, self._spec):
                yield number, differences[0]

    def _answers(self, numbers: set[int]) -> dict[int, Mapping[str, Any]]:
        events = {number: self._event(number) for number in sorted(numbers)}
        number_of = {event.event_id: number for number, event in events.items()}
        return {
            number_of[outcome.event.event_id]: self._as_read(outcome)
            for outcome in self._pipeline.run(events.values())
            if isinstance(outcome, Signal)
        }

    def _event(self, number: int) -> ContentEvent:
        """The event, without the recording where that need not be decoded: half of the work."""
        event = self._content.event(number)
        return replace(event, audio=None) if self._reads_texts_alone else event

    def _as_read(self, signal: Signal) -> Mapping[str, Any]:
        """The signal as it comes out of Kafka: Avro keeps float32."""
        return self._codec.decode(encode_signal(signal, _ANY_ID))
