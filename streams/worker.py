"""The worker: content events in, signals out, each event answered once.

    consume -> fetch -> decode (child processes) -> score (lanes) -> publish (one transaction)

Events flow through without a barrier between batches: while the device scores some, the next are
fetched and decoded, and what is finished is published in the order it came. This thread talks to
Kafka alone; it polls on while the others work.
"""

import time
from collections.abc import Callable, Collection, Sequence
from threading import Event

import structlog
from confluent_kafka import Consumer, Message, TopicPartition

from earmark.processors.block import Block
from earmark.processors.content import ContentEvent, validated
from earmark.processors.error import ContentError, EarmarkError, RejectionClass
from earmark.processors.outcome import Answer, Rejection
from earmark.processors.pipeline import Pipeline
from earmark.processors.plan import Plan
from earmark.streams.allocator import keep_what_is_loaded
from earmark.streams.answer_cache import AnswerCache
from earmark.streams.block_queue import BlockQueue
from earmark.streams.breaker import DeadLetterBreaker
from earmark.streams.broker_error import BrokerErrors
from earmark.streams.course import Course
from earmark.streams.crash_ledger import CrashLedger
from earmark.streams.event_log import EventLog
from earmark.streams.flight import Flight, FlightLedger, Partition
from earmark.streams.health import Health
from earmark.streams.hearing import Hearing, PlanHeard, Score
from earmark.streams.intake import Intake
from earmark.streams.kafka import consumer_config, worker_id
from earmark.streams.lag import LagMeter
from earmark.streams.leftover import END_S, Leftovers
from earmark.streams.observer import Observer
from earmark.streams.promotion import ReadPromotion
from earmark.streams.publisher import Publisher
from earmark.streams.receipts import Receipts
from earmark.streams.remedy import may_pass
from earmark.streams.retry import may_try_again
from earmark.streams.reuse import NOTHING_DUE, Reuse
from earmark.streams.route import Route
from earmark.streams.scoring import ScoringThread
from earmark.streams.settings import Settings
from earmark.streams.watchdog import Watchdog

log = structlog.get_logger()

REVOKE_GRACE_S = 5.0  # what ends within it is published before partitions go to another worker
DRAIN_S = 30.0  # likewise, for a worker that is asked to stop
LET_GO_S = 10.0  # for models that are still being loaded then
PUBLISH_EVENTS = 1000  # most events in one transaction
SESSION_S = 10.0  # without a sign of life after which a member of a classic group is replaced


