"""The iterator over what is published, for threads and for asyncio: one core, two faces."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from types import TracebackType
from typing import Protocol, Self

from earmark.models.error import ConfigurationError
from earmark.processors.error import RejectionClass
from earmark.streams.condition import Holds, all_hold
from earmark.streams.settings import Settings
from earmark.streams.subscription.feed import Feed, Passed
from earmark.streams.subscription.field_check import check_fields
from earmark.streams.subscription.place import Position, Start
from earmark.streams.subscription.received import ReceivedSignal

AT_ONCE = 32  # records decoded before the first is handed over: more of them leave the CPU's cache
_WAIT_S = 0.2  # how soon `stop` and the time limit are noticed


class Source(Protocol):
    """Where records come from: the brokers, by a `Feed`, or what stands in for them in tests."""

    starts: dict[str, int]
    unreadable: Counter[RejectionClass]

    def batch(self, wait_s: float, most: int) -> list[Passed]:
        """As that of `Feed`, as are the others."""

    def lost(self) -> set[str]:
        """Places that were taken away."""

    def store(self, position: Position) -> None:
        """Let it be committed."""

    def commit(self, position: Position) -> None:
        """Commit it now."""

    def close(self) -> None:
        """Leave."""


class Subscription(Iterator[ReceivedSignal]):
    """What `subscribe` returns; for one thread, only `stop` may be called from another.

    A record counts as handled when the next one is asked for, or the `with` block ends without an
    error: then, in a group, it is committed, unless that was left to `commit`.

    Raises ConfigurationError for conditions on fields that none of the topics has.
    """

    def __init__(
        self,
        settings: Settings,
        topics: Sequence[str],
        start: Start,
        *,
        conditions: Sequence[Holds] = (),
        deletions: bool = False,
        timeout_s: float | None = None,
        auto_commit: bool = True,
        feed: Source | None = None,
    ) -> None:
        check_fields(conditions, topics)
        self.timeout_s = timeout_s
        self._conditions = conditions
        self._deletions = deletions
        self._in_group = start.group_id is not None
        self._commits = self._in_group and auto_commit
        self._stopped = Event()
        self._waiting: deque[Passed] = deque()
        self._feed = feed or Feed(settings, topics, start, auto_commit=auto_commit)
        self._position = dict(self._feed.starts)
        self._in_hand: tuple[str, int | None] | None = None  # its place, and the offset before it

    @property
    def unreadable(self) -> Counter[RejectionClass]:
        """How many records could not be read and were passed over, by the class of their fault."""
        return self._feed.unreadable

    @property
    def undecodable(self) -> int:
        """How many that are in all."""
        return self._feed.unreadable.total()

    @property
    def stopped(self) -> bool:
        """Whether it was told to end."""
        return self._stopped.is_set()

    def position(self) -> dict[str, int]:
        """Where to go on behind all that was handed over: `<topic>:<partition>` to an offset.

        Store it in one transaction with what you made of the records, and give it to `subscribe`
        as `start`: then each record counts once, whatever ends the process. A partition that is
        not in it is begun at its beginning.
        """
        return dict(self._position)

    def commit(self) -> None:
        """Commit for the group what was handed over up to now, and wait until it is.

        Raises ConfigurationError without a group, ServiceError where the brokers do not take it.
        """
        if not self._in_group:
            raise ConfigurationError("only a group has committed offsets: give a group_id")
        self._feed.commit(self._position)

    def __next__(self) -> ReceivedSignal:
        if not self._stopped.is_set() and (signal := self.take()) is not None:
            return signal
        return self._awaited()

    def _awaited(self) -> ReceivedSignal:
        deadline = self.deadline()
        while not self.stopped:
            if (signal := self.take()) is not None:
                return signal
            if (left := deadline - time.monotonic()) <= 0:
                break
            self.fill(min(left, _WAIT_S))
        raise StopIteration

    def deadline(self) -> float:
        """When a wait that begins now is over, on the monotonic clock."""
        return float("inf") if self.timeout_s is None else time.monotonic() + self.timeout_s

    def take(self) -> ReceivedSignal | None:
        """The next of the records that are here already; None where all were handed over."""
        self._in_hand = None  # whoever asks for the next has handled it
        while self._waiting:
            at, offset, record = self._waiting.popleft()
            before = self._position.get(at)
            self._position[at] = offset
            if isinstance(record, ReceivedSignal) and self._passes(record):
                self._in_hand = at, before
                return record
        return None

    def fill(self, wait_s: float = _WAIT_S) -> None:
        """Read more, once all that is here was handed over, waiting `wait_s` at most."""
        if self._commits:
            self._feed.store(self._position)
        self._waiting.extend(self._feed.batch(wait_s, AT_ONCE))
        for at in self._feed.lost():
            self._position.pop(at, None)

    def stop(self) -> None:
        """End the iteration, from any thread."""
        self._stopped.set()

    def close(self) -> None:
        """End the iteration and leave the brokers; what was handed over last is not committed."""
        self.stop()
        self._feed.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        try:
            if self._commits:
                self._feed.store(self._position if error is None else self._handled())
        finally:
            self.close()

    def _handled(self) -> dict[str, int]:
        """The position before the record that is in the caller's hand."""
        if self._in_hand is None:
            return self._position
        at, offset = self._in_hand
        rest = {place: to for place, to in self._position.items() if place != at}
        return rest if offset is None else {**rest, at: offset}

    def _passes(self, signal: ReceivedSignal) -> bool:
        if not self._conditions or (signal.deleted and self._deletions):
            return True
        return all_hold(self._conditions, signal.record)


