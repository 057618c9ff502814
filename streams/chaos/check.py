"""Reads everything that was published and compares it, one topic at a time."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from earmark.processors.loader import load_specs
from earmark.streams.chaos.events import Content
from earmark.streams.chaos.reference import Reference
from earmark.streams.chaos.tally import DEAD_LETTERS, Tally
from earmark.streams.chaos.timing import Timing
from earmark.streams.settings import Settings
from earmark.streams.subscriber import ReceivedSignal, subscribe
from earmark.streams.topic import REJECTIONS

BATCH = 512  # records that are held at once
QUIET_S = 1.5  # nothing came for so long: the end, where nothing is missing
LAST_S = 20.0  # where something is: not before then

Batch = Sequence[ReceivedSignal]


def check(
    content: Content,
    settings: Settings,
    payload: Callable[[int], bytes],
    report: Callable[[str], None],
) -> tuple[Tally, Timing]:
    """What came of the records of `content`, read from the beginning of all topics.

    `payload` gives the bytes of a record as they were sent. Nobody may be writing.
    """
    names = settings.worker.signals or tuple(load_specs())
    specs = {name: spec for name, spec in load_specs(names).items() if name in names}
    tally, timing = Tally(content, specs), Timing()
    for name, spec in specs.items():
        report(f"checking {name}")
        reference = Reference(settings, name, content)
        for batch in _read(settings, spec.topic, tally):
            _check_signal(reference, content, tally, timing, batch)
    report("checking rejections and dead letters")
    for batch in _read(settings, REJECTIONS, tally):
        for received in batch:
            tally.note_rejection(received.key, received.record)
    for batch in _read(settings, DEAD_LETTERS, tally):
        for received in batch:
            number = content.find(received.key)
            sent = b"" if number is None else payload(number)
            tally.note_dead_letter(received.key, received.value, sent)
    tally.close()
    return tally, timing


def _check_signal(
    reference: Reference, content: Content, tally: Tally, timing: Timing, batch: Batch
) -> None:
    known = []
    for received in batch:
        number = tally.note_signal(received.topic, received.key, received.record)
        if number is not None:
            known.append((number, received.record))
            timing.note(number, written_ms=received.timestamp, partition=received.partition)
    for number, difference in reference.differing(known):
        tally.note_wrong(batch[0].topic, content.entry(number).content_id, difference)


def _read(settings: Settings, topic: str, tally: Tally) -> Iterator[Batch]:
    """All that is committed; where something is missing, it is given time to come."""
    with subscribe(topic, settings=settings, from_beginning=True, timeout_s=QUIET_S) as records:
        quiet_s = 0.0
        while quiet_s < LAST_S:
            if batch := list(islice(records, BATCH)):
                quiet_s = 0.0
                yield batch
            if len(batch) < BATCH:  # nothing more came in time
                quiet_s += QUIET_S
                if not len(tally.missing(topic)):
                    return
