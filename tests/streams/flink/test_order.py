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


def test_an_address_of_a_cluster_has_a_host_and_one_that_has_none_is_refused():
    assert Order(kind="profile", cluster="http://flink").address == ("flink", 8081)
    assert Order(kind="profile", cluster="http://[::1]:9/").address == ("::1", 9)
    for wrong in ("flink:8081", "flink", "http://", "http://flink:many", "file:///etc"):
        with pytest.raises(ConfigurationError, match="http://flink:8081"):
            _ = Order(kind="profile", cluster=wrong).address


def test_an_unknown_kind_is_named():
    with pytest.raises(ConfigurationError, match="unknown job 'nothing'; known: profile"):
        Order(kind="nothing").job(Settings())


def test_state_of_one_cluster_or_set_of_signals_is_of_no_use_to_another():
    job = Order(kind="profile").job(Settings())
    fewer = Order(kind="profile").job(Settings(worker={"signals": ["audio.loudness"]}))
    assert job.digest("a") == Order(kind="profile").job(Settings()).digest("a")
    assert len({job.digest("a"), job.digest("b"), fewer.digest("a")}) == 3


def test_state_of_a_read_with_other_bounds_is_of_no_use():
    bounds = [{}, {"to_ms": 1}, {"to_ms": 2}, {"from_ms": 1}]
    for kind in ("stats", "rebuild"):
        orders = [Order(kind=kind, options={"run": "r", **each}) for each in bounds]
        assert len({order.job(Settings()).digest("a") for order in orders}) == len(bounds)
    live = [Order(kind="stats", options={"from_ms": start}) for start in (1, 2)]
    assert len({order.job(Settings()).digest("a") for order in live}) == 1  # it goes on


def test_a_count_that_ends_waits_for_every_partition_and_one_that_stays_does_not():
    idle = "table.exec.source.idle-timeout"
    assert idle not in Order(kind="stats", options={"run": "r"}).job(Settings()).config
    assert idle in Order(kind="stats").job(Settings()).config


def test_a_rebuild_reads_to_an_end_in_either_mode():
    stream = Order(kind="rebuild", options={"run": "r"}).job(Settings())
    batch = Order(kind="rebuild", options={"run": "r", "batch": True}).job(Settings())
    assert batch.is_batch
    assert not stream.is_batch
    for job in (stream, batch):
        assert all("scan.bounded.mode" in table.options for table in job.tables[:-1])


def test_live_windows_begin_with_a_whole_hour_and_those_of_a_run_where_they_are_told_to():
    hour, moment = 7_200_000, 7_200_000 + 1_234_567
    for options, start in (({}, hour), ({"run": "r"}, moment)):
        job = Order(kind="stats", options={"from_ms": moment, **options}).job(Settings())
        assert job.tables[0].options["scan.startup.timestamp-millis"] == str(start)
