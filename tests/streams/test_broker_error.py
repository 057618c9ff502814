"""What a client tells of its brokers goes to the log once, or ends the worker."""

import pytest
from confluent_kafka import KafkaError
from structlog.testing import capture_logs

from earmark.processors.error import ServiceError
from earmark.streams.broker_error import AGAIN_S, BrokerErrors

AWAY = KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down")
ONE = KafkaError(KafkaError._TRANSPORT, "connection refused")


def test_that_all_are_away_is_said_once_in_a_while() -> None:
    now = [0.0]
    errors = BrokerErrors(clock=lambda: now[0])
    with capture_logs() as lines:
        for now[0] in (0.0, 1.0, AGAIN_S - 1, AGAIN_S, AGAIN_S + 1):
            errors(AWAY)
            errors(ONE)
    assert [(line["event"], line["reason"]) for line in lines] == [
        ("brokers away", "1/1 brokers are down")
    ] * 2


def test_a_fatal_error_ends_the_worker() -> None:
    fenced = KafkaError(KafkaError._FENCED, "fenced by another", fatal=True)
    with pytest.raises(ServiceError, match="_FENCED: fenced by another"):
        BrokerErrors()(fenced)
