"""Sends inputs, each under a trace of its own, by which all that comes of it is found again.

A mutated event may bear any ids. The trace context of a record is carried on to whatever is written
for it, whether it could be read or not.
"""

from collections.abc import Mapping
from functools import partial

import confluent_kafka
import numpy as np
from confluent_kafka import KafkaError, KafkaException, Message

from earmark.processors.error import ServiceError
from earmark.streams.chaos.inputs import Input
from earmark.streams.header import headers_of
from earmark.streams.kafka import producer_config
from earmark.streams.settings import KafkaSettings
from earmark.streams.topic import CONTENT_EVENTS

DELIVERY_S = 60.0
POLL_S = 0.1
_TRACE = "traceparent"
_OURS = "00-ea4a4bed"  # the version of the header, and the beginning of our trace ids
_OWN: Mapping[str, object] = {
    "enable.idempotence": True,
    "linger.ms": 5,
    "delivery.timeout.ms": int(DELIVERY_S * 1000),
    # records far over any limit are among them; zeros, which are small once they are compressed
    "message.max.bytes": 32_000_000,
    "queue.buffering.max.kbytes": 64_000,
}


class InputSender:
    """A producer of inputs; each has a `tag`, from 0 to below `tags`.

    `taken_ms` is when the broker took each, in milliseconds since the epoch (0: not yet), and
    `taken` how many it took.
    """

    def __init__(self, kafka: KafkaSettings, tags: int) -> None:
        self._producer = confluent_kafka.Producer(producer_config(kafka, _OWN))
        self.taken_ms = np.zeros(tags, np.int64)
        self.taken = 0
        self._failure = ""

    def send(self, tag: int, sent: Input) -> None:
        """Put its media in place and queue the record; ServiceError where one was not delivered."""
        if sent.path is not None:
            sent.path.write_bytes(sent.media or b"")
        headers: list[tuple[str, str | bytes | None]] = [(_TRACE, trace(tag))]
        note = partial(self._note, tag)
        while True:
            try:
                self._producer.produce(
                    CONTENT_EVENTS, sent.value, sent.key, headers=headers, on_delivery=note
                )
            except BufferError:
                self._producer.poll(POLL_S)  # its queue is full: let it drain
            except KafkaException as error:
                raise ServiceError(f"{sent.item}: {error.args[0].str()}") from error
            else:
                break
        self.tend()

    def tend(self) -> None:
        """Hear of deliveries; ServiceError if a record could not be delivered."""
        self._producer.poll(0)
        if self._failure:
            raise ServiceError(f"an input was not delivered: {self._failure}")

    def flush(self) -> None:
        """Wait until the broker has taken all; ServiceError if it does not."""
        left = self._producer.flush(DELIVERY_S)
        self.tend()
        if left:
            raise ServiceError(f"{left} inputs were not delivered in {DELIVERY_S:g} s")

    def _note(self, tag: int, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failure = error.str()
            return
        self.taken_ms[tag] = message.timestamp()[1]
        self.taken += 1


def trace(tag: int) -> bytes:
    """The trace context of the record with this tag."""
    return f"{_OURS}{tag:024x}-{1:016x}-01".encode()


def tag_of(message: Message) -> int | None:
    """The tag of the record of which this one came; None where it says nothing of one."""
    for name, value in headers_of(message):
        if name == _TRACE and isinstance(value, bytes) and value.startswith(_OURS.encode()):
            return int(value[len(_OURS) : len(_OURS) + 24], 16)
    return None
