"""The real local broker and registry for the tests that need them, once per session.

Under pytest-xdist each worker process has a stack of its own: they share nothing but the verified
jars in the cache, and each ends with its process.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from earmark.processors.codec import Codec
from earmark.processors.release import golden_record
from earmark.processors.schema import avro_folder, schema_of
from earmark.streams.kafka import producer_config
from earmark.streams.local.broker import Broker
from earmark.streams.local.parts import Parts, fetch_parts
from earmark.streams.local.stack import Stack
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings, load_settings
from earmark.streams.topic import COMMON, Topic, make_topics


@pytest.fixture(scope="session")
def parts() -> Parts:
    """The files of the local parts, fetched where they are missing."""
    return fetch_parts(load_settings())


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Broker and registry with all topics and schemas, no worker; `stack.settings` reach them."""
    home = tmp_path_factory.mktemp("stack")
    with Stack(load_settings(), home=home, worker=False) as running:
        yield running


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The same for one module alone: what stands on the topics is what its tests have put there."""
    home = tmp_path_factory.mktemp("stack")
    with Stack(load_settings(), home=home, worker=False) as running:
        yield running


@pytest.fixture(scope="session")
def broker(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker alone, without topics; `broker.bootstrap_servers` reaches it."""
    running = Broker(parts, tmp_path_factory.mktemp("broker"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


@dataclass
class OwnTopic:
    """A topic of one test's own with answers of `text.safety`, and what puts them there."""

    settings: Settings
    name: str

    def __post_init__(self) -> None:
        live = self.name.split(".", 2)[-1]
        self.golden = golden_record(avro_folder(), schema_of(live))
        self.codec = Codec(schema_of(live))
        with Registry(self.settings.registry) as registry:
            self.schema_id = registry.ids_for_worker([live])[live]
        self._producer = Producer(producer_config(self.settings.kafka))

    def record(self, key: str, **fields: Any) -> dict[str, Any]:
        """What is sent by `put`."""
        return {**self.golden, "content_id": key, **fields}

    def put(self, key: str, **fields: Any) -> None:
        """Send an answer for the item, on its way until `flush`."""
        self.put_bytes(key, self.codec.encode(self.record(key, **fields), self.schema_id))

    def put_bytes(self, key: str, value: bytes | None) -> None:
        """Send these bytes, None for a deletion."""
        self._producer.produce(self.name, value, key.encode())
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until the broker has all."""
        assert self._producer.flush(30) == 0


@pytest.fixture
def own_topic(stack: Stack) -> OwnTopic:
    """An empty topic of two partitions, read by its `name`."""
    name = f"replay.{uuid4().hex}.signals.text.safety.v1"
    topic = Topic(name=name, config=COMMON)
    make_topics(stack.settings.kafka, [topic], partitions=2)
    return OwnTopic(stack.settings, name)


@pytest.fixture
def stack_environment(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Variables with which commands, and processes that get them, reach the stack."""
    found = {
        "EARMARK_KAFKA__BOOTSTRAP_SERVERS": stack.settings.kafka.bootstrap_servers,
        "EARMARK_REGISTRY__URL": stack.settings.registry.url,
    }
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found
