"""Receipts are read to their end from a broker that comes back, as from one that was never away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from earmark.models.error import ServiceError
from earmark.streams.local.broker import Broker
from earmark.streams.local.parts import Parts
from earmark.streams.receipt import ReceiptCodec
from earmark.streams.receipt_restore import ReceiptRestorer
from earmark.streams.receipt_store import ReceiptStore
from earmark.streams.settings import KafkaSettings, load_settings
from earmark.streams.topic import create_topics

pytestmark = [pytest.mark.java, pytest.mark.kafka]


@pytest.fixture(scope="module")
def broker(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    running = Broker(parts, tmp_path_factory.mktemp("broker"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture
def kafka(broker: Broker) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=broker.bootstrap_servers, partitions=2)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ReceiptStore]:
    store = ReceiptStore(tmp_path / "receipts", ReceiptCodec(1, group="g"))
    yield store
    store.close()


def test_a_broker_that_was_killed_is_waited_for(
    broker: Broker, kafka: KafkaSettings, store: ReceiptStore
) -> None:
    create_topics(load_settings(kafka=kafka))
    restorer = ReceiptRestorer(kafka)
    restorer.restore(0, store.open(0))
    broker.kill()
    broker.launch()  # it is asked long before it leads its partitions again
    restorer.restore(1, store.open(1))
    restorer.close()


def test_a_topic_that_is_not_there_is_said_at_once(
    kafka: KafkaSettings, store: ReceiptStore
) -> None:
    restorer = ReceiptRestorer(kafka.model_copy(update={"receipts_topic": "nobody.made.it"}))
    with pytest.raises(ServiceError, match="`earmark topics create` makes it"):
        restorer.restore(0, store.open(0))
    restorer.close()
