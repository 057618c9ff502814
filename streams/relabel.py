"""New thresholds on stored scores, as a run that is compared and promoted like a replay's.

Reads the topic of one signal, up to where it ends now, and writes what has another label to the
topics of the run, in transactions with the offsets that it has read: exactly once, and a run that
was killed goes on where it stood.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from earmark.models.error import ConfigurationError
from earmark.models.store import ModelStore
from earmark.processors.codec import Codec, Record
from earmark.processors.error import ContentError
from earmark.processors.relabel import Relabeller, relabeller
from earmark.processors.schema import schema_of
from earmark.processors.threshold import Thresholds
from earmark.streams.dead_letter import CommittedReader, Span
from earmark.streams.error import TransactionError
from earmark.streams.header import replaced
from earmark.streams.kafka import TRANSACTIONAL, client_config, producer_config
from earmark.streams.own_thresholds import own_thresholds
from earmark.streams.promotion import PARTITION
from earmark.streams.publisher import THROUGH
from earmark.streams.registry import Registry
from earmark.streams.replay.bounds import BEGINNING, END, frozen_bounds
from earmark.streams.replay.manifest import (
    Manifest,
    State,
    checked_name,
    moved_to,
    now_ms,
    read_runs,
)
from earmark.streams.replay.start import begin
from earmark.streams.settings import Settings

BATCH = 500  # records in one transaction
TIMEOUT_S = 20.0

OnRead = Callable[[int, int], None]  # records passed, of how many
_Made = tuple[Message, tuple[str, bytes]]  # a record, and what is made of it


@dataclass(slots=True, kw_only=True)
class Counts:
    """What became of the records of this call, each an answer of some time.

    `changed` have other labels, `kept` the same ones; both are written. `needs_score` do not hold
    enough, `other_configuration` were made under another one, and `unreadable` are no records:
    these are left out.
    """

    changed: int = 0
    kept: int = 0
    needs_score: int = 0
    other_configuration: int = 0
    unreadable: int = 0
    examples: list[str] = field(default_factory=list)  # items whose labels change, a few


def planned(settings: Settings, run: str, name: str, new: Thresholds) -> Manifest:
    """The run as it was begun, or a new one whose end is frozen now; nothing is written.

    Raises ConfigurationError where the run was begun as another one.
    """
    asked = {name: {"version": new.version, "values": dict(new.values)}}
    known = read_runs(settings.kafka).get(run)
    if known is not None:
        if known.thresholds != asked:
            raise ConfigurationError(f"{run} is there already, and another run")
        known.check_not_aborted()
        return known
    topic = relabeller_of(settings, name, new).spec.topic
    now = datetime.now(UTC)
    bounds = frozen_bounds(settings.kafka, topic, start=BEGINNING, end=END, now=now)
    return Manifest(
        run=checked_name(run),
        source=topic,
        bounds=bounds,
        created_ms=now_ms(),
        signals=(name,),
        thresholds=asked,
        live_group=settings.kafka.group_id,
    )


def relabeller_of(settings: Settings, name: str, new: Thresholds) -> Relabeller:
    """The relabeller from the thresholds in force to the new ones; raises ConfigurationError."""
    store = ModelStore(settings.home / "models", offline=True)
    return relabeller(name, old=own_thresholds(settings), new=new, store=store)


def relabel(settings: Settings, manifest: Manifest, on_read: OnRead, *, dry: bool) -> Counts:
    """Read what the run has not read yet; with `dry`, all of it, and write nothing.

    Raises TransactionError where Kafka does not take it: another call goes on from there.
    """
    ((name, table),) = manifest.thresholds.items()
    new = Thresholds(version=table["version"], values=table["values"])
    relabels = relabeller_of(settings, name, new)
    counts = Counts()
    with Registry(settings.registry) as registry:
        codec = Codec(schema_of(manifest.source), writer_schema=registry.schema_by_id)
        schema_id = registry.ids_for_worker([manifest.source])[manifest.source]
        reading = _Reading(relabels, codec, manifest.run, schema_id, counts)
        if dry:
            _look(settings, manifest, reading, on_read)
            return counts
        if manifest.state == State.BEGUN and manifest.run not in read_runs(settings.kafka):
            begin(settings, manifest)
        with closing(_Writing(settings, manifest)) as writing:
            writing.run(reading, on_read)
    if manifest.state == State.BEGUN:
        moved_to(settings.kafka, manifest, State.FINISHED)
    return counts


class _Reading:
    """What becomes of each record, counted."""

    def __init__(
        self, relabels: Relabeller, codec: Codec, run: str, schema_id: int, counts: Counts
    ) -> None:
        self._relabels = relabels
        self._codec = codec
        self._run = run
        self._schema_id = schema_id
        self._counts = counts

    def relabelled(self, message: Message) -> tuple[str, bytes] | None:
        """The id and the payload of the record with its new labels; None where there is none."""
        value, counts = message.value(), self._counts
        if value is None:
            return None
        try:
            record = self._codec.decode(value)
        except ContentError:
            counts.unreadable += 1
            return None
        if not self._relabels.made_under_old(record):
            counts.other_configuration += 1
            return None
        made = self._relabels.relabelled(record)
        if made is None:
            counts.needs_score += 1
            return None
        self._count(record, made)
        payload = self._codec.encode({**made, "replay_id": self._run}, self._schema_id)
        return f"{made['signal_id']}/{made['event_id']}", payload

    def _count(self, record: Record, made: Record) -> None:
        if _said(record) == _said(made):
            self._counts.kept += 1
            return
        self._counts.changed += 1
        if len(self._counts.examples) < 10:  # noqa: PLR2004  # enough to look at
            self._counts.examples.append(str(record["content_id"]))


class _Writing:
    """The transactions of one run; one at a time for each run."""

    def __init__(self, settings: Settings, manifest: Manifest) -> None:
        self._settings = settings
        self._manifest = manifest
        own = {"group.id": manifest.group_id, "enable.auto.commit": False}
        self._consumer = Consumer(client_config(settings.kafka, own))
        self._producer = Producer(
            producer_config(
                settings.kafka,
                {**TRANSACTIONAL, "transactional.id": manifest.group_id},
            )
        )

    def run(self, reading: _Reading, on_read: OnRead) -> None:
        """Write what was not read before, and say of each partition when it is through."""
        self._guarded(lambda: self._producer.init_transactions(TIMEOUT_S))
        passed, records = 0, self._manifest.records
        for span in self._left():
            first, end = self._manifest.bounds[span.partition]
            passed += span.start - first
            for batch, behind in _batches(self._settings, self._manifest.source, span):
                outgoing = [(m, made) for m in batch if (made := reading.relabelled(m))]
                self._transact(outgoing, behind)
                on_read(passed + behind.offset - span.start, records)
            passed += span.end - span.start
            last = TopicPartition(self._manifest.source, span.partition, end, THROUGH)
            self._transact((), last)

    def close(self) -> None:
        """Leave the brokers."""
        self._consumer.close()

    def _left(self) -> Sequence[Span]:
        bounds = self._manifest.bounds
        wanted = [TopicPartition(self._manifest.source, number) for number in bounds]
        found = self._consumer.committed(wanted, timeout=TIMEOUT_S)
        return [
            Span(
                partition=each.partition,
                start=max(each.offset, bounds[each.partition][0]),
                end=bounds[each.partition][1],
            )
            for each in found
            if each.metadata != THROUGH
        ]

    def _transact(self, outgoing: Sequence[_Made], behind: TopicPartition) -> None:
        self._guarded(lambda: self._transaction(outgoing, behind))

    def _transaction(self, outgoing: Sequence[_Made], behind: TopicPartition) -> None:
        topic = self._manifest.route.written(self._manifest.source)
        self._producer.begin_transaction()
        for message, (name, payload) in outgoing:
            number = message.partition() or 0
            headers = replaced(message, {"ce_id": name, "ce_type": topic, PARTITION: number})
            self._producer.produce(topic, payload, message.key(), number, headers=headers)
        metadata = self._consumer.consumer_group_metadata()
        self._producer.send_offsets_to_transaction([behind], metadata, TIMEOUT_S)
        self._producer.commit_transaction(TIMEOUT_S)

    def _guarded(self, action: Callable[[], object]) -> None:
        try:
            action()
        except KafkaException as error:
            raise TransactionError(f"Kafka transaction failed: {error.args[0].str()}") from error


def _look(settings: Settings, manifest: Manifest, reading: _Reading, on_read: OnRead) -> None:
    """Count what would become of all records of the run."""
    passed = 0
    for number, (start, end) in manifest.bounds.items():
        span = Span(partition=number, start=start, end=end)
        for batch, behind in _batches(settings, manifest.source, span):
            for message in batch:
                reading.relabelled(message)
            on_read(passed + behind.offset - start, manifest.records)
        passed += end - start


def _batches(
    settings: Settings, topic: str, span: Span
) -> Iterator[tuple[list[Message], TopicPartition]]:
    """The records of the span, some at a time, each time with the offset behind them."""
    batch: list[Message] = []
    with CommittedReader(settings.kafka, topic) as reader:
        for message in reader.read(span):
            batch.append(message)
            if len(batch) == BATCH:
                yield batch, _behind(batch)
                batch = []
    if batch:
        yield batch, _behind(batch)


def _behind(batch: Sequence[Message]) -> TopicPartition:
    last = batch[-1]
    return TopicPartition(last.topic() or "", last.partition() or 0, (last.offset() or 0) + 1)


def _said(record: Record) -> tuple[object, ...]:
    return record["outcome"], record.get("labels"), record.get("spans")
