"""Kills Flink's jobs amid work, and proves that what they made is right all the same."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from earmark.processors.schema import ITEMS
from earmark.streams.flink.catalogue import Catalogue, catalogue
from earmark.streams.flink.interruption import Interruption
from earmark.streams.flink.order import Order
from earmark.streams.flink.process import JobProcess
from earmark.streams.flink.rate import Rate, rate
from earmark.streams.flink.rebuild import rebuild
from earmark.streams.flink.standing import ProfileReader
from earmark.streams.flink.stats import count_to_end
from earmark.streams.flink.tally import miscounted
from earmark.streams.local.report import Report, unreported
from earmark.streams.settings import Settings
from earmark.streams.topic import signal_topics

PER_ITEM = 25  # records: each signal about once, some again
ERASED_SHARE = 0.01
QUIET_READS = 4  # in a row without a record, until what stands is looked at
SETTLED_S = 600.0

OrderOf = Callable[..., Order]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a job that ends by itself has made, killed so often: things lost, and things doubled."""

    kills: int
    lost: int
    doubled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was sent, and what read_committed readers found in the end.

    `lost` are items whose profile is missing, stale or wrong by the reference in Python, `doubled`
    records that repeat the one before. `ended` says the same of the jobs that end by themselves:
    for rebuilds, of profiles against the live ones, for windows, of what is counted in them. `rate`
    is there where nothing was killed.
    """

    signals: int
    items: int
    kills: int
    profiles: int
    records: int
    lost: int
    doubled: int
    ended: Mapping[str, Ended]
    rate: Rate | None

    @property
    def holds(self) -> bool:
        """Whether nothing is lost and nothing doubled, by any of the jobs."""
        ended = any(each.lost or each.doubled for each in self.ended.values())
        return not (self.lost or self.doubled or ended)


def prove(
    settings: Settings,
    *,
    signals: int,
    kills: int,
    order: OrderOf = Order,
    seed: int = 7,
    report: Report = unreported,
) -> Proof:
    """Send so many signals of made items, kill each job so often meanwhile, and look.

    Without kills all is sent before the job starts, so that its rate is that of catching up, start
    included.
    """
    with catalogue(settings) as made, ProfileReader(settings) as reader:
        sent = _sent(made, signals, random.Random(seed))  # noqa: S311 - made data
        speed = None
        if kills:
            with _running(settings, order) as job:
                _spread(sent, signals, kills, job, report)
                made.flush()
                lost = _lost(made, reader, report)
        else:
            for _ in sent:
                pass
            made.flush()
            report(f"{signals:,} signals of {len(made.items):,} items sent")
            settle = partial(_lost, made, reader, report)
            lost, speed = rate(settings, order, signals, made, reader, settle, report)
        report(f"{lost} profiles lost, {reader.doubled} doubled")
        return Proof(
            signals=signals,
            items=len(made.items),
            kills=kills,
            profiles=len(reader.standing()),
            records=reader.records,
            lost=lost,
            doubled=reader.doubled,
            ended=dict(_ended(settings, kills, order, report)),
            rate=speed,
        )


@contextmanager
def _running(settings: Settings, order: OrderOf) -> Iterator[JobProcess]:
    job = JobProcess(order(kind="profile"), settings, log_dir=settings.state_folder / "flink/log")
    try:
        job.start()
        yield job
    finally:
        job.kill()


def _sent(made: Catalogue, signals: int, draw: random.Random) -> Iterator[None]:
    """Signals one by one: revisions of every item, its event among them; a few are erased."""
    topics = (*signal_topics(), ITEMS)
    items = [f"item-{number}" for number in range(max(1, signals // PER_ITEM))]
    for number in range(signals):
        item, topic = draw.choice(items), draw.choice(topics)
        if draw.random() < ERASED_SHARE:
            made.remove(topic, item)
        else:
            made.put(topic, item, revision=number)
        yield


def _spread(
    sent: Iterator[None], signals: int, kills: int, job: JobProcess, report: Report
) -> None:
    """Send them all, the kills spread over them evenly; each waits until the job reads again."""
    every = signals // (kills + 1) + 1
    for number, _ in enumerate(sent):
        if number and number % every == 0:
            job.child.wait_until(job.is_ready, SETTLED_S)
            job.kill()
            report(f"killed after {number:,} signals")
            job.launch()


def _lost(made: Catalogue, reader: ProfileReader, report: Report) -> int:
    """How many profiles are not what they should be, when nothing comes any more."""
    wanted = made.wanted()
    deadline = time.monotonic() + SETTLED_S
    lost, quiet = len(wanted), 0
    while lost and time.monotonic() < deadline:
        quiet = 0 if reader.read() else quiet + 1
        if quiet and quiet % QUIET_READS == 0:
            standing = reader.standing()
            lost = sum(
                standing.get(item) != wanted.get(item) for item in wanted.keys() | standing.keys()
            )
            report(f"{reader.records:,} records, {lost:,} profiles to come")
    return lost


def _ended(
    settings: Settings, kills: int, order: OrderOf, report: Report
) -> Iterator[tuple[str, Ended]]:
    """What the jobs that end by themselves make, each killed so often."""
    jobs = {
        "rebuild": partial(_rebuilt, settings, order, batch=False),
        "rebuild in batch mode": partial(_rebuilt, settings, order, batch=True),
        "stats": partial(_counted, settings, order),
    }
    for name, job in jobs.items():
        made = job(kills)
        report(f"{name}: {made.kills} kills, {made.lost} lost, {made.doubled} doubled")
        yield name, made


def _rebuilt(settings: Settings, order: OrderOf, kills: int, *, batch: bool) -> Ended:
    """Profiles made again: those that are not the live ones, and records that repeat others."""
    run = f"proof-{'batch' if batch else 'streaming'}"
    with Interruption(settings, f"rebuild-{run}", kills) as interruption:
        done = rebuild(settings, run, batch=batch, order=order)
    with ProfileReader(settings, done.topic) as reader:
        while reader.read():
            pass
        doubled = reader.doubled
    differing = done.agreement.differing if done.agreement else 0
    return Ended(kills=interruption.done, lost=differing, doubled=doubled)


def _counted(settings: Settings, order: OrderOf, kills: int) -> Ended:
    """Windows of all signals: what was not counted in them, and what more than once."""
    with Interruption(settings, "stats-proof", kills) as interruption:
        topic = count_to_end(settings, "proof", order=order)
    names = [each.removeprefix("signals.").removesuffix(".v1") for each in signal_topics()]
    found = miscounted(settings, topic, names)
    return Ended(kills=interruption.done, lost=found.lost, doubled=found.doubled)
