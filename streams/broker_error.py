"""What a client tells of its brokers: the end of it, or that none can be reached."""

import time
from collections.abc import Callable

import structlog
from confluent_kafka import KafkaError, KafkaException

from earmark.models.error import ServiceError

log = structlog.get_logger()

AGAIN_S = 60.0  # that none can be reached is said once in so long
_AWAY = frozenset({KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT})


def kafka_error(servers: str, error: KafkaException) -> ServiceError:
    """What to tell of it; where no broker answers at `servers`, also how to have one."""
    cause: KafkaError = error.args[0]
    hint = "; `earmark up` starts a broker on this machine" if cause.code() in _AWAY else ""
    return ServiceError(f"Kafka {servers}: {cause.str()}{hint}")


class BrokerErrors:
    """The `error_cb` of a client, called within its `poll`.

    After a fatal error (a fenced member) the client gives nothing any more: raises ServiceError.
    That all brokers are away goes to the log; the client goes on and finds them again.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._quiet_until = -float("inf")

    def __call__(self, error: KafkaError) -> None:
        """Take the error."""
        if error.fatal():
            raise ServiceError(f"Kafka consumer: {error.name()}: {error.str()}")
        all_away = error.code() == KafkaError._ALL_BROKERS_DOWN
        if all_away and self._clock() >= self._quiet_until:
            self._quiet_until = self._clock() + AGAIN_S
            log.warning("brokers away", reason=error.str())
