"""Kills the profile job amid work, and proves that its profiles are right all the same."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from earmark.models.error import ServiceError
from earmark.processors.schema import ITEMS
from earmark.streams.flink.catalogue import Catalogue, catalogue
from earmark.streams.flink.order import Order
from earmark.streams.flink.process import JobProcess
from earmark.streams.flink.rebuild import rebuild
from earmark.streams.flink.standing import ProfileReader
from earmark.streams.local.report import Report, unreported
from earmark.streams.settings import Settings
from earmark.streams.topic import signal_topics

PER_ITEM = 25  # records: each signal about once, some again
ERASED_SHARE = 0.01
QUIET_READS = 4  # in a row without a record, until what stands is looked at
SETTLED_S = 600.0

OrderOf = Callable[..., Order]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was sent, and what read_committed readers found in the end.

    `lost` are items whose profile is missing, stale or wrong by the reference in Python, `doubled`
    records that repeat the one before. `seconds` is from the job's start to the last record that
    changed anything; `rebuilt` says by mode whether the rebuilt profiles are the live ones.
    """

    signals: int
    items: int
    kills: int
    profiles: int
    records: int
    lost: int
    doubled: int
    seconds: float
    signals_per_s: float
    rebuilt: Mapping[str, bool]

    @property
    def holds(self) -> bool:
        """Whether nothing is lost, nothing doubled, and what was rebuilt is the same."""
        return not self.lost and not self.doubled and all(self.rebuilt.values())


def prove(
    settings: Settings,
    *,
    signals: int,
    kills: int,
    order: OrderOf = Order,
    seed: int = 7,
    report: Report = unreported,
) -> Proof:
    """Send so many signals of made items, kill the job so often meanwhile, and look.

    Without kills all is sent before the job starts, so that its rate is that of catching up, start
    included.
    """
    job = JobProcess(order(kind="profile"), settings, log_dir=settings.state_folder / "flink/log")
    try:
        with catalogue(settings) as made, ProfileReader(settings) as reader:
            sent = _sent(made, signals, random.Random(seed))  # noqa: S311 - made data
            started = time.time()
            if kills:
                job.start()
            _spread(sent, signals, kills, job, report)
            made.flush()
            report(f"{signals:,} signals of {len(made.items):,} items sent")
            if not kills:
                started = time.time()
                job.launch()
            lost = _lost(made, reader, report)
            seconds = reader.last_ms / 1000 - started
            report(f"settled after {seconds:.1f} s: {lost} profiles lost, {reader.doubled} doubled")
            rebuilt = {
                mode: _same(settings, mode, order, report) for mode in ("streaming", "batch")
            }
            return Proof(
                signals=signals,
                items=len(made.items),
                kills=kills,
                profiles=len(reader.standing()),
                records=reader.records,
                lost=lost,
                doubled=reader.doubled,
                seconds=round(seconds, 1),
                signals_per_s=round(signals / seconds),
                rebuilt=rebuilt,
            )
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


def _same(settings: Settings, mode: str, order: OrderOf, report: Report) -> bool:
    try:
        done = rebuild(settings, f"proof-{mode}", batch=mode == "batch", order=order)
    except ServiceError as error:
        report(str(error))
        return False
    report(f"{mode}: {done.profiles:,} profiles rebuilt in {done.seconds:.1f} s")
    return done.agreement is not None and done.agreement.equal
