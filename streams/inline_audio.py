"""`kafka://<topic>/<partition>/<offset>`: the audio that a content event carries, read back.

The latest event of each item is kept by reference only, so that a catalogue fits on one topic.
Where its audio was inline, the reference is the record that carried it, for as long as that is
kept. Only topics of content events are read, and only audio of which the referring event states
the sha256: who does not know the audio cannot point at that of others.
"""

import re
import threading
import time
from collections.abc import Callable
from hashlib import sha256

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from earmark.processors.content import Audio, ContentEvent
from earmark.processors.error import ContentError, RejectionClass, ServiceError
from earmark.processors.schema import CONTENT_EVENTS, LONG_EVENTS
from earmark.streams.address import refused
from earmark.streams.error import TransientError
from earmark.streams.kafka import client_config
from earmark.streams.settings import KafkaSettings
from earmark.streams.topic import retry_topic

TOPICS = frozenset({CONTENT_EVENTS, retry_topic(CONTENT_EVENTS), LONG_EVENTS})
ANSWER_S = 10.0  # for the brokers to give a record
END_S = 2.0  # likewise to say where a partition ends
_POLL_S = 0.2
_FORM = re.compile(r"kafka://(?P<topic>[^/?#]+)/(?P<partition>[0-9]{1,9})/(?P<offset>[0-9]{1,18})")


class InlineAudio:
    """Reads audio from records, committed ones only; safe to use from several threads at once.

    `decode` makes the event of a payload, raising ContentError. Each thread that reads at a time
    has a consumer of its own; they are kept for the next.
    """

    def __init__(self, kafka: KafkaSettings, decode: Callable[[bytes], ContentEvent]) -> None:
        self._kafka = kafka
        self._decode = decode
        self._lock = threading.Lock()
        self._idle: list[Consumer] = []
        self._partitions: dict[str, int] = {}  # how many a topic has
        self._closed = False

    def read(self, audio: Audio, *, timeout_s: float = ANSWER_S) -> bytes:
        """The bytes that `audio.uri` names.

        Raises ContentError: URI_REFUSED for other topics and where no sha256 is stated, MEDIA_GONE
        where the record is no more or is another; TransientError where the brokers do not give it
        within the time, `ANSWER_S` at most.
        """
        place = _place(audio.uri or "")
        if audio.sha256 is None:
            raise refused("of audio in a record the sha256 must be stated")
        deadline = time.monotonic() + min(timeout_s, ANSWER_S)
        consumer = self._taken()
        try:
            self._check_partition(consumer, place)
            message = _message(consumer, place, deadline)
            consumer.unassign()
        except KafkaException as error:
            consumer.close()
            raise _transient(error.args[0]) from error
        except (ContentError, TransientError):
            consumer.close()
            raise
        self._give_back(consumer)
        return self._audio(message, audio.sha256)

    def close(self) -> None:
        """Leave the brokers; who still reads ends with that."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for consumer in idle:
            consumer.close()

    def _check_partition(self, consumer: Consumer, place: TopicPartition) -> None:
        """Say at once that a partition is not there, which a consumer would wait for."""
        if place.partition >= self._partitions.get(place.topic, 0):
            found = consumer.list_topics(place.topic, timeout=END_S).topics[place.topic]
            self._partitions[place.topic] = len(found.partitions)
        if place.partition >= self._partitions[place.topic]:
            raise _gone("there is no such partition")

    def _audio(self, message: Message, digest: str) -> bytes:
        try:
            event = self._decode(message.value() or b"")
        except ContentError as error:
            raise _gone("the record there is no content event") from error
        except ServiceError as error:
            raise TransientError("the schema registry does not answer") from error
        data = event.audio.data if event.audio else None
        is_its_key = (message.key() or b"") == event.content_id.encode(errors="surrogatepass")
        if data is None or not is_its_key or sha256(data).hexdigest() != digest.lower():
            raise _gone("the record there does not carry this audio")
        return data

    def _taken(self) -> Consumer:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        own = {
            "group.id": f"{self._kafka.group_id}-inline",  # asked for; nothing is committed
            "enable.auto.commit": False,
            "auto.offset.reset": "error",  # a record that is no more is not to become another
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "queued.min.messages": 1,  # one is wanted, not those behind it
            "fetch.queue.backoff.ms": 1,  # and then one elsewhere
            "max.partition.fetch.bytes": 65_536,  # a first record that is larger comes all the same
        }
        return Consumer(client_config(self._kafka, own))

    def _give_back(self, consumer: Consumer) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(consumer)
                return
        consumer.close()


def _place(uri: str) -> TopicPartition:
    form = _FORM.fullmatch(uri)
    if form is None:
        raise refused("a kafka uri is kafka://<topic>/<partition>/<offset>")
    if form["topic"] not in TOPICS:
        raise refused(f"audio is not read from topic {form['topic']}")
    return TopicPartition(form["topic"], int(form["partition"]), int(form["offset"]))


def _message(consumer: Consumer, place: TopicPartition, deadline: float) -> Message:
    """The record at the place."""
    consumer.assign([place])
    while time.monotonic() < deadline:
        message = consumer.poll(_POLL_S)
        if message is None or (message.topic(), message.partition()) != _partition(place):
            continue
        problem = message.error()
        if problem is not None and problem.code() == KafkaError._PARTITION_EOF:
            # where a leader has just changed, the end may be a moment behind
            deadline = min(deadline, time.monotonic() + END_S)
        elif problem is not None:
            raise _missing(consumer, place, problem)
        elif message.offset() != place.offset:
            raise _gone("there is no such record: one behind it follows")
        else:
            return message
    raise _late(consumer, place)


def _late(consumer: Consumer, place: TopicPartition) -> ContentError | TransientError:
    """Why nothing has come: raises KafkaException where the brokers do not answer that either."""
    _, end = consumer.get_watermark_offsets(place, timeout=END_S, cached=False)
    if place.offset >= end:
        return _gone(f"there is no such record: the partition ends at offset {end}")
    return TransientError("the brokers did not give the record in time")


def _missing(
    consumer: Consumer, place: TopicPartition, problem: KafkaError
) -> ContentError | TransientError:
    """Why the record was not given; raises KafkaException likewise."""
    if problem.code() != KafkaError._AUTO_OFFSET_RESET:
        return _transient(problem)
    first, _ = consumer.get_watermark_offsets(place, timeout=END_S, cached=False)
    if place.offset < first:
        return _gone(f"deleted by the topic's retention: it now begins at offset {first}")
    return _late(consumer, place)


def _partition(place: TopicPartition) -> tuple[str, int]:
    return place.topic, place.partition


def _gone(reason: str) -> ContentError:
    return ContentError(RejectionClass.MEDIA_GONE, reason, part="audio")


def _transient(error: KafkaError) -> TransientError:
    return TransientError(f"Kafka does not give the record ({error.name()})")
