"""Reads all that was published for the inputs of a run, and finds those that are not answered."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from confluent_kafka import Message

from earmark.processors.codec import decode_event, event_codec
from earmark.processors.content import ContentEvent, validated
from earmark.processors.error import ContentError
from earmark.processors.loader import load_specs
from earmark.processors.schema import RECEIPTS, schema_of
from earmark.processors.signal import SignalSpec
from earmark.processors.wire import Codec
from earmark.streams.chaos.inputs import Input
from earmark.streams.chaos.inputs_sender import tag_of
from earmark.streams.chaos.inputs_tally import InputTally, Offence
from earmark.streams.chaos.timing import Timing
from earmark.streams.dead_letter import CommittedReader
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic import CONTENT_EVENTS, REJECTIONS, dead_letter_topic

Say = Callable[[str], None]


def check(
    sent: Sequence[Callable[[], Input]], settings: Settings, say: Say, *, controls: int
) -> tuple[InputTally, Timing, list[Offence]]:
    """What came of what was `sent`, by tag, each made again when it is asked for.

    The first `controls` are good recordings. Nobody may be writing.
    """
    specs = _asked(settings)
    tally, timing = InputTally(len(sent), specs, controls=controls), Timing()
    reader = _Reader(settings, len(sent), timing)
    for spec in specs.values():
        say(f"checking {spec.name}")
        for tag, record in reader.records(spec.topic):
            tally.note_signal(tag, spec.topic, record)
    say("checking rejections and receipts")
    for tag, record in reader.records(REJECTIONS):
        tally.note_rejection(tag, record)
    for tag, record in reader.records(RECEIPTS, settings.kafka.receipts_topic):
        tally.note_receipt(tag, record)
    say("checking dead letters")
    for tag, message in reader.messages(dead_letter_topic(CONTENT_EVENTS)):
        tally.note_letter(tag, untouched=message.value() == sent[tag]().value)
    say("comparing with what was sent")
    return tally, timing, list(_offences(sent, settings, tally))


def _offences(
    sent: Sequence[Callable[[], Input]], settings: Settings, tally: InputTally
) -> Iterator[Offence]:
    with Registry(settings.registry) as registry:
        codec = event_codec(registry.schema_by_id)
        for tag, make in enumerate(sent):
            # what the worker did not read is not read here either: it may be what killed it
            event = _event(make().value, codec) if tally.was_read(tag) else None
            yield from tally.offences(tag, event)


def _event(value: bytes | None, codec: Codec) -> ContentEvent | None:
    try:
        return validated(decode_event(value or b"", codec))
    except ContentError:
        return None


def _asked(settings: Settings) -> Mapping[str, SignalSpec]:
    names = settings.worker.signals
    return {n: spec for n, spec in load_specs(names or None).items() if not names or n in names}


class _Reader:
    """What is committed on a topic and came of an input; notes when each record was written."""

    def __init__(self, settings: Settings, tags: int, timing: Timing) -> None:
        self._kafka = settings.kafka
        self._tags = range(tags)
        self._timing = timing

    def records(self, topic: str, name: str = "") -> Iterator[tuple[int, Mapping[str, object]]]:
        """The records of a topic of ours, which may have another name, with their tags."""
        codec = Codec(schema_of(topic))
        for tag, message in self.messages(name or topic):
            if (value := message.value()) is not None:  # a tombstone says nothing that we count
                yield tag, codec.decode(value)

    def messages(self, topic: str) -> Iterator[tuple[int, Message]]:
        """The same, as they lie there."""
        with CommittedReader(self._kafka, topic) as reader:
            for span in reader.spans():
                for message in reader.read(span):
                    tag = tag_of(message)
                    if tag is not None and tag in self._tags:
                        self._timing.note(
                            tag,
                            written_ms=message.timestamp()[1],
                            partition=message.partition() or 0,
                        )
                        yield tag, message
