"""What stands on a topic of profiles, item by item, and where two of them differ."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from earmark.models.source import Progress
from earmark.processors.schema import PROFILES, schema_of
from earmark.processors.wire import Codec
from earmark.streams.kafka import consumer_config
from earmark.streams.local.report import silent
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic_records import read_topic

EXAMPLES = 5
QUIET_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How two topics of profiles compare: items on each, and what differs, with some examples."""

    live: int
    rebuilt: int
    differing: int
    examples: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether each item has the same profile on both."""
        return self.differing == 0


def agreement(live: Mapping[str, bytes], rebuilt: Mapping[str, bytes]) -> Agreement:
    """How what `standing` gave of two topics compares."""
    items = sorted(live.keys() | rebuilt.keys())
    differing = [item for item in items if live.get(item) != rebuilt.get(item)]
    return Agreement(
        live=len(live),
        rebuilt=len(rebuilt),
        differing=len(differing),
        examples=tuple(differing[:EXAMPLES]),
    )


def standing(settings: Settings, topic: str, report: Progress = silent) -> Mapping[str, bytes]:
    """A digest of the last committed profile of each item; those taken away are left out."""
    found: dict[str, bytes] = {}
    with Registry(settings.registry) as registry:
        codec = Codec(schema_of(PROFILES), writer_schema=registry.schema_by_id)
        for message in read_topic(settings.kafka, topic, report):
            item = (message.key() or b"").decode()
            value = message.value()
            if value is None:
                found.pop(item, None)
            else:
                found[item] = digest_of(codec.decode(value))
    return found


class ProfileReader:
    """Follows a topic of profiles as a read_committed reader; to be closed, or used in a `with`.

    `doubled` counts records that say what the one before of the same item said; `last_s` is when
    the last of them was read, in seconds since the epoch.
    """

    def __init__(self, settings: Settings, topic: str = PROFILES) -> None:
        own = {"group.id": f"{settings.kafka.group_id}-profiles", "enable.auto.commit": False}
        self._consumer = Consumer(consumer_config(settings.kafka, own))
        partitions = self._consumer.list_topics(topic, timeout=30).topics[topic].partitions
        self._consumer.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in partitions])
        self._codec = Codec(schema_of(PROFILES))
        self._values: dict[str, bytes] = {}
        self.records = 0
        self.doubled = 0
        self.last_s = 0.0

    def __enter__(self) -> "ProfileReader":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._consumer.close()

    def __contains__(self, item: str) -> bool:
        """Whether the item has a profile, by what was read."""
        return item in self._values

    def read(self, quiet_s: float = QUIET_S) -> int:
        """Take what comes until nothing has for `quiet_s`; how many records that were."""
        before = self.records
        while messages := self._consumer.consume(1_000, quiet_s):
            for message in messages:
                if message.error() is None:
                    self._take(message)
        return self.records - before

    def standing(self) -> Mapping[str, bytes]:
        """What stands now, as the function of that name gives it."""
        return {item: digest_of(self._codec.decode(value)) for item, value in self._values.items()}

    def _take(self, message: Message) -> None:
        item, value = (message.key() or b"").decode(), message.value()
        self.records += 1
        self.doubled += value is not None and self._values.get(item) == value
        self.last_s = time.time()
        if value is None:
            self._values.pop(item, None)
        else:
            self._values[item] = value


def digest_of(record: Mapping[str, Any]) -> bytes:
    """Equal for equal records: the order of a map's entries says nothing, and NaN equals NaN."""
    text = json.dumps(record, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
