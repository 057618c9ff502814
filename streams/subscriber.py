"""Reads signals and rejections back from Kafka, as committed and decoded."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from types import TracebackType
from typing import Any, Self

import structlog
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from earmark.models.error import ConfigurationError, ServiceError
from earmark.processors.codec import Codec
from earmark.processors.error import ContentError
from earmark.processors.schema import schema_of
from earmark.streams.condition import Condition, all_hold, parsed
from earmark.streams.endpoint import endpoint
from earmark.streams.kafka import client_config
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic import (
    CONTENT_EVENTS,
    ITEMS,
    LONG_EVENTS,
    REJECTIONS,
    RESTRICTED_PREFIX,
    SIGNALS_PREFIX,
    contract,
    dead_letter_topic,
    signal_topics,
)

log = structlog.get_logger()

ANSWER_S = 10.0  # for the broker to be reached
_POLL_S = 0.2  # how soon `stop` and the time limit are noticed
_NO_LEADER_YET = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
_SILENT = 0  # librdkafka logs a line per attempt to connect; our error says it once
_DEAD_LETTERS = dead_letter_topic(CONTENT_EVENTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedSignal:
    """One record of a topic of signals, rejections or dead letters.

    `name` is that of the signal (`audio.loudness`), or `rejections` or `dead-letters`. `record`
    has the fields of the topic's schema, times in milliseconds since the epoch; it is empty for a
    deletion, and for a dead letter, whose original bytes are in `value`. `timestamp` is when the
    broker took the record, in milliseconds since the epoch.
    """

    name: str
    topic: str
    key: str
    record: Mapping[str, Any]
    deleted: bool = False
    headers: Mapping[str, bytes] = field(default_factory=dict)
    partition: int
    offset: int
    timestamp: int
    value: bytes | None = field(default=None, repr=False)


def subscribe(
    *names: str,
    from_beginning: bool = False,
    where: str | Sequence[str] = (),
    group_id: str | None = None,
    timeout_s: float | None = None,
    settings: Settings | None = None,
    bootstrap_servers: str | None = None,
    registry_url: str | None = None,
) -> "Subscription":
    """An iterator over what is published from now on, or from the beginning of the topics.

        for signal in earmark.subscribe("text.safety", where="outcome=OK"):
            print(signal.key, signal.record["scores"])

    `names` are signals (`audio.loudness`), topics, `rejections`, `dead-letters`, or `all` (signals
    and rejections). Only committed records are read. `where` filters by fields of the record, see
    `earmark.streams.condition`. With a `group_id` the group's committed offsets decide where to
    begin, and members of the group share the topics. The iterator ends when nothing has come for
    `timeout_s`, or after `close` or `stop`.

    It stands at its place in the topics when this returns: what is produced after that is seen.
    Raises ConfigurationError for unknown names or conditions, ServiceError where brokers or
    registry cannot be reached.
    """
    settings = endpoint(settings, bootstrap_servers=bootstrap_servers, registry_url=registry_url)
    written = [where] if isinstance(where, str) else where
    return Subscription(
        settings,
        topics_named(names),
        conditions=[parsed(condition) for condition in written],
        from_beginning=from_beginning,
        group_id=group_id,
        timeout_s=timeout_s,
    )


def topics_named(names: Sequence[str]) -> list[str]:
    """The topics meant; raises ConfigurationError for a name that means none."""
    if not names:
        raise ConfigurationError(f"name what to subscribe to: {', '.join(_known())}")
    found = [topic for name in names for topic in _topics(name)]
    return list(dict.fromkeys(found))


class Subscription(Iterator[ReceivedSignal]):
    """What `subscribe` returns; `undecodable` counts records that could not be read.

    For one thread; only `stop` may be called from another.
    """

    def __init__(
        self,
        settings: Settings,
        topics: Sequence[str],
        *,
        conditions: Sequence[Condition],
        from_beginning: bool,
        group_id: str | None,
        timeout_s: float | None,
    ) -> None:
        self._conditions = conditions
        self._timeout_s = timeout_s
        self._stopped = Event()
        self.undecodable = 0
        self._registry = Registry(settings.registry)
        self._codecs = {topic: _codec(topic, self._registry) for topic in topics}
        self._servers = settings.kafka.bootstrap_servers
        self._consumer = Consumer(
            client_config(settings.kafka, _consuming(group_id, from_beginning=from_beginning))
        )
        try:
            self._begin(topics, in_group=group_id is not None, from_beginning=from_beginning)
        except (ServiceError, ConfigurationError):
            self.close()
            raise

    def __next__(self) -> ReceivedSignal:
        deadline = time.monotonic() + (self._timeout_s or 0)
        while not self._stopped.is_set():
            if self._timeout_s is not None and time.monotonic() >= deadline:
                break
            signal = self._poll()
            if signal is not None and all_hold(self._conditions, signal.record):
                return signal
        raise StopIteration

    def stop(self) -> None:
        """End the iteration, from any thread."""
        self._stopped.set()

    def close(self) -> None:
        """End the iteration and leave the brokers."""
        self._stopped.set()
        self._consumer.close()
        self._registry.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _begin(self, topics: Sequence[str], *, in_group: bool, from_beginning: bool) -> None:
        try:
            partitions = [partition for topic in topics for partition in self._partitions(topic)]
            if in_group:
                self._consumer.subscribe(list(topics))
            elif from_beginning:
                self._consumer.assign(partitions)
            else:
                self._consumer.assign([self._at_end(partition) for partition in partitions])
        except KafkaException as error:
            raise ServiceError(f"Kafka {self._servers}: {error.args[0].str()}") from error

    def _partitions(self, topic: str) -> list[TopicPartition]:
        found = self._consumer.list_topics(topic, timeout=ANSWER_S).topics[topic]
        if found.error is not None:
            raise ConfigurationError(f"topic {topic} at {self._servers}: {found.error.str()}")
        return [TopicPartition(topic, number, OFFSET_BEGINNING) for number in found.partitions]

    def _at_end(self, partition: TopicPartition) -> TopicPartition:
        # asked for now: a partition assigned at its end would only find the end at its first fetch
        deadline = time.monotonic() + ANSWER_S
        while True:
            try:
                _, end = self._consumer.get_watermark_offsets(partition, timeout=ANSWER_S)
                return TopicPartition(partition.topic, partition.partition, end)
            except KafkaException as error:
                # a partition that has just been made may have no leader yet
                if not error.args[0].retriable() and error.args[0].code() not in _NO_LEADER_YET:
                    raise
                if time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_S)

    def _poll(self) -> ReceivedSignal | None:
        message = self._consumer.poll(_POLL_S)
        if message is None:
            return None
        if (problem := message.error()) is not None:
            raise ServiceError(f"Kafka {self._servers}: {problem.str()}")
        try:
            return _received(message, self._codecs[message.topic() or ""])
        except ContentError as error:
            self.undecodable += 1
            log.warning(
                "undecodable",
                topic=message.topic(),
                partition=message.partition(),
                offset=message.offset(),
                reason=error.reason,
            )
            return None


def _received(message: Message, codec: Codec | None) -> ReceivedSignal:
    topic, value = message.topic() or "", message.value()
    headers: Sequence[tuple[str, object]] = message.headers() or ()  # type: ignore[assignment]  # a list of pairs when read
    return ReceivedSignal(
        name=_name(topic),
        topic=topic,
        key=(message.key() or b"").decode(errors="replace"),
        record={} if codec is None or value is None else codec.decode(value),
        deleted=value is None,
        headers={name: content for name, content in headers if isinstance(content, bytes)},
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        timestamp=message.timestamp()[1],
        value=value,
    )


def _consuming(group_id: str | None, *, from_beginning: bool) -> dict[str, object]:
    return {
        "group.id": group_id or f"earmark-subscribe-{uuid.uuid4().hex}",
        "enable.auto.commit": group_id is not None,
        "auto.offset.reset": "earliest" if from_beginning else "latest",
        "isolation.level": "read_committed",
        "log_level": _SILENT,
    }


def _codec(topic: str, registry: Registry) -> Codec | None:
    """How records of the topic are read; None for dead letters, which may be any bytes."""
    if topic.endswith((".dlq", ".retry")):
        return None
    return Codec(schema_of(_live(topic)), writer_schema=registry.schema_by_id)


def _live(topic: str) -> str:
    """The topic whose schema this one shares, such as that behind `replay.<run>.`."""
    if topic.startswith(("replay.", "shadow.")):
        return topic.split(".", 2)[-1]
    if topic.startswith(RESTRICTED_PREFIX):
        return topic.removeprefix(RESTRICTED_PREFIX)
    return CONTENT_EVENTS if topic in (ITEMS, LONG_EVENTS) else topic


def _name(topic: str) -> str:
    if topic == REJECTIONS:
        return "rejections"
    if topic == _DEAD_LETTERS:
        return "dead-letters"
    live = _live(topic)
    return live.removeprefix(SIGNALS_PREFIX).rpartition(".v")[0] if _is_signal(live) else topic


def _is_signal(topic: str) -> bool:
    return topic.startswith(SIGNALS_PREFIX)


def _topics(name: str) -> list[str]:
    signals = list(signal_topics())
    named: Mapping[str, Callable[[], list[str]]] = {
        "all": lambda: [*signals, REJECTIONS],
        "rejections": lambda: [REJECTIONS],
        "dead-letters": lambda: [_DEAD_LETTERS],
    }
    if name in named:
        return named[name]()
    if found := [topic for topic in signals if _name(topic) == name]:
        return found
    if name.startswith(("replay.", "shadow.")) or name in {topic.name for topic in contract()}:
        return [name]
    raise ConfigurationError(f"unknown {name!r}: name one of {', '.join(_known())}, or a topic")


def _known() -> list[str]:
    return ["all", "rejections", "dead-letters", *(_name(topic) for topic in signal_topics())]
