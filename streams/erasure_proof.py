"""What is left of erased items, store by store, and until when: what `earmark erase --verify` says.

An item is erased where nothing of it stands any more, nothing that is left can bring it back, and
every older record has a time by which Kafka will have dropped it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from earmark.models.source import Progress
from earmark.processors.codec import Codec
from earmark.processors.schema import RECEIPTS, schema_of
from earmark.streams.erasure import Reach
from earmark.streams.erasure_disk import DiskTrace, disk_traces
from earmark.streams.erasure_trace import (
    Kind,
    TopicTraces,
    Trace,
    Tracer,
    erased_revision,
    last_of,
)
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings


class StoreState(StrEnum):
    """What a store holds of an erased item."""

    GONE = "GONE"  # nothing
    COVERED = "COVERED"  # nothing stands; older records go by compaction
    HELD = "HELD"  # older records go when their retention is over
    STILL_THERE = "STILL_THERE"  # something stands, may come back, or has no end


@dataclass(frozen=True, slots=True, kw_only=True)
class Remnant:
    """An older record; `until_ms` is when it is gone at the latest, None: not for sure."""

    partition: int
    offset: int
    arrived_ms: int
    until_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFinding:
    """What one store holds of one item; `reason` says why it is STILL_THERE."""

    store: str
    state: StoreState
    remnants: tuple[Remnant, ...] = ()
    reason: str = ""

    @property
    def until_ms(self) -> int | None:
        """When the last of it is gone; None where nothing is left, or for ever."""
        ends = [remnant.until_ms for remnant in self.remnants]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None


Proof = Mapping[str, Sequence[StoreFinding]]  # by content_id


def prove(settings: Settings, items: Collection[str], report: Progress, *, now_ms: int) -> Proof:
    """What is left of each item in every store that can be reached from here.

    Reads our topics on the cluster and what is on this machine's disk; not the disks of other
    machines. Raises ServiceError where brokers or registry do not answer.
    """
    with Registry(settings.registry) as registry:
        tracer = Tracer(settings.kafka, registry, report)
        topics = tracer.everywhere(items)
        codec = Codec(schema_of(RECEIPTS), writer_schema=registry.schema_by_id)
        return {
            item: [
                *topic_findings(topics, item, now_ms=now_ms),
                *map(_on_disk, disk_traces(settings, tracer.cluster.id, codec, item)),
            ]
            for item in items
        }


def is_erased(findings: Iterable[StoreFinding]) -> bool:
    """Whether nothing of the item stands, comes back or stays for ever."""
    return all(finding.state is not StoreState.STILL_THERE for finding in findings)


def topic_findings(
    topics: Sequence[TopicTraces], item: str, *, now_ms: int
) -> Iterator[StoreFinding]:
    """What each of the topics holds of the item."""
    receipts = [traces for traces in topics if traces.kind is Kind.RECEIPT]
    erased = erased_revision(receipts, item)
    for traces in topics:
        records = traces.records.get(item, [])
        remnants = tuple(_remnants(traces, records))
        reason = next(_faults(traces, records, remnants, erased, now_ms), "")
        yield StoreFinding(
            store=traces.topic,
            state=_state(traces, remnants, reason),
            remnants=remnants,
            reason=reason,
        )


def _state(traces: TopicTraces, remnants: Sequence[Remnant], reason: str) -> StoreState:
    if reason:
        return StoreState.STILL_THERE
    if not remnants:
        return StoreState.GONE
    return StoreState.HELD if traces.lifetime.deletes else StoreState.COVERED


def _remnants(traces: TopicTraces, records: Sequence[Trace]) -> Iterator[Remnant]:
    """What holds something, in order; what stands has no end unless its retention has."""
    covered: dict[int, int] = {}  # when the next record of the item came, by partition
    found: list[Remnant] = []
    for trace in reversed(records):
        ends = [traces.lifetime.kept_until_ms(trace.arrived_ms)]
        if trace.partition in covered:
            ends.append(traces.lifetime.covered_until_ms(covered[trace.partition]))
        covered[trace.partition] = trace.arrived_ms
        if not trace.empty:
            found.append(
                Remnant(
                    partition=trace.partition,
                    offset=trace.offset,
                    arrived_ms=trace.arrived_ms,
                    until_ms=min((end for end in ends if end is not None), default=None),
                )
            )
    yield from reversed(found)


def _faults(
    traces: TopicTraces,
    records: Sequence[Trace],
    remnants: Sequence[Remnant],
    erased: int,
    now_ms: int,
) -> Iterator[str]:
    """Why the item is not erased from this topic, if it is not."""
    ends = traces.store is not None and traces.store.reach is Reach.RETENTION
    for trace in last_of(records):
        if traces.lifetime.compacts and not ends and not trace.empty:
            yield f"{_place(trace)} stands: {_expected(traces)}"
    for trace in records:
        later = traces.kind is Kind.EVENT and (trace.revision or 0) > erased
        if later and not trace.empty:
            yield f"{_place(trace)} is of revision {trace.revision}: no deletion supersedes it"
    for remnant in remnants:
        if remnant.until_ms is None:
            yield f"{_place(remnant)} has no end, by the configuration of the topic"
        elif remnant.until_ms < now_ms:
            newest = _moment(traces.newest_ms[remnant.partition])
            yield (
                f"{_place(remnant)} should have gone by {_moment(remnant.until_ms)}; the last "
                f"record of its partition came {newest}: --force sends another"
            )


def _expected(traces: TopicTraces) -> str:
    if traces.kind is Kind.RECEIPT:
        return "the deletion has not been answered"
    if traces.store is None:
        return "the topic is not in the table of erasure"
    return "no tombstone"


def _on_disk(trace: DiskTrace) -> StoreFinding:
    state = StoreState.STILL_THERE if trace.reason else StoreState.GONE
    return StoreFinding(store=trace.store, state=state, reason=trace.reason)


def _place(record: Trace | Remnant) -> str:
    return f"{record.partition}-{record.offset}"


def _moment(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")
