"""The only writer of `review.decisions.v1`: reads an item's record, adds decisions, writes it.

All who write share one transactional id, so that whoever opens the ledger fences whoever had it
before; what that one left open is ended first, and what it committed is read. So no decision is
lost between two writers, and none is written twice: a decision that is there already changes
nothing, and what changes nothing is not written.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException, Producer

from earmark.models.error import ConfigurationError
from earmark.models.source import Progress
from earmark.processors.codec import Codec
from earmark.processors.review.decision import Decision, Decisions, decisions_of
from earmark.processors.schema import REVIEW_DECISIONS, schema_of
from earmark.streams.error import TransactionError
from earmark.streams.header import cloud_event_headers
from earmark.streams.kafka import TRANSACTION_S, TRANSACTIONAL, producer_config
from earmark.streams.local.report import silent
from earmark.streams.registry import Registry
from earmark.streams.review.follower import Follower
from earmark.streams.settings import Settings

BATCH = 200  # items in one transaction
START_S = 30.0  # to end what another writer has left open


@dataclass(slots=True, kw_only=True)
class Written:
    """What became of decisions: `added` are new or changed, `known` were there."""

    added: int = 0
    known: int = 0
    refused: list[str] = field(default_factory=list)  # one line each

    def __iadd__(self, other: "Written") -> "Written":
        self.added += other.added
        self.known += other.known
        self.refused += other.refused
        return self


class DecisionLedger:
    """The decisions of all items, in memory, and their writer; for one thread, in a `with` block.

    Raises ServiceError where brokers or registry do not answer, ConfigurationError where topic or
    schema are not there, TransactionError where another writer has taken the ledger over.
    """

    def __init__(self, settings: Settings, registry: Registry, report: Progress = silent) -> None:
        self._settings = settings
        self._codec = Codec(schema_of(REVIEW_DECISIONS), writer_schema=registry.schema_by_id)
        self._schema_id = registry.ids_for_worker([REVIEW_DECISIONS])[REVIEW_DECISIONS]
        self._follower = Follower(settings.kafka, REVIEW_DECISIONS, report)
        self._payloads: dict[str, bytes] = {}
        self._producer: Producer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._follower.close()
        self._producer = None

    def advance(self) -> None:
        """Take in what others have written."""
        for message in self._follower.advance():
            name = (message.key() or b"").decode("utf-8", "surrogatepass")
            value = message.value()
            if value is None:
                self._payloads.pop(name, None)
            else:
                self._payloads[name] = value

    def of(self, content_id: str) -> Decisions:
        """The decisions about the item."""
        payload = self._payloads.get(content_id)
        if payload is None:
            return Decisions(content_id=content_id)
        return decisions_of(self._codec.decode(payload))

    def items(self) -> Sequence[str]:
        """The items that have decisions."""
        return tuple(self._payloads)

    def take_over(self) -> None:
        """Become the writer: fence who was it, and read what was written."""
        own = {"transactional.id": f"{self._settings.kafka.group_id}-review"}
        self._producer = Producer(producer_config(self._settings.kafka, {**TRANSACTIONAL, **own}))
        self._guarded(lambda producer: producer.init_transactions(START_S))
        self.advance()

    def add(self, decisions: Iterable[tuple[str, Decision]]) -> Written:
        """Add decisions to the records of their items, in one transaction.

        Either all that is new of them is visible then, or nothing is and TransactionError is
        raised.
        """
        if self._producer is None:
            self.take_over()
        records: dict[str, Decisions] = {}
        written = Written()
        for content_id, decision in decisions:
            before = records.get(content_id) or self.of(content_id)
            try:
                after = before.added(decision)
            except ConfigurationError as error:
                written.refused.append(str(error))
                continue
            records[content_id] = after
            written.added += after != before
            written.known += after == before
        self._write({name: each for name, each in records.items() if each != self.of(name)})
        return written

    def forget(self, names: Iterable[str]) -> None:
        """Leave nothing of the decisions about these items."""
        held = [name for name in names if name in self._payloads]
        if not held:
            return
        if self._producer is None:
            self.take_over()
        self._guarded(lambda producer: _transact_tombstones(producer, held))
        for name in held:
            self._payloads.pop(name, None)

    def _write(self, records: Mapping[str, Decisions]) -> None:
        payloads = {
            name: self._codec.encode(each.record(), self._schema_id)
            for name, each in records.items()
        }
        if not payloads:
            return
        self._guarded(lambda producer: _transact(producer, records, payloads))
        self._payloads |= payloads

    def _guarded(self, action: Callable[[Producer], object]) -> None:
        assert self._producer is not None  # noqa: S101  # see `add`
        try:
            action(self._producer)
        except KafkaException as error:
            self._producer = None  # whatever it was, the next write begins anew
            raise TransactionError(
                f"the decisions were not written: {error.args[0].str()}; run it again, "
                "what was written is not written twice"
            ) from error


def _transact(
    producer: Producer, records: Mapping[str, Decisions], payloads: Mapping[str, bytes]
) -> None:
    producer.begin_transaction()
    for name, payload in payloads.items():
        newest = records[name].decisions[-1]
        headers = cloud_event_headers(
            ce_id=newest.decision_id,
            ce_source="earmark/review",
            ce_type=REVIEW_DECISIONS,
            time_ms=newest.decided_at,
        )
        producer.produce(REVIEW_DECISIONS, payload, _key(name), headers=headers)
    producer.commit_transaction(TRANSACTION_S)


def _transact_tombstones(producer: Producer, names: Iterable[str]) -> None:
    producer.begin_transaction()
    for name in names:
        producer.produce(REVIEW_DECISIONS, None, _key(name))
    producer.commit_transaction(TRANSACTION_S)


def _key(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")
