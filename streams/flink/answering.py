"""Answers pieces of a backfill in a worker of Flink's, by the parts that a native worker has.

    references -> records, from Kafka -> fetch -> decode (child processes) -> score (one thread)
      -> the records that a native replay would write

What is begun with a piece is done with it: between two pieces nothing is held that a checkpoint
would have to know.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict
from functools import partial

from confluent_kafka import Message

from earmark.processors.block import Block
from earmark.processors.codec import decode_event, event_codec
from earmark.processors.content import Change, ContentEvent, validated
from earmark.processors.error import ContentError
from earmark.processors.loader import load_specs, with_models
from earmark.processors.outcome import Answer, Rejection
from earmark.processors.plan import Plan
from earmark.processors.schema import RECEIPTS
from earmark.streams.assembly import hearing_maker, load_pipeline
from earmark.streams.block_queue import BlockQueue
from earmark.streams.breaker import DeadLetterBreaker
from earmark.streams.dead_letter import CommittedReader, Span
from earmark.streams.erased_item import ErasedItems
from earmark.streams.flight import Flight
from earmark.streams.flink.reference import Piece, Tally, answered_topic
from earmark.streams.health import Health
from earmark.streams.local.report import silent
from earmark.streams.outgoing import FlightRecords, Outgoing
from earmark.streams.receipt import ruling
from earmark.streams.registry import Registry
from earmark.streams.replay.manifest import Manifest
from earmark.streams.reuse import NOTHING_DUE
from earmark.streams.scoring import ScoringThread
from earmark.streams.settings import Settings
from earmark.streams.topic import CONTENT_EVENTS, REJECTIONS
from earmark.streams.watchdog import Watchdog, ending_process, limits_s

WAIT_S = 0.1


class Answering:
    """Answers pieces of the run, one at a time; `close` ends its threads and processes.

    Raises ConfigurationError and ServiceError as a native worker would. The models are loaded once.
    """

    def __init__(self, settings: Settings, manifest: Manifest, *, worker: str) -> None:
        own = manifest.settings(settings)
        self._route = manifest.route
        self._undo = ExitStack()
        registry = self._undo.enter_context(Registry(own.registry))
        self._codec = event_codec(registry.schema_by_id)
        specs = with_models(load_specs(own.worker.signals or None), own.worker.models)
        self._topics = [
            spec.topic
            for name, spec in specs.items()
            if not own.worker.signals or name in own.worker.signals
        ]
        schema_ids = registry.ids_for_worker([*self._topics, CONTENT_EVENTS, REJECTIONS, RECEIPTS])
        self._records = FlightRecords(own, schema_ids, worker=worker, route=manifest.route)
        self._breaker = DeadLetterBreaker(own.worker.breaker)
        watchdog = Watchdog(ending_process(Health()), limits_s=limits_s(own.worker.stall_s))
        self._undo.callback(watchdog.close)
        self._computing = watchdog.stage("device")
        self._blocks = BlockQueue(
            max_bytes=own.worker.decoded_bytes, linger_s=own.worker.batch_wait_s
        )
        self._undo.callback(self._blocks.close)
        # the decode processes come first: each starts while this one loads its models
        make_hearing, _ = hearing_maker(
            own, specs, read=self._read, watchdog=watchdog, sets_apart=False
        )
        self._scoring = ScoringThread(
            partial(load_pipeline, own), self._blocks, self._computing.moved
        )
        self._hearing = make_hearing(self._plan_heard, self._score)
        self._undo.callback(self._hearing.close)
        self._scoring.start()
        self._source = self._undo.enter_context(CommittedReader(own.kafka, manifest.source))
        self._erased = ErasedItems(settings.kafka, registry, silent)
        self._scoring.loaded.wait()
        self._scoring.check()
        watchdog.start()
        self._waiting: dict[int, tuple[ContentEvent, Flight]] = {}  # by id of the event

    def answer(self, piece: Piece) -> Iterator[Outgoing]:
        """All records that follow from the piece, the last of which says that it is answered.

        Raises BreakerError where too many events would be dead-lettered, and what a native worker
        would end with.
        """
        messages = self._messages(piece)
        begun = [self._begun(message) for message in messages]
        while self._waiting:
            self._hearing.check()
            for answer in self._scoring.answers(wait_s=WAIT_S):
                self._note(answer)
        flights = [flight for flight in begun if flight is not None]
        tally = Tally(gone=len(piece.offsets) - len(messages), erased=len(messages) - len(flights))
        for flight in flights:
            tally += self._ruled(flight)
            yield from self._records.of(flight)
        yield Outgoing(
            topic=answered_topic(self._route),
            key=str(piece.number).encode(),
            value=json.dumps(asdict(tally)).encode(),
            headers=[],
        )

    def close(self) -> None:
        """End all threads and processes."""
        self._undo.close()

    def _messages(self, piece: Piece) -> list[Message]:
        """The records that are still there: a topic may have lost some since they were listed."""
        wanted = frozenset(piece.offsets)
        span = Span(partition=piece.partition, start=piece.offsets[0], end=piece.offsets[-1] + 1)
        with closing(self._source.read(span)) as records:  # type: ignore[type-var]  # a generator
            return [message for message in records if message.offset() in wanted]

    def _begun(self, message: Message) -> Flight | None:
        """The flight of the record, on its way where it has one to go; None of an erased item."""
        flight = Flight(message=message)
        try:
            event = validated(self._read(message.value() or b""))
        except ContentError as error:
            flight.outcomes = (Rejection(event=None, error=error),)
            return flight
        flight.event = event
        if event.change == Change.DELETED:
            flight.plan, flight.outcomes = NOTHING_DUE, ()
            return flight
        if self._erased.supersede(event):
            return None
        flight.plan = plan = self._scoring.pipeline.plan(event)
        if plan.is_done:
            flight.outcomes = ()
            return flight
        self._waiting[id(event)] = event, flight
        self._hearing.begin(event, flight, plan, is_long=False)
        return flight

    def _read(self, payload: bytes) -> ContentEvent:
        return decode_event(payload, self._codec)

    def _plan_heard(self, event: ContentEvent, audio_sha256: str) -> Plan:
        return self._scoring.pipeline.plan(event, audio_sha256=audio_sha256)

    def _score(self, block: Block) -> None:
        if block.end is not None:
            self._computing.begin()
        self._blocks.put(block)

    def _note(self, answer: Answer) -> None:
        self._computing.end()
        _, flight = self._waiting.pop(id(answer.event))
        flight.outcomes = answer.outcomes

    def _ruled(self, flight: Flight) -> Tally:
        """Say what is to be written; its item has no other event in this run."""
        if flight.event is not None:
            flight.ruling = ruling(None, flight.event, flight.outcomes or (), topics=self._topics)
        rejection = flight.rejection
        self._breaker.note(rejection.error.rejection_class if rejection else None)
        if rejection is not None:
            return Tally(rejected=1)
        is_deletion = flight.event is not None and flight.event.change == Change.DELETED
        return Tally(deleted=1) if is_deletion else Tally(answered=1)
