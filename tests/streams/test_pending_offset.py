"""A commit that a killed broker left pending for ever is ended, so that its partition is read on.

The data are those of such a broker: see `tests/data/broker/README.md`.
"""

import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from earmark.processors.schema import RECEIPTS
from earmark.streams.assembly import LIVE
from earmark.streams.kafka import client_config
from earmark.streams.leftover import Leftovers
from earmark.streams.local.broker import Broker
from earmark.streams.local.parts import Parts
from earmark.streams.publisher import Publisher
from earmark.streams.settings import Settings, load_settings
from earmark.streams.topic import CONTENT_EVENTS

pytestmark = [pytest.mark.kafka]

DATA = Path(__file__).parents[1] / "data" / "broker" / "killed_amid_a_commit.tar.xz"
PARTITIONS = [TopicPartition(CONTENT_EVENTS, number) for number in range(4)]
STANDING = [34, 31, 45, 31]  # of these partitions
PENDING_S = 3.0
ANSWER_S = 20.0


@pytest.fixture
def settings(parts: Parts, tmp_path: Path) -> Iterator[Settings]:
    """Those of the worker whose commit is pending, at the broker that was killed."""
    with tarfile.open(DATA) as data:
        data.extractall(tmp_path, filter="data")
    broker = Broker(parts, tmp_path)
    try:
        broker.start()
        own = load_settings()
        at = {"bootstrap_servers": broker.bootstrap_servers, "slot": "0"}
        yield own.model_copy(update={"kafka": own.kafka.model_copy(update=at)})
    finally:
        broker.stop()


def test_a_commit_that_a_killed_broker_left_pending_is_ended_and_its_events_are_read_again(
    settings: Settings,
) -> None:
    own = {"group.id": settings.kafka.group_id, "enable.auto.commit": False}
    publisher = Publisher(settings, {RECEIPTS: 1}, worker="1", route=LIVE)
    publisher.start()  # what suffices for a transaction that is open
    with (
        closing(Leftovers(settings.kafka, [])) as leftovers,
        closing(Consumer(client_config(settings.kafka, own))) as consumer,
    ):
        consumer.committed(PARTITIONS[2:], ANSWER_S)  # of what is not pending
        assert leftovers.pending(PARTITIONS[2:], limit_s=ANSWER_S) == []
        pending = leftovers.pending(PARTITIONS, limit_s=PENDING_S)
        assert [it.offset for it in pending] == STANDING
        publisher.end_pending(pending, consumer.consumer_group_metadata())
        assert leftovers.pending(PARTITIONS, limit_s=ANSWER_S) == []
        found = consumer.committed(PARTITIONS, ANSWER_S)
    assert [it.offset for it in found] == STANDING
