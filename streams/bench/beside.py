"""A replay beside what is measured: at work, or standing still, in short slices by turns."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import psutil

from earmark.models.error import ServiceError
from earmark.processors.content import ContentEvent
from earmark.streams.bench.other_work import OtherWork
from earmark.streams.bench.traffic import Traffic
from earmark.streams.local.environment import environment
from earmark.streams.local.process import Child
from earmark.streams.replay.progress import ProgressReader
from earmark.streams.replay.start import Asked, begin, planned
from earmark.streams.settings import Settings
from earmark.streams.topic import COMMON, DELETED, WHOLE_EVENTS, Topic, make_topics

SLICE_S = 4.0  # well below the session timeout: a replay that stands still stays in its group
START_S = 180.0  # for a replay to answer its first events, behind everything else


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A time in which the replay was `at_work`, or stood still; milliseconds since the epoch.

    `others` is the part of the machine that something else took, `done` what the replay answered.
    """

    at_work: bool
    start_ms: int
    end_ms: int
    others: float
    done: int


class Replay:
    """`earmark replay` and its workers, let to work or made to stand still."""

    def __init__(self, child: Child, reader: ProgressReader) -> None:
        self._child = child
        self._reader = reader

    @property
    def done(self) -> int:
        """Events answered; ServiceError when nothing is left to do."""
        progress = self._reader.read()
        if progress.is_through:
            raise ServiceError("the replay ended too soon: its backlog was too small")
        return progress.passed

    def let(self, *, work: bool) -> None:
        """Let it go on, or stop it where it stands."""
        conductor = psutil.Process(self._child.pid)
        for process in (conductor, *conductor.children(recursive=True)):
            try:
                process.resume() if work else process.suspend()
            except psutil.NoSuchProcess:
                continue  # a decode process that was replaced


class Slices(Thread):
    """Stops and continues a replay by turns, `number` slices in all; as a context manager."""

    def __init__(self, replay: Replay, number: int) -> None:
        super().__init__(name="slices", daemon=True)
        self._replay = replay
        self._number = number
        self._closing = Event()
        self._failure: ServiceError | None = None
        self.taken: list[Slice] = []

    def run(self) -> None:
        """Take one slice after the other."""
        try:
            for number in range(self._number):
                self._take(at_work=number % 2 == 1)
        except ServiceError as error:
            self._failure = error
        finally:
            self._replay.let(work=True)

    def _take(self, *, at_work: bool) -> None:
        self._replay.let(work=at_work)
        done, others, start_ms = self._replay.done, OtherWork(), _now_ms()
        self._closing.wait(SLICE_S)
        self.taken.append(
            Slice(
                at_work=at_work,
                start_ms=start_ms,
                end_ms=_now_ms(),
                others=others.share(),
                done=self._replay.done - done,
            )
        )

    def __enter__(self) -> "Slices":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._number = 0
            self._closing.set()
        self.join()
        if self._failure is not None and kind is None:
            raise self._failure


def backlog_topic(settings: Settings, name: str, events: Iterable[ContentEvent]) -> str:
    """A topic of its own that holds the events."""
    topic = f"bench.backlog-{name}"
    kept = Topic(name=topic, config=COMMON | DELETED | WHOLE_EVENTS)
    make_topics(settings.kafka, [kept], partitions=settings.kafka.partitions)
    Traffic(settings, topic).send(events)
    return topic


@contextmanager
def replaying(settings: Settings, topic: str, *, run: str, log: Path) -> Iterator[Replay]:
    """A replay of all of `topic` at full speed, as people start it, from its first answers on."""
    manifest = planned(settings, run, Asked(topic=topic, signals=settings.worker.signals))
    begin(settings, manifest)
    child = Child(
        "replay",
        [sys.executable, "-m", "earmark", "replay", "--run", run],
        log=log,
        environment=environment(settings),
    )
    with closing(ProgressReader(settings.kafka, manifest)) as reader:
        child.start()
        try:
            child.wait_until(lambda: reader.read().passed > 0, START_S)
            yield Replay(child, reader)
        finally:
            child.stop(grace_s=90)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
