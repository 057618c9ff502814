"""The topics: their names, how each is kept, and the making of them."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, not marked for checkers
    AdminClient,
    ClusterMetadata,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from earmark.models.error import ConfigurationError, ServiceError
from earmark.processors.schema import (
    ALERTS,
    CONTENT_EVENTS,
    ITEMS,
    LONG_EVENTS,
    PROFILES,
    RECEIPTS,
    REJECTIONS,
    REVIEW_DECISIONS,
    REVIEW_REQUESTS,
    STATS,
    VERDICTS,
    newest,
    schemas,
)
from earmark.processors.twin import is_twinned
from earmark.processors.wire import READ_BYTES
from earmark.streams.broker_error import kafka_error
from earmark.streams.kafka import client_config
from earmark.streams.settings import KafkaSettings, Settings

__all__ = [
    "ALERTS",
    "CONTENT_EVENTS",
    "ITEMS",
    "LONG_EVENTS",
    "MADE_OF_ANSWERS",
    "PROFILES",
    "PROMOTIONS",
    "RECEIPTS",
    "REJECTIONS",
    "RESTRICTED_PREFIX",
    "REVIEW_DECISIONS",
    "REVIEW_REQUESTS",
    "SIGNALS_PREFIX",
    "STATS",
    "VERDICTS",
    "Cluster",
    "Topic",
    "TopicState",
    "admin_client",
    "contract",
    "create_topics",
    "dead_letter_topic",
    "delete_topics",
    "describe_cluster",
    "make_topics",
    "restricted_topic",
    "restricted_topics",
    "retry_topic",
    "signal_topic",
    "signal_topics",
    "topic_states",
]

SIGNALS_PREFIX = "signals."
RESTRICTED_PREFIX = "restricted."  # before the topic of a signal: its records as they are
PROMOTIONS = "content.promotions.v1"  # answers of a replay, on their way to the live topics
TIMEOUT_S = 30.0  # for a broker to make topics
ANSWER_S = 10.0  # for it to be reached
LISTED_S = 0.05  # from one look at what it lists to the next

DAY_MS = 86_400_000
# with LogAppendTime an event that happened long ago is not old on arrival, and is kept
COMMON = {"message.timestamp.type": "LogAppendTime"}
DELETED = {
    "cleanup.policy": "delete",
    "retention.ms": str(30 * DAY_MS),
    "segment.ms": str(DAY_MS),  # a record may outlive its retention by as much
}
# history is kept for a week, and what was erased is gone a week and a day after at the latest
COMPACTED = {
    "cleanup.policy": "compact",
    "min.compaction.lag.ms": str(7 * DAY_MS),
    "max.compaction.lag.ms": str(8 * DAY_MS),
    "segment.ms": str(DAY_MS),
    "delete.retention.ms": str(7 * DAY_MS),
}
# what is made of an item's answers: its newest record holds all of it, and goes with the item
MADE_OF_ANSWERS = (PROFILES, VERDICTS, REVIEW_DECISIONS)
WHOLE_EVENTS = {"max.message.bytes": str(READ_BYTES)}
# with headers that say why, and compressed less well than its producer did, a copy is larger
COPIES_OF_EVENTS = {"max.message.bytes": str(2 * READ_BYTES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic as the contract has it; what `config` does not name is the broker's choice."""

    name: str
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicState:
    """A topic as it is; `partitions` is 0 where there is none, `differs` from the contract."""

    name: str
    partitions: int
    created: bool = False
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A cluster's id, and the configuration of topics on it by name."""

    id: str
    configs: Mapping[str, Mapping[str, str]]


