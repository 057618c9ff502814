"""Events that wait for another attempt, on `<topic>.retry`.

Such a record is the original, with headers that say how often it was tried and when to try it
again. It lies in the partition of the same number as before, so that one worker owns both and one
receipt decides on their order. A partition of the topic waits for its first record.
"""

import random
from collections import deque
from collections.abc import Collection, Iterator

from confluent_kafka import Message

from earmark.streams.flight import Partition, partition_of
from earmark.streams.header import ATTEMPT, NOT_BEFORE, RETRIES, Headers, number, replaced
from earmark.streams.settings import RetrySettings


def may_try_again(message: Message, settings: RetrySettings) -> bool:
    """Whether the attempt at this record was not the last one."""
    return number(message, RETRIES) + 1 < settings.attempts


def retry_headers(message: Message, settings: RetrySettings, *, now_ms: int) -> Headers:
    """The record's own headers, and when it is to be tried again."""
    retries = number(message, RETRIES) + 1
    own = {
        ATTEMPT: number(message, ATTEMPT) + 1,
        RETRIES: retries,
        NOT_BEFORE: now_ms + int(1000 * pause_s(retries, settings)),
    }
    return replaced(message, own)


def pause_s(retry: int, settings: RetrySettings) -> float:
    """Seconds before this retry (from 1): doubled each time, at most `longest_s`, and jittered."""
    whole: float = min(settings.first_s * 2 ** min(retry - 1, 30), settings.longest_s)
    return whole * random.uniform(0.75, 1.25)  # noqa: S311  # no secret


class Waiting:
    """Records that were read before their time, by partition, in order."""

    def __init__(self) -> None:
        self._messages: dict[Partition, deque[Message]] = {}

    @property
    def partitions(self) -> Collection[Partition]:
        """Partitions that have something waiting: they are to be paused."""
        return self._messages.keys()

    def hold(self, message: Message, *, now_ms: int) -> bool:
        """Keep the message if its time, or that of one before it, has not come."""
        partition = partition_of(message)
        if partition not in self._messages and number(message, NOT_BEFORE) <= now_ms:
            return False
        self._messages.setdefault(partition, deque()).append(message)
        return True

    def due(self, *, now_ms: int) -> Iterator[Message]:
        """The records whose time has come, each once."""
        for partition, messages in list(self._messages.items()):
            while messages and number(messages[0], NOT_BEFORE) <= now_ms:
                yield messages.popleft()
            if not messages:
                del self._messages[partition]

    def drop(self, partitions: Collection[Partition]) -> None:
        """Forget the records of partitions that go to another worker, which will read them."""
        for partition in partitions:
            self._messages.pop(partition, None)
