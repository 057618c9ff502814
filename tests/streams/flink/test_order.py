"""Orders travel as text, and a job's state is bound to what the job means."""

import pytest

from earmark.models.error import ConfigurationError
from earmark.streams.flink.order import Order
from earmark.streams.settings import Settings


def test_an_order_is_read_back_from_its_text():
    order = Order(kind="rebuild", options={"run": "r", "batch": True}, parallelism=2)
    assert Order.parsed(order.text()) == order


@pytest.mark.parametrize("text", ["", "[]", '{"kind": "profile", "more": 1}'])
def test_what_is_no_order_is_refused(text: str):
    with pytest.raises(ConfigurationError, match="not an order"):
        Order.parsed(text)


def test_an_unknown_kind_is_named():
    with pytest.raises(ConfigurationError, match="unknown job 'nothing'; known: profile"):
        Order(kind="nothing").job(Settings())


def test_state_of_one_cluster_or_set_of_signals_is_of_no_use_to_another():
    job = Order(kind="profile").job(Settings())
    fewer = Order(kind="profile").job(Settings(worker={"signals": ["audio.loudness"]}))
    assert job.digest("a") == Order(kind="profile").job(Settings()).digest("a")
    assert len({job.digest("a"), job.digest("b"), fewer.digest("a")}) == 3


def test_a_batch_rebuild_reads_keys_beside_values_and_a_stream_does_not():
    stream = Order(kind="rebuild", options={"run": "r"}).job(Settings())
    batch = Order(kind="rebuild", options={"run": "r", "batch": True}).job(Settings())
    assert batch.is_batch
    assert not stream.is_batch
    assert len(batch.tables) == 2 * len(stream.tables) - 1
    assert all("scan.bounded.mode" in table.options for table in batch.tables[:-1])
