import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from earmark.models.error import ServiceError
from earmark.streams.local.broker import Broker
from earmark.streams.local.parts import Parts

pytestmark = [pytest.mark.java, pytest.mark.kafka]


@pytest.fixture
def own_broker(parts: Parts, tmp_path: Path) -> Iterator[Broker]:
    running = Broker(parts, tmp_path)
    try:
        running.start()
        yield running
    finally:
        running.stop()


def make_topic(broker: Broker, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(10)


def produce(broker: Broker, topic: str, values: list[bytes]) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "acks": "all"})
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(30) == 0


def read(broker: Broker, topic: str, count: int) -> list[bytes]:
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "group.id": "reader",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([topic])
    values = [message.value() for message in consumer.consume(count, timeout=30)]
    consumer.close()
    return values


def test_what_was_acknowledged_survives_a_kill_and_a_move_to_other_ports(
    own_broker: Broker, parts: Parts, tmp_path: Path
):
    values = [b"%d" % number for number in range(100)]
    make_topic(own_broker, "kept")
    produce(own_broker, "kept", values)
    cluster_id = own_broker.cluster_id
    own_broker.kill()
    again = Broker(parts, tmp_path)
    try:
        again.start()
        assert again.port != own_broker.port
        assert again.cluster_id == cluster_id
        assert read(again, "kept", 100) == values
    finally:
        again.stop()


def test_two_brokers_run_side_by_side(own_broker: Broker, broker: Broker):
    make_topic(own_broker, "mine")
    topics = AdminClient({"bootstrap.servers": broker.bootstrap_servers}).list_topics().topics
    assert "mine" not in topics
    assert own_broker.cluster_id != broker.cluster_id


def test_a_port_in_use_is_named_before_anything_is_started(parts: Parts, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ServiceError, match=f"port {port} .* in use"):
            Broker(parts, tmp_path, port=port).start()
    assert not (tmp_path / "kafka").exists()


def test_a_second_broker_on_the_same_data_is_refused(
    own_broker: Broker, parts: Parts, tmp_path: Path
):
    with pytest.raises(ServiceError, match="already runs"):
        Broker(parts, tmp_path).start()
    make_topic(own_broker, "unharmed")


def test_a_broker_that_cannot_start_shows_why(parts: Parts, tmp_path: Path):
    running = Broker(parts, tmp_path)
    running.start()
    running.stop()
    (tmp_path / "kafka" / "data" / "meta.properties").write_text("version=1\ncluster.id=x\n")
    with pytest.raises(ServiceError, match=r"broker ended as it started(?s:.*)meta\.properties"):
        running.start()