class AsyncSubscription(AsyncIterator[ReceivedSignal]):
    """The same for asyncio: a subscription that is filled in a thread of its own.

    It stands at its place in the topics when `async with` was entered, or when the first record is
    asked for. A task that is cancelled while it waits loses no record.
    """

    def __init__(self, opened: Callable[[], Subscription]) -> None:
        self._opened = opened
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="earmark-subscription")
        self._subscription: Subscription | None = None
        self._turn = asyncio.Lock()  # fair: whoever commits comes between two waits
        self._doing: asyncio.Future[None] | None = None
        self._closed = False
        self._stopped = False  # also where there is nothing to stop yet

    @property
    def unreadable(self) -> Counter[RejectionClass]:
        """As that of `Subscription`."""
        return Counter() if self._subscription is None else self._subscription.unreadable

    def position(self) -> dict[str, int]:
        """As that of `Subscription`; empty before it stands at its place."""
        return {} if self._subscription is None else self._subscription.position()

    async def commit(self) -> None:
        """As that of `Subscription`."""
        await self._do((await self._open()).commit)

    async def __anext__(self) -> ReceivedSignal:
        subscription = await self._open()
        deadline = subscription.deadline()
        while not subscription.stopped:
            if (signal := subscription.take()) is not None:
                return signal
            if (left := deadline - time.monotonic()) <= 0:
                break
            await self._do(lambda: subscription.fill(min(left, _WAIT_S)))
        raise StopAsyncIteration

    def stop(self) -> None:
        """End the iteration, from any thread."""
        self._stopped = True
        if self._subscription is not None:
            self._subscription.stop()

    async def close(self) -> None:
        """As that of `Subscription`."""
        await self._end(asyncio.CancelledError())

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self._end(error)

    async def _open(self) -> Subscription:
        if self._doing is not None:
            async with self._turn:
                await self._settled()
        if self._subscription is None:
            if self._closed:
                raise StopAsyncIteration
            await self._do(self._begin)
        assert self._subscription is not None  # noqa: S101  for checkers: `_begin` sets it, or raises
        return self._subscription

    def _begin(self) -> None:
        self._subscription = self._opened()
        if self._stopped:
            self._subscription.stop()

    async def _do(self, work: Callable[[], None]) -> None:
        """Have it done in the thread, where whatever was begun before has ended."""
        async with self._turn:
            await self._settled()
            self._doing = asyncio.get_running_loop().run_in_executor(self._thread, work)
            await self._settled()

    async def _settled(self) -> None:
        # a task that is cancelled goes at once, and what it began in the thread ends by itself
        if (doing := self._doing) is None:
            return
        try:
            await asyncio.shield(doing)
        finally:
            if doing.done():
                self._doing = None

    async def _end(self, error: BaseException | None) -> None:
        self._closed = True
        self.stop()
        try:
            try:
                async with self._turn:
                    await self._settled()
            finally:  # it leaves the brokers too where what was begun before has failed
                await self._do(lambda: self._leave(error))
        finally:
            self._thread.shutdown(wait=self._doing is None)  # with nothing to do it ends at once

    def _leave(self, error: BaseException | None) -> None:
        if self._subscription is not None:
            self._subscription.__exit__(type(error) if error else None, error, None)