def contract(receipts_topic: str = RECEIPTS) -> tuple[Topic, ...]:
    """Every topic that Earmark reads or writes; a group of workers may name its receipts' own."""
    copies = (LONG_EVENTS, retry_topic(CONTENT_EVENTS), dead_letter_topic(CONTENT_EVENTS))
    return (
        Topic(name=CONTENT_EVENTS, config=COMMON | DELETED | WHOLE_EVENTS),
        *(Topic(name=name, config=COMMON | DELETED | COPIES_OF_EVENTS) for name in copies),
        Topic(name=ITEMS, config=COMMON | COMPACTED | COPIES_OF_EVENTS),
        Topic(name=PROMOTIONS, config=COMMON | DELETED),
        Topic(name=REJECTIONS, config=COMMON | DELETED),
        Topic(name=receipts_topic, config=COMMON | COMPACTED),
        *(Topic(name=name, config=COMMON | COMPACTED) for name in signal_topics()),
        *(Topic(name=name, config=COMMON | COMPACTED) for name in restricted_topics()),
        *(Topic(name=name, config=COMMON | COMPACTED) for name in MADE_OF_ANSWERS),
        *(Topic(name=name, config=COMMON | DELETED) for name in (REVIEW_REQUESTS, STATS, ALERTS)),
    )


def signal_topics() -> tuple[str, ...]:
    """The topics of the champions' answers."""
    return tuple(topic for topic in newest(schemas()) if topic.startswith(SIGNALS_PREFIX))


def signal_topic(name: str) -> str:
    """The topic of a signal by its name."""
    named = (schema for schema in newest(schemas()).values() if schema.is_signal)
    return next(it.topic for it in named if it.name == f"{SIGNALS_PREFIX}{name}")


def restricted_topic(topic: str) -> str | None:
    """Where records of a signal's topic go whole if that gets redacted twins; None: it has none."""
    name = topic.removeprefix(SIGNALS_PREFIX).rpartition(".v")[0]
    return f"{RESTRICTED_PREFIX}{topic}" if is_twinned(name) else None


def restricted_topics() -> tuple[str, ...]:
    """Those of all signals that can have twins."""
    return tuple(name for name in map(restricted_topic, signal_topics()) if name)


def retry_topic(topic: str) -> str:
    """Where records of `topic` wait for another attempt."""
    return f"{topic}.retry"


def dead_letter_topic(topic: str) -> str:
    """Where records of `topic` go that cannot be used, their bytes untouched."""
    return f"{topic}.dlq"


def create_topics(settings: Settings) -> tuple[TopicState, ...]:
    """Make the topics that are missing; all topics as they then are.

    A topic that exists is never changed: the number of partitions decides where keys go, and its
    retention may be the operator's will. Raises ServiceError where the broker does not answer or
    refuses.
    """
    admin = admin_client(settings.kafka)
    there = _partitions(admin, settings.kafka)
    missing = [
        topic for topic in contract(settings.kafka.receipts_topic) if topic.name not in there
    ]
    made = _create(admin, missing, settings.kafka)
    return _states(admin, settings.kafka, made)


def topic_states(settings: Settings) -> tuple[TopicState, ...]:
    """All topics of the contract as they are on the broker."""
    return _states(admin_client(settings.kafka), settings.kafka, set())


def describe_cluster(kafka: KafkaSettings, takes: Callable[[str], bool]) -> Cluster:
    """The cluster, with those of its topics whose names `takes` accepts.

    Raises ServiceError where the broker does not answer.
    """
    admin = admin_client(kafka)
    found = _metadata(admin, kafka)
    return Cluster(
        id=str(found.cluster_id), configs=_configs(admin, filter(takes, sorted(found.topics)))
    )


def make_topics(kafka: KafkaSettings, topics: Sequence[Topic], *, partitions: int) -> None:
    """Make those of the topics that are missing; raises ServiceError as `create_topics`."""
    admin = admin_client(kafka)
    there = _partitions(admin, kafka)
    missing = [topic for topic in topics if topic.name not in there]
    _create(admin, missing, kafka.model_copy(update={"partitions": partitions}))


