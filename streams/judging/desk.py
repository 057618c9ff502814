"""Where records come in, items are judged, and verdicts and questions go out.

    arrivals -> state of the partition -> items that changed -> judge -> publish -> state, commit

What was published is noted only when Kafka has taken it, and arrivals are acknowledged only after
that. Whatever is done again after an end gives the same verdicts, and what says the same as what
stands is not written. One batch at a time, whoever brings it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import structlog

from earmark.processors.error import ContentError
from earmark.processors.policy.verdict import Verdict, verdict_of, verdict_record
from earmark.streams.header import Headers, cloud_event_headers
from earmark.streams.judging.channel import Channels
from earmark.streams.judging.item import Item, item_of
from earmark.streams.judging.metrics import AgentMetrics
from earmark.streams.judging.policy_shelf import Shelf
from earmark.streams.judging.record import Records
from earmark.streams.judging.restore import Restorer
from earmark.streams.judging.state import Arrival, PartitionState
from earmark.streams.judging.triage import Triage
from earmark.streams.topic import REVIEW_REQUESTS, VERDICTS

log = structlog.get_logger()

SOURCE = "earmark/agents"
WRITER = "earmark.agents"  # the header that names the group which wrote a verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One record to be produced by key; `value` None is a tombstone."""

    topic: str  # the live one's name
    content_id: str
    value: bytes | None
    headers: Headers


class Taken(NamedTuple):
    """Where Kafka put a record, and when."""

    offset: int
    at_ms: int


Send = Callable[[Outgoing], Awaitable[Awaitable[Taken]]]


