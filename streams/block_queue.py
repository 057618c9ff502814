"""The bounded way from many decoders to the one thread that scores."""

from collections import deque
from collections.abc import Iterator
from threading import Condition

from earmark.processors.block import Block


class BlockQueue:
    """Blocks in order of arrival, bounded in bytes: a full queue makes decoders wait.

    A block is let in while the queue holds less than `max_bytes`, so one block of any size passes;
    a block without samples always does. Where it is `hurried`, nothing more is waited for.
    """

    def __init__(self, *, max_bytes: int, linger_s: float) -> None:
        self._max_bytes = max_bytes
        self._linger_s = linger_s
        self._blocks: deque[Block] = deque()
        self._changed = Condition()
        self._closed = False
        self.hurried = False
        self.bytes = 0

    def put(self, block: Block) -> None:
        """Append a block, waiting for room; after `close` it is let go."""
        with self._changed:
            if block.samples_T.nbytes:
                self._changed.wait_for(lambda: self._closed or self.bytes < self._max_bytes)
            if self._closed:
                return
            self._blocks.append(block)
            self.bytes += block.samples_T.nbytes
            self._changed.notify_all()

    def close(self) -> None:
        """End the stream after what is queued; whoever waits goes on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def stream(self) -> Iterator[Block | None]:
        """Blocks as they come, and None each time nothing has come for `linger_s`.

        After a None the stream waits without limit: scoring has drained what it had.
        """
        idle = True
        while True:
            with self._changed:
                linger_s = 0.0 if self.hurried else self._linger_s
                self._changed.wait_for(
                    lambda: self._blocks or self._closed, None if idle else linger_s
                )
                block = self._blocks.popleft() if self._blocks else None
                if block is None and self._closed:
                    return
                if block is not None:
                    self.bytes -= block.samples_T.nbytes
                    self._changed.notify_all()
            idle = block is None
            yield block