def delete_topics(kafka: KafkaSettings, prefix: str) -> list[str]:
    """Delete all topics whose names begin with `prefix`, for ever; their names.

    Raises ServiceError where the broker does not answer or refuses.
    """
    admin = admin_client(kafka)
    names = sorted(name for name in _partitions(admin, kafka) if name.startswith(prefix))
    futures = admin.delete_topics(names, operation_timeout=TIMEOUT_S) if names else {}
    for name, future in futures.items():
        try:
            future.result(TIMEOUT_S)
        except KafkaException as error:
            raise _service_error(f"topic {name}", error) from error
    return names


def _states(admin: AdminClient, kafka: KafkaSettings, made: set[str]) -> tuple[TopicState, ...]:
    there = _partitions(admin, kafka)
    topics = contract(kafka.receipts_topic)
    configs = _configs(admin, [topic.name for topic in topics if topic.name in there])
    return tuple(
        TopicState(
            name=topic.name,
            partitions=there.get(topic.name, 0),
            created=topic.name in made,
            differs=tuple(_differences(topic, there, configs, kafka)),
        )
        for topic in topics
    )


def _differences(
    topic: Topic,
    partitions: Mapping[str, int],
    configs: Mapping[str, Mapping[str, str]],
    kafka: KafkaSettings,
) -> Iterable[str]:
    if topic.name not in partitions:
        yield "is not there"
        return
    if partitions[topic.name] != kafka.partitions:
        yield f"partitions={partitions[topic.name]}, not {kafka.partitions}"
    for name, value in topic.config.items():
        if (actual := configs[topic.name].get(name)) != value:
            yield f"{name}={actual}, not {value}"


def _create(admin: AdminClient, topics: Sequence[Topic], kafka: KafkaSettings) -> set[str]:
    """Make them, and wait until they are listed; the names of those that nobody else has made."""
    wanted = [
        NewTopic(
            topic.name,
            num_partitions=kafka.partitions,
            replication_factor=kafka.replication_factor,
            config=dict(topic.config),
        )
        for topic in topics
    ]
    futures = admin.create_topics(wanted, operation_timeout=TIMEOUT_S) if wanted else {}
    made = set()
    for name, future in futures.items():
        try:
            future.result(TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another was quicker
                raise _service_error(f"topic {name}", error) from error
        else:
            made.add(name)
    _await(admin, {topic.name for topic in topics}, kafka)
    return made


def _await(admin: AdminClient, names: Set[str], kafka: KafkaSettings) -> None:
    """Until the broker lists them: a busy one has made a topic a while before it knows of it."""
    deadline = time.monotonic() + TIMEOUT_S
    while lacking := names - _metadata(admin, kafka).topics.keys():
        if time.monotonic() > deadline:
            raise ServiceError(f"topic {min(lacking)} was made, and the broker does not list it")
        time.sleep(LISTED_S)


def _configs(admin: AdminClient, names: Iterable[str]) -> dict[str, dict[str, str]]:
    wanted = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    futures = admin.describe_configs(wanted, request_timeout=TIMEOUT_S) if wanted else {}
    try:
        return {
            resource.name: {name: entry.value for name, entry in future.result(TIMEOUT_S).items()}
            for resource, future in futures.items()
        }
    except KafkaException as error:
        raise _service_error("topics", error) from error


def _partitions(admin: AdminClient, kafka: KafkaSettings) -> dict[str, int]:
    """The number of partitions of every topic on the broker."""
    topics = _metadata(admin, kafka).topics
    return {name: len(topic.partitions) for name, topic in topics.items()}


def _metadata(admin: AdminClient, kafka: KafkaSettings) -> ClusterMetadata:
    try:
        return admin.list_topics(timeout=ANSWER_S)
    except KafkaException as error:
        raise kafka_error(kafka.bootstrap_servers, error) from error


def admin_client(kafka: KafkaSettings) -> AdminClient:
    """A client that asks the brokers; raises ConfigurationError for what librdkafka refuses."""
    try:
        return AdminClient(client_config(kafka))
    except (KafkaException, TypeError) as error:
        raise ConfigurationError(f"setting kafka: {error}") from error


def _service_error(what: str, error: KafkaException) -> ServiceError:
    return ServiceError(f"{what}: {error.args[0].str()}")