class Worker:
    """Runs until `stop` is called or it cannot go on; `run` then raises what ended it."""

    def __init__(
        self,
        settings: Settings,
        *,
        load: Callable[[], Pipeline],
        read: Callable[[bytes], ContentEvent],
        read_promotion: ReadPromotion,
        route: Route,
        course: Course,
        publisher: Publisher,
        hearing: Callable[[PlanHeard, Score], Hearing],
        consumer: Consumer,
        leftovers: Leftovers,
        receipts: Receipts,
        answers: AnswerCache,
        crashes: CrashLedger,
        watchdog: Watchdog,
        health: Health,
        observer: Observer,
    ) -> None:
        self._settings = settings
        self._read = read
        self._read_promotion = read_promotion
        self._route = route
        self._course = course
        self._publisher = publisher
        self._consumer = consumer
        self._leftovers = leftovers
        self._receipts = receipts
        self._answers = answers
        self._reuse = Reuse(receipts, answers)
        self._crashes = crashes
        self._watchdog = watchdog
        self._polling = watchdog.stage("poll")
        self._computing = watchdog.stage("device")
        self._publishing = watchdog.stage("publish")
        self._health = health
        self._observer = observer
        self._metrics = observer.metrics
        self._log = EventLog(content=settings.log.content)
        self._blocks = BlockQueue(
            max_bytes=settings.worker.decoded_bytes, linger_s=settings.worker.batch_wait_s
        )
        self._scoring = scoring = ScoringThread(load, self._blocks, self._computing.moved)
        observer.metrics.device_busy.show(read=lambda: scoring.busy_s)
        self._hearing = hearing(self._plan_heard, self._score)
        self._ledger = FlightLedger()
        self._lag = LagMeter(consumer, self._ledger, observer.metrics)
        self._flights: dict[int, tuple[ContentEvent, Flight]] = {}  # by id of the event
        self._heard = 0  # events that were begun; each comes to an end among the blocks
        self._intake = Intake(
            consumer,
            crashes,
            course,
            batch=settings.worker.batch_events,
            long_topic=route.long,
        )
        self._breaker = DeadLetterBreaker(settings.worker.breaker)
        self._stopping = Event()
        self._failed = False
        self._claimed = False  # its transactional id

    def run(self) -> None:
        """Work until `stop`; raises ServiceError, ModelError or TransactionError."""
        self._scoring.start()
        try:
            self._wait_until_loaded()
            self._polling.begin()
            self._watchdog.start()
            self._consumer.subscribe(
                self._route.read,
                on_assign=self._on_assign,
                on_revoke=self._on_revoke,
                on_lost=self._on_lost,
            )
            while not self._stopping.is_set() and not self._course.finished():
                self._take_in()
                self._settle(wait_s=0.1 if self._full or self._intake.blocked else 0.0)
                self._close_partitions()
            self._health.draining()
            self._drain()
            self._crashes.abandon()
        except Exception as error:
            self._failed = True
            self._health.failed(str(error))
            if isinstance(error, EarmarkError):  # understood, and no event's doing
                self._crashes.abandon()
            raise
        finally:
            self._close()

    def stop(self) -> None:
        """Ask the worker to finish what it has and end; may be called from a signal handler."""
        self._stopping.set()

    @property
    def _full(self) -> bool:
        limits = self._settings.worker
        return (
            self._ledger.count >= limits.events_in_flight
            or self._ledger.bytes >= limits.bytes_in_flight
            or self._course.holding
        )

    def _wait_until_loaded(self) -> None:
        while not self._scoring.loaded.wait(0.1) and not self._stopping.is_set():
            continue
        self._scoring.check()
        keep_what_is_loaded()

    def _take_in(self) -> None:
        self._polling.moved()
        long_in_flight = self._ledger.holds(self._route.long)
        taken = self._intake.take(
            in_flight=self._ledger.count, full=self._full, long_in_flight=long_in_flight
        )
        if taken:
            self._blocks.wait_for(None)
        for message in taken:
            self._begin(message)
        # a device that would wait for nothing begins with what there is
        self._blocks.wait_for(self._heard if self._full or self._intake.at_rest else None)
        self._blocks.hurried = self._intake.blocked

    def _begin(self, message: Message) -> None:
        self._metrics.events.inc()
        flight = Flight(message=message, journey=self._observer.begin(message))
        self._ledger.add(flight)
        if self._crashes.condemned(flight.place):
            flight.outcomes = (Rejection(event=None, error=_condemned()),)
            return
        try:
            if message.topic() == self._route.promotions:
                self._take_promotion(flight)
            else:
                self._take_event(flight, validated(self._read(message.value() or b"")))
        except ContentError as error:
            flight.outcomes = (Rejection(event=None, error=error),)

    def _take_promotion(self, flight: Flight) -> None:
        flight.outcomes = ()
        try:
            flight.promotion = self._read_promotion(flight.message)
        except ContentError as error:  # the topic of its run still has the answer
            log.warning("no promotion", place=flight.place, reason=str(error))
        else:
            self._ledger.identify(flight)

    def _take_event(self, flight: Flight, event: ContentEvent) -> None:
        if not self._course.wants(event):
            flight.outcomes = ()
            return
        flight.event = event
        flight.journey.identify(event)
        alone = self._ledger.identify(flight)
        flight.plan = plan = self._reuse.plan(self._scoring.pipeline, flight, event, alone=alone)
        if plan is NOTHING_DUE or plan.is_done:
            flight.outcomes = ()
            return
        self._flights[id(event)] = (event, flight)
        self._heard += 1
        is_long = flight.message.topic() == self._route.long
        self._hearing.begin(event, flight, plan, is_long=is_long)

    def _plan_heard(self, event: ContentEvent, audio_sha256: str) -> Plan:
        return self._reuse.plan_heard(self._scoring.pipeline, event, audio_sha256)

    def _score(self, block: Block) -> None:
        """Hand a block to the device; the last one of an event is work until it is answered."""
        if block.end is not None:
            self._computing.begin()
            if (known := self._flights.get(id(block.event))) is not None:
                known[1].journey.begin("score")
        self._blocks.put(block)

    def _settle(self, *, wait_s: float) -> None:
        """Note the answers that have come and publish what is finished, in order."""
        self._hearing.check()
        for answer in self._scoring.answers(wait_s=wait_s):
            self._note(answer)
        while heads := self._ledger.finished_heads(PUBLISH_EVENTS):
            self._rule(heads)
            began = time.monotonic()
            with self._observer.transaction(heads), self._publishing:
                self._publisher.publish(heads, self._consumer.consumer_group_metadata())
            self._log.published(heads, seconds=time.monotonic() - began)
            self._receipts.committed(heads)
            self._reuse.committed(heads, self._scoring.pipeline, self._publisher.encode)
            self._course.published(heads)
            self._crashes.settle([flight.place for flight in heads])
        self._lag.look()
        self._metrics.events_in_flight.set(self._ledger.count)
        self._metrics.queue_bytes.labels("blocks").set(self._blocks.bytes)
        self._metrics.queue_bytes.labels("flights").set(self._ledger.bytes)
        self._metrics.queue_bytes.labels("waiting").set(self._intake.waiting_bytes)

    def _close_partitions(self) -> None:
        """Commit that nothing more is wanted of the partitions that are through."""
        if offsets := self._course.closing(self._is_idle):
            self._publisher.pass_over(offsets, self._consumer.consumer_group_metadata())

    def _is_idle(self, partitions: Collection[Partition]) -> bool:
        return not self._ledger.pending(partitions) and not self._intake.holds(partitions)

    def _rule(self, heads: Sequence[Flight]) -> None:
        self._receipts.rule(heads)
        for flight in heads:
            rejection = flight.rejection
            self._breaker.note(rejection.error.rejection_class if rejection else None)

    def _note(self, answer: Answer) -> None:
        self._computing.end()
        _, flight = self._flights.pop(id(answer.event))
        flight.journey.end("score")
        flight.outcomes = answer.outcomes
        flight.retried = may_pass(answer.outcomes) and may_try_again(
            flight.message, self._settings.worker.retry
        )
        if flight.long:  # it is answered when its turn among the long ones has come
            flight.outcomes = ()
        self._ledger.answered(flight)

    def _on_assign(self, _: Consumer, partitions: Sequence[TopicPartition]) -> None:
        if partitions and not self._claimed:
            # as a member: others end what is open under the ids of those that are none
            self._publisher.start()
            self._claimed = True
        self._leftovers.end(partitions)
        self._end_pending(partitions)
        for number in {partition.partition for partition in partitions}:
            self._receipts.assign(number)
            self._polling.moved()
        self._health.ready()
        log.info("assigned", partitions=len(partitions))

    def _end_pending(self, partitions: Sequence[TopicPartition]) -> None:
        """See that nothing keeps the partitions from being read on; says so where something does.

        What is pending is mostly our own: whoever had them before has ended its transactions.
        """
        if not (offsets := self._leftovers.pending(partitions)):
            return
        self._publisher.end_pending(offsets, self._consumer.consumer_group_metadata())
        if left := self._leftovers.pending(partitions, limit_s=END_S):
            log.error(
                "offsets pending: restart the worker whose transaction it was",
                places=[f"{it.topic}-{it.partition}" for it in left],
            )
        else:
            log.info("pending offsets ended", partitions=len(partitions))

    def _on_revoke(self, _: Consumer, partitions: Sequence[TopicPartition]) -> None:
        """Publish what ends soon; abandon the rest, which its next owner will do again.

        After a failure nothing more is published: what failed was not, and an offset behind it
        would lose it.
        """
        keys = [_key(partition) for partition in partitions]
        if not self._failed:
            self._settle_until(lambda: not self._ledger.pending(keys), REVOKE_GRACE_S)
        self._abandon(keys)

    def _on_lost(self, _: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self._abandon([_key(partition) for partition in partitions])

    def _abandon(self, keys: Sequence[Partition]) -> None:
        dropped = self._ledger.drop(keys)
        for flight in dropped:
            flight.journey.finish("ABANDONED")
        self._lag.forget(keys)
        self._intake.drop(keys)
        self._crashes.abandon([flight.place for flight in dropped])
        self._receipts.release(number for _, number in keys)
        if dropped:
            log.warning("abandoned", events=len(dropped), partitions=len(keys))

    def _drain(self) -> None:
        self._settle_until(lambda: self._ledger.count == 0, DRAIN_S)

    def _settle_until(self, done: Callable[[], bool], limit_s: float) -> None:
        deadline = time.monotonic() + limit_s
        while not done() and time.monotonic() < deadline:
            self._settle(wait_s=0.05)

    def _close(self) -> None:
        self._blocks.close()
        self._hearing.close()
        self._consumer.close()
        self._leftovers.close()
        self._receipts.close()
        self._answers.close()
        self._crashes.close()
        self._watchdog.close()
        self._observer.close()
        if not self._failed:  # a thread amid native code when Python ends aborts the process
            self._scoring.join(LET_GO_S)


def consumer_for(settings: Settings, *, bounded: bool = False) -> Consumer:
    """A consumer of content events in the worker's group; offsets are committed elsewhere.

    One that is `bounded` is told when it has read a partition to its end.
    """
    own: dict[str, object] = {
        "group.id": settings.kafka.group_id,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "enable.partition.eof": bounded,
        "error_cb": BrokerErrors(),
    }
    if settings.kafka.group_protocol == "consumer":
        own["group.protocol"] = "consumer"
        own["client.id"] = worker_id(settings.kafka)  # what its group knows it by
        own["group.remote.assignor"] = "range"  # as below
    else:
        # one worker gets the partitions of one number of both topics: it has their receipts
        own["partition.assignment.strategy"] = "range"
        # a static member that comes back after a kill takes its partitions over at once
        own["group.instance.id"] = worker_id(settings.kafka)
        own["session.timeout.ms"] = int(SESSION_S * 1000)
    return Consumer(consumer_config(settings.kafka, own))


def _key(partition: TopicPartition) -> Partition:
    return partition.topic, partition.partition


def _condemned() -> ContentError:
    reason = "was in flight each time that the worker died, by itself in the end"
    return ContentError(RejectionClass.WORKER_CRASHED, reason, part="record")
