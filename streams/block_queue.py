"""The bounded way from many decoders to the one thread that scores."""

import time
from collections import deque
from collections.abc import Iterator
from functools import partial
from threading import Condition

from earmark.processors.block import STIR, Block, Stir

MOST_LINGERS = 4  # steady traffic never pauses for long; it is not made to wait for full batches


class BlockQueue:
    """Blocks in order of arrival, bounded in bytes: a full queue makes decoders wait.

    A block is let in while the queue holds less than `max_bytes`, so one block of any size passes;
    a block without samples always does. For company is waited only while some may come: where it is
    `hurried` not at all, and not once all events that are `awaited` have come to their end.
    """

    def __init__(self, *, max_bytes: int, linger_s: float) -> None:
        self._max_bytes = max_bytes
        self._linger_s = linger_s
        self._blocks: deque[Block] = deque()
        self._changed = Condition()
        self._closed = False
        self._stirred = False
        self._awaited: int | None = None
        self._ended = 0  # events of which the last block has come
        self.hurried = False
        self.bytes = 0

    def wait_for(self, events: int | None) -> None:
        """So many events in all are to come, or None: it is not known how many."""
        with self._changed:
            self._awaited = events
            self._changed.notify_all()

    def put(self, block: Block) -> None:
        """Append a block, waiting for room; after `close` it is let go."""
        with self._changed:
            if block.samples_T.nbytes:
                self._changed.wait_for(lambda: self._closed or self.bytes < self._max_bytes)
            if self._closed:
                return
            self._blocks.append(block)
            self._ended += block.end is not None
            self.bytes += block.samples_T.nbytes
            self._changed.notify_all()

    def stir(self) -> None:
        """Wake the stream, that it may say so: something is through elsewhere."""
        with self._changed:
            self._stirred = True
            self._changed.notify_all()

    def close(self) -> None:
        """End the stream after what is queued; whoever waits goes on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def stream(self) -> Iterator[Block | Stir | None]:
        """Blocks as they come, and None each time nothing has come for `linger_s`, or is to come.

        Likewise when nothing is left and the first block since the last None came `MOST_LINGERS`
        times as long ago; where more is queued, whoever scores is behind and better off with full
        batches. After a None the stream waits without limit: scoring has drained what it had. STIR
        comes where nothing else does and the stream was stirred, and changes nothing of this.
        """
        since: float | None = None  # when the first block was taken that scoring may still hold
        while True:
            with self._changed:
                self._changed.wait_for(partial(self._is_ready, since), self._patience_s(since))
                block = self._blocks.popleft() if self._blocks else None
                if block is None and self._closed:
                    return
                if block is not None:
                    self.bytes -= block.samples_T.nbytes
                    self._changed.notify_all()
                stirred, self._stirred = self._stirred, False
            if block is None and stirred and not self._is_over(since):
                yield STIR
                continue
            if block is None:
                since = None
            elif since is None:
                since = time.monotonic()
            yield block

    def _is_ready(self, since: float | None) -> bool:
        """Whether there is a block, or there will be none for what was taken."""
        return bool(self._blocks) or self._closed or self._stirred or self._is_alone(since)

    def _is_alone(self, since: float | None) -> bool:
        """Whether scoring may hold something for which no company is to come."""
        return since is not None and self._awaited is not None and self._ended >= self._awaited

    def _is_over(self, since: float | None) -> bool:
        """Whether what scoring may hold waits no longer."""
        return since is not None and (self._is_alone(since) or not self._patience_s(since))

    def _patience_s(self, since: float | None) -> float | None:
        if since is None:
            return None
        if self.hurried:
            return 0.0
        left_s = since + MOST_LINGERS * self._linger_s - time.monotonic()
        return max(0.0, min(self._linger_s, left_s))
