"""Profiles made again from what the signal topics hold, and compared with the live ones."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from earmark.models.error import ServiceError
from earmark.models.source import Progress
from earmark.streams.flink.host import command_of, prepare
from earmark.streams.flink.job_folder import JobFolder, JobNote
from earmark.streams.flink.order import Order
from earmark.streams.flink.rest import ENDED, Rest
from earmark.streams.flink.standing import Agreement, agreement, standing
from earmark.streams.local.environment import environment
from earmark.streams.local.process import POLL_S, Child, tail
from earmark.streams.local.report import silent
from earmark.streams.replay.manifest import checked_name
from earmark.streams.replay.start import KEPT
from earmark.streams.route import replay_topic
from earmark.streams.settings import Settings
from earmark.streams.supervisor import HOPELESS
from earmark.streams.topic import COMMON, PROFILES, Topic, make_topics

ATTEMPTS = 5
ASK_S = 0.5  # from one look at a cluster's job to the next
SILENCE_S = 60.0  # of a cluster, until nothing is waited for any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuild:
    """What came of a rebuild: its topic, how long it took, and how it compares with the live one.

    `agreement` is None where only a stretch of time was read: then the two are not meant to agree.
    """

    run: str
    topic: str
    seconds: float
    profiles: int
    agreement: Agreement | None


def rebuild(
    settings: Settings,
    run: str,
    *,
    from_ms: int | None = None,
    to_ms: int | None = None,
    batch: bool = False,
    order: Callable[..., Order] = Order,
    progress: Progress = silent,
) -> Rebuild:
    """Make the profiles again, on `replay.<run>.content.profile.v1`; see `rebuild_job`.

    `order` makes the order, for one with other resources than the default's. Raises ServiceError
    where the job fails.
    """
    topic = replay_topic(checked_name(run), PROFILES)
    options = {"run": run, "from_ms": from_ms, "to_ms": to_ms, "batch": batch}
    wanted = order(kind="rebuild", options=options)
    make_topic(settings, topic)
    prepare(settings, wanted, progress)
    started = time.monotonic()
    run_to_end(settings, wanted, f"rebuild-{run}", progress)
    seconds = time.monotonic() - started
    rebuilt = standing(settings, topic, progress)
    whole = from_ms is None and to_ms is None
    return Rebuild(
        run=run,
        topic=topic,
        seconds=seconds,
        profiles=len(rebuilt),
        agreement=agreement(standing(settings, PROFILES, progress), rebuilt) if whole else None,
    )


def make_topic(settings: Settings, topic: str) -> None:
    """Make the topic of a run where it is missing; it goes with time, as those of replays do."""
    made = Topic(name=topic, config=COMMON | KEPT)
    make_topics(settings.kafka, [made], partitions=settings.kafka.partitions)


def run_to_end(settings: Settings, order: Order, name: str, progress: Progress = silent) -> None:
    """Run a bounded job until it has ended; one that dies begins again, and had committed nothing.

    Raises ServiceError where it does not end well. Whoever gives up waiting leaves a cluster's job
    to the cluster.
    """
    folder = JobFolder(settings.state_folder, name)
    log = settings.state_folder / "flink" / "log" / f"{name}.log"
    for _ in range(ATTEMPTS):
        driver = Child(name, command_of(order), log=log, environment=environment(settings))
        driver.start()
        try:
            while driver.alive:
                progress(name, 0, None)
                time.sleep(POLL_S)
        finally:
            driver.stop()
        if driver.status == 0 and (order.cluster is None or _finished(folder, progress)):
            folder.tidy(None)  # what is over has nothing to go on from
            return
        if driver.status in HOPELESS:
            break
    raise ServiceError(f"{name}: {tail(log)}")


def _finished(folder: JobFolder, progress: Progress) -> bool:
    """Whether the job that a cluster was given has ended well, once it has ended."""
    note = folder.read()
    if note is None:
        raise ServiceError(f"{folder.name}: was stopped")
    state = await_end(note, progress)
    folder.forget()
    if state == "CANCELED":
        raise ServiceError(f"{folder.name}: was cancelled")
    return state == "FINISHED"


def await_end(note: JobNote, progress: Progress = silent) -> str:
    """The state in which a cluster's job ends; ServiceError where the cluster falls silent."""
    rest, heard = Rest(note.url), time.monotonic()
    while True:
        try:
            state, heard = rest.status(note.job_id), time.monotonic()
            if state in ENDED:
                return state
        except ServiceError:
            if time.monotonic() - heard > SILENCE_S:
                raise
        progress(note.name, 0, None)
        time.sleep(ASK_S)
