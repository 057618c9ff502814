"""`recovery_*`: how long partitions wait after a worker was killed, with either group protocol.

Two workers share the partitions of steady traffic. One gets SIGKILL: `recovery_*_other` waits until
the other has taken over, `recovery_*_same` has only one, whose supervisor starts it again. The time
runs from the kill to the moment when a reader of committed signals has got something new from every
partition. The goal is the session timeout and ten seconds.

What bounds it: the group waits for the dead member's session, and tells the others with their next
heartbeat. A static member of a classic group that comes back is let in at once: then it is the
start of a process with its models. Signals behind a transaction that the dead one left open wait
until the broker ends it, 15 to 25 s after its beginning, or its successor in the same slot does.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import count
from threading import Event, Thread

import psutil
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, not marked for checkers
    AdminClient,
    ConfigResource,
    ResourceType,
)

from earmark.models.error import ServiceError
from earmark.streams.bench.corpus import text_events
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.row import Goal, Row
from earmark.streams.bench.served import group_of, stack_of
from earmark.streams.bench.traffic import Traffic
from earmark.streams.kafka import client_config
from earmark.streams.local.broker import NODE_ID
from earmark.streams.local.service import command_line
from earmark.streams.local.worker import WorkerProcess
from earmark.streams.settings import Settings, with_worker
from earmark.streams.subscriber import subscribe
from earmark.streams.worker import SESSION_S

SIGNAL = "text.language"
SIGNALS = (SIGNAL, "text.embedding")
RATE_HZ = 100.0
KILLS = 3
OVER_S = 10.0  # the goal, over the session timeout
STEADY_S = 120.0  # for all partitions to be answered before a kill
LOST_S = 120.0  # and after it
ANSWER_S = 10.0
_POLL_S = 0.02
_SENT_AT_ONCE = 50  # events, half a second

Kill = Callable[[], None]
Workers = Callable[[Settings, Plan], AbstractContextManager[Kill]]


def recovery_classic_other(plan: Plan) -> Row:
    """Seconds from a kill until another worker has taken over, classic protocol."""
    return _row(plan, "classic", "other", _another_waits, session_s=SESSION_S)


def recovery_classic_same(plan: Plan) -> Row:
    """Seconds from a kill until the worker is back, started by its supervisor, classic protocol."""
    return _row(plan, "classic", "same", _supervised, session_s=SESSION_S)


def recovery_consumer_other(plan: Plan) -> Row:
    """Seconds from a kill until another worker has taken over, protocol of KIP-848."""
    return _row(plan, "consumer", "other", _another_waits, session_s=_broker_session_s(plan))


def recovery_consumer_same(plan: Plan) -> Row:
    """Seconds from a kill until the worker is back, started by its supervisor, KIP-848."""
    return _row(plan, "consumer", "same", _supervised, session_s=_broker_session_s(plan))


def _row(plan: Plan, protocol: str, who: str, workers: Workers, *, session_s: float) -> Row:
    name = f"recovery_{protocol}_{who}"
    settings = group_of(plan, name, signals=SIGNALS, protocol=protocol)
    plan.pull(SIGNALS)
    with _traffic(settings), _Watch(settings) as watch:
        seconds = [_recovery_s(settings, plan, workers, watch) for _ in range(plan.repeated(KILLS))]
    return Row(
        name=name,
        value=statistics.median(seconds),
        unit="s from a kill",
        baseline=session_s,
        against="the session timeout",
        goal=Goal(on="value", op="<=", x=session_s + OVER_S),
        details={
            "value_min": min(seconds),
            "value_max": max(seconds),
            "over_session_s": max(seconds) - session_s,
        },
    )


def _recovery_s(settings: Settings, plan: Plan, workers: Workers, watch: "_Watch") -> float:
    with workers(settings, plan) as kill:
        watch.wait_for_all(_now_ms(), STEADY_S)
        began_s = time.time()
        kill()
        return watch.wait_for_all(_now_ms(), LOST_S) - began_s


@contextmanager
def _another_waits(settings: Settings, plan: Plan) -> Iterator[Kill]:
    """Two workers; the first is killed, and stays away."""
    with ExitStack() as undo:
        first, _ = (_started(settings, plan, slot, undo) for slot in ("0", "1"))
        yield first.kill


@contextmanager
def _supervised(settings: Settings, plan: Plan) -> Iterator[Kill]:
    """One worker under its supervisor; it is killed, and started again."""
    with ExitStack() as undo:
        supervisor = _started(settings, plan, "0", undo, "--supervise")

        def kill() -> None:
            (worker,) = psutil.Process(supervisor.child.pid).children()
            worker.kill()
            worker.wait()

        yield kill


def _started(
    settings: Settings, plan: Plan, slot: str, undo: ExitStack, *options: str
) -> WorkerProcess:
    logs = stack_of(plan).home / "logs" / slot
    worker = WorkerProcess(
        with_worker(settings, slot=slot), log_dir=logs, command=(*command_line("worker"), *options)
    )
    undo.callback(worker.stop)
    worker.start()
    return worker


class _Watch(Thread):
    """Reads committed signals as they come, and notes when each partition had something new."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(name="watch", daemon=True)
        self._signals = subscribe(SIGNAL, settings=settings)
        self._partitions = settings.kafka.partitions
        self._since_ms = 0
        self._seen_s: dict[int, float] = {}

    def run(self) -> None:
        """Read until it is stopped."""
        for signal in self._signals:
            if signal.timestamp > self._since_ms:
                self._seen_s.setdefault(signal.partition, time.time())

    def wait_for_all(self, since_ms: int, limit_s: float) -> float:
        """When the last partition had got something that was written after `since_ms`.

        What a dead worker had written is older. Raises ServiceError if one waits too long.
        """
        self._since_ms, self._seen_s = since_ms, {}
        deadline = time.monotonic() + limit_s
        while len(self._seen_s) < self._partitions:
            if time.monotonic() > deadline:
                raise ServiceError(f"a partition was not answered in {limit_s:g} s")
            time.sleep(_POLL_S)
        return max(self._seen_s.values())

    def __enter__(self) -> "_Watch":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._signals.stop()
        self.join()
        self._signals.close()


@contextmanager
def _traffic(settings: Settings) -> Iterator[None]:
    """Texts at a steady rate, as long as the block runs."""
    closing = Event()
    traffic = Traffic(settings)

    def send() -> None:
        for number in count():
            if closing.is_set():
                return
            events = text_events(_SENT_AT_ONCE, run=f"{settings.kafka.group_id}-{number}")
            traffic.send(events, gaps_s=[1 / RATE_HZ] * _SENT_AT_ONCE)

    sender = Thread(target=send, name="traffic", daemon=True)
    sender.start()
    try:
        yield
    finally:
        closing.set()
        sender.join()


def _broker_session_s(plan: Plan) -> float:
    """The session timeout of groups of the consumer protocol, which is the broker's to say."""
    admin = AdminClient(client_config(stack_of(plan).settings.kafka))
    broker = ConfigResource(ResourceType.BROKER, str(NODE_ID))
    entries = admin.describe_configs([broker])[broker].result(ANSWER_S)
    return int(entries["group.consumer.session.timeout.ms"].value) / 1000


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
