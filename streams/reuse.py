"""What the worker need not compute again: answers that stand, and answers kept from before."""

from collections.abc import Callable, Iterator, Sequence

from earmark.processors.content import Change, ContentEvent
from earmark.processors.identity import key_of
from earmark.processors.outcome import OutcomeKind, Signal
from earmark.processors.pipeline import Pipeline
from earmark.processors.plan import Plan, nothing_kept
from earmark.processors.signal import Part, Takes
from earmark.streams.answer_cache import AnswerCache
from earmark.streams.flight import Flight
from earmark.streams.receipts import Receipts

NOTHING_DUE = Plan(wanted=frozenset(), computed=frozenset(), hears=False)

Encode = Callable[[Signal], bytes]


class Reuse:
    """Plans events by the receipts of their items and by the cache of answers.

    `plan` is for the worker's own thread, `plan_heard` for any.
    """

    def __init__(self, receipts: Receipts, cache: AnswerCache) -> None:
        self._receipts = receipts
        self._cache = cache

    def plan(self, pipeline: Pipeline, flight: Flight, event: ContentEvent, *, alone: bool) -> Plan:
        """What is to be computed for the event; nothing where it comes too late.

        Receipts are asked only where no other event of the item is on its way (`alone`): what that
        one changes is not known yet.
        """
        if event.change == Change.DELETED:
            return NOTHING_DUE
        if flight.forced:
            return pipeline.plan(event)
        receipt = self._receipts.get(flight.partition[1], event.content_id) if alone else None
        if receipt is not None and receipt.supersedes(event):
            flight.late = True
            return NOTHING_DUE
        return pipeline.plan(
            event,
            standing={} if receipt is None else receipt.answers,
            recall=nothing_kept if event.audio is None else self._cache.get,
        )

    def plan_heard(self, pipeline: Pipeline, event: ContentEvent, audio_sha256: str) -> Plan:
        """What is to be computed for an event of whose audio the digest is known only now."""
        return pipeline.plan(event, audio_sha256=audio_sha256, recall=self._cache.get)

    def committed(self, flights: Sequence[Flight], pipeline: Pipeline, encode: Encode) -> None:
        """Keep the answers about recordings that were published; forget what was erased."""
        self._cache.put(
            (signal.topic, key_of(signal), signal.event.content_id, encode(signal))
            for flight in flights
            for signal in _new_of_recordings(flight, pipeline)
        )
        events = (flight.event for flight in flights)
        self._cache.forget([e.content_id for e in events if e and e.change == Change.DELETED])


def _new_of_recordings(flight: Flight, pipeline: Pipeline) -> Iterator[Signal]:
    """Those computed now.

    Texts, and what was said, are read again as fast as they are found; and an answer about them may
    point into others of its own item.
    """
    event, known = flight.event, flight.plan.known if flight.plan else {}
    if event is None or event.audio is None:
        return
    for outcome in flight.written:
        if isinstance(outcome, Signal) and outcome.result.outcome != OutcomeKind.ERROR:
            spec = pipeline.specs[outcome.name]
            of_audio = Part.AUDIO in spec.reads and spec.takes is not Takes.PASSAGES
            if of_audio and outcome.name not in known:
                yield outcome