class Desk:
    """Judges the items of the partitions that are open; its coroutines may run at once.

    `folder` holds the states of the cluster's partitions, one file each.
    """

    def __init__(
        self,
        shelf: Shelf,
        *,
        folder: Path,
        records: Records,
        restorer: Restorer,
        channels: Channels,
        group: str,
        triage: Triage,
        metrics: AgentMetrics,
        send: Send,
    ) -> None:
        self.shelf = shelf
        self._folder = folder
        self._records = records
        self._restorer = restorer
        self._channels = channels
        self._group = group
        self._triage = triage
        self._metrics = metrics
        self._send = send
        self._lock = asyncio.Lock()
        self._open: dict[int, PartitionState] = {}

    @property
    def paths(self) -> Mapping[int, Path]:
        """The files of the partitions that are open, by number."""
        return {number: state.path for number, state in self._open.copy().items()}

    async def assign(self, numbers: Collection[int]) -> None:
        """Open these partitions, restored, and close all others."""
        async with self._lock:
            self._close(set(self._open) - set(numbers))
        for number in sorted(numbers):
            async with self._lock:
                await self._state(number)

    async def close(self) -> None:
        """Close all partitions."""
        async with self._lock:
            self._close(set(self._open))

    async def take(self, arrivals: Sequence[Arrival]) -> None:
        """Take records in, judge what they are about, publish what has changed."""
        async with self._lock:
            with self._metrics.batch_seconds.time():
                by_partition: dict[int, list[Arrival]] = {}
                for arrival in arrivals:
                    by_partition.setdefault(arrival.partition, []).append(arrival)
                for number, group in by_partition.items():
                    await self._take(number, await self._state(number), group)

    async def judge_on(self, number: int, count: int) -> bool:
        """Judge the next `count` items anew where policies have changed; whether some are left."""
        async with self._lock:
            state, digest = self._open.get(number), self.shelf.digest
            if state is None or (begin := state.judged_to(digest)) is None:
                return False
            items = state.items_after(begin, count)
            await self._judge(number, state, items)
            state.note_judged(digest, items[-1] if len(items) == count else None)
            state.commit()
            return len(items) == count

    def hold(self, state: PartitionState, arrival: Arrival) -> None:
        """Hold a record without judging; what cannot be read is passed over."""
        try:
            self._hold(state, arrival)
        except ContentError as error:
            self._metrics.unreadable.labels(arrival.topic).inc()
            log.warning(
                "unreadable",
                topic=arrival.topic,
                partition=arrival.partition,
                offset=arrival.offset,
                reason=error.reason,
            )

    def position(self, number: int, topic: str) -> int | None:
        """Up to where the topic is held, None for a partition that is not open."""
        state = self._open.get(number)
        return None if state is None else state.position(topic)

    def _close(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._open.pop(number).close()
            self._triage.release(number)

    async def _state(self, number: int) -> PartitionState:
        if (state := self._open.get(number)) is not None:
            return state
        state = PartitionState(self._folder / f"items-{number}.sqlite")
        await asyncio.to_thread(self._restorer.restore, number, state, self.hold)
        asked = (self._records.read(REVIEW_REQUESTS, payload) for payload in state.requests())
        self._triage.restore(number, asked)
        self._open[number] = state
        return state

    async def _take(self, number: int, state: PartitionState, arrivals: Iterable[Arrival]) -> None:
        touched: dict[str, None] = {}
        arrivals = tuple(arrivals)
        for arrival in arrivals:
            self._metrics.records.labels(arrival.topic).inc()
            if self._admit(state, arrival):
                touched[arrival.content_id] = None
        await self._judge(number, state, touched)
        state.commit()
        for arrival in arrivals:
            self._metrics.note_taken(arrival.at_ms)

    def _admit(self, state: PartitionState, arrival: Arrival) -> bool:
        """Hold what is new; whether the item is to be judged.

        What was restored is not new, and may yet not have been judged. A verdict of our own that is
        read back says nothing; one that came after ours is somebody else's: of a process that has
        lost the partition and did not know it yet, or of another group, which is left alone, lest
        the two of them overwrite each other for ever.
        """
        topic, offset = arrival.topic, arrival.offset
        is_new = offset >= state.position(topic)
        if is_new:
            state.advance(topic, offset + 1)
        if topic == VERDICTS and is_new and state.held_offset(arrival.content_id, topic) >= offset:
            if arrival.payload is None and state.held_offset(arrival.content_id, topic) == offset:
                state.put(arrival)  # our own tombstone: it has kept its place until now
            return False
        if is_new:
            self.hold(state, arrival)
        if topic == VERDICTS and arrival.writer not in (None, self._group):
            self._metrics.foreign.inc()
            return False
        return True

    def _hold(self, state: PartitionState, arrival: Arrival) -> None:
        content_id, payload = arrival.content_id, arrival.payload
        if payload is None:
            state.put(arrival)
            if arrival.topic == VERDICTS:
                state.hide(content_id)
            return
        record = self._records.read(arrival.topic, payload)
        if arrival.topic == REVIEW_REQUESTS:
            state.put_request(content_id, record["request_id"], payload)
            return
        state.put(arrival)
        if arrival.topic == VERDICTS:
            state.show(content_id, arrival.at_ms, _names(verdict_of(record)))

    async def _judge(self, number: int, state: PartitionState, content_ids: Iterable[str]) -> None:
        """Judge the items, publish what is to be published, and hold it when Kafka has it."""
        waiting = []
        for content_id in content_ids:
            held = state.held(content_id)
            item = item_of(content_id, held, self._records)
            for outgoing, verdict in self._outgoing(number, item):
                waiting.append((outgoing, verdict, await self._send(outgoing)))
        for outgoing, verdict, taken in waiting:
            self._keep(state, outgoing, verdict, await taken)

    def _outgoing(self, number: int, item: Item) -> Iterator[tuple[Outgoing, Verdict | None]]:
        """What is to be said of the item, with the verdict that it is."""
        self._metrics.judged.inc()
        verdict = item.judge(self.shelf.policies)
        if verdict is None:
            if item.previous is not None:
                self._metrics.removed.inc()
                yield self._tombstone(item.content_id), None
            return
        if not verdict.says_the_same(item.previous):
            self._metrics.note_verdict(verdict)
            payload = self._records.write(VERDICTS, verdict_record(verdict))
            yield self._record(VERDICTS, verdict, payload, verdict.verdict_id), verdict
        for request_id, record in self._triage.questions(number, item, verdict):
            self._metrics.requests.labels(record["reason"]).inc()
            payload = self._records.write(REVIEW_REQUESTS, record)
            yield self._record(REVIEW_REQUESTS, verdict, payload, request_id), verdict

    def _record(self, topic: str, verdict: Verdict, payload: bytes, name: str) -> Outgoing:
        return Outgoing(
            topic=topic,
            content_id=verdict.content_id,
            value=payload,
            headers=cloud_event_headers(
                ce_id=name,
                ce_source=SOURCE,
                ce_type=self._channels.actual(topic),
                time_ms=verdict.event_time,
            )
            + self._signature,
        )

    def _tombstone(self, content_id: str) -> Outgoing:
        return Outgoing(topic=VERDICTS, content_id=content_id, value=None, headers=self._signature)

    @property
    def _signature(self) -> Headers:
        return [(WRITER, self._group.encode())]

    def _keep(
        self, state: PartitionState, outgoing: Outgoing, verdict: Verdict | None, taken: Taken
    ) -> None:
        content_id, payload = outgoing.content_id, outgoing.value
        if outgoing.topic == REVIEW_REQUESTS:
            if payload is not None:
                record = self._records.read(REVIEW_REQUESTS, payload)
                state.put_request(content_id, record["request_id"], payload)
            return
        arrival = Arrival(
            topic=VERDICTS,
            partition=-1,
            offset=taken.offset,
            content_id=content_id,
            payload=payload,
            at_ms=taken.at_ms,
        )
        state.put(arrival, forget=False)
        if verdict is None:
            state.hide(content_id)
        else:
            state.show(content_id, taken.at_ms, _names(verdict))


def _names(verdict: Verdict) -> tuple[tuple[str, str, str], ...]:
    return tuple((ruling.policy, ruling.rule, ruling.effect) for ruling in verdict.rulings)
