"""`worker_mix[...]`: the whole worker through Kafka on a mix, beside its limit: the models alone.

The clock runs from the first event sent to the last one committed: producing, consuming, fetching,
decoding, scoring, encoding and the transactions are all in it. The limit (see `limit`) makes all
signals of the same items in this process, of inputs decoded before the clock runs: with the same
meters and models, side by side on all cores, and nothing else to do. `ratio_to_models_in_turn` is
over the same work as a plain loop does it, one model after the other with all cores.

What bounds it on two cores: the limit alone fills both, with 34.8 core-seconds in 17.5 s for 366 s
of voice clips. Decoding (1.1), the broker (1.1) and the producer (0.6) come on top, so that 0.93 is
the most that could be; the worker takes 36 for the same models, since a batch of one takes longer
beside other work, and a burst begins and ends with thin batches. The device waits for nothing.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from itertools import count, pairwise

from earmark.models.device import available_cores
from earmark.processors.content import ContentEvent
from earmark.streams.bench.limit import Limit
from earmark.streams.bench.mix import Mix, events, recorded
from earmark.streams.bench.plan import QUICK_SHARE, Plan
from earmark.streams.bench.rate import Work, timed, torch_threads
from earmark.streams.bench.row import Goal, Row, row_of_turns
from earmark.streams.bench.series import Series
from earmark.streams.bench.served import Served, group_of, served
from earmark.streams.bench.worker_rows import media_of

# at least; the last two end with the first podcast, whose twenty minutes are not long for a worker
AUDIO_S = {Mix.MUSIC: 1_440.0, Mix.PODCAST: 1_200.0, Mix.VOICE: 720.0, Mix.BLEND: 1_300.0}
LEAST_S = 90.0  # of a quick run
REPETITIONS = 2  # of minutes each
GOAL = 0.92
LOOK_S = 1.0  # from one look at the worker to the next
_BUSY = "earmark_device_busy_seconds_total"
_QUEUED = "earmark_queue_bytes"

Items = Callable[[str], Sequence[ContentEvent]]  # of a run, which names them


def worker_mix(plan: Plan, mix: Mix) -> Row:
    """Seconds of audio answered per second."""
    audio_s = max(LEAST_S, AUDIO_S[mix] / (QUICK_SHARE if plan.quick else 1))
    whole_s = sum(each.seconds for each in recorded(mix, plan.recordings, seconds=audio_s))

    def items(run: str) -> Sequence[ContentEvent]:
        return events(mix, plan.recordings, run=run, seconds=audio_s)

    look = _Look()
    ours, limit, in_turn_s = _timed(plan, mix, items, look)
    figures = ([whole_s / each for each in times] for times in (ours, limit))
    return row_of_turns(
        "worker_mix",
        *figures,
        unit="x real time",
        against="meters and models alone, decoded before",
        goal=Goal(on="ratio", op=">=", x=GOAL),
        details={
            "audio_s": whole_s,
            "device_busy_share": look.busy_share,
            "ratio_to_models_in_turn": in_turn_s / statistics.median(ours),
        },
        series=(look.series(mix),),
    )


def _timed(
    plan: Plan, mix: Mix, items: Items, look: "_Look"
) -> tuple[list[float], list[float], float]:
    """The worker's seconds, the limit's, and those of its work in turn."""
    runs = count()
    pipeline = plan.pipeline()
    pipeline.warm_up()
    sample = items("baseline")
    limit = Limit(pipeline, sample, media_of(sample))
    settings = group_of(plan, f"mix-{mix}", signals=(), protocol="classic")
    with served(plan, settings) as worker, torch_threads(available_cores()):
        ours, alone = timed(
            Work(
                prepare=lambda: look.begin(worker),
                run=lambda: look.to_the_end(items(f"{mix}-{next(runs)}")),
                amount=1,
            ),
            Work(run=limit.run, amount=1),
            repetitions=plan.repeated(REPETITIONS),
        )
        began = time.perf_counter()
        limit.in_turn()
        return ours, alone, time.perf_counter() - began


class _Look:
    """What the worker said of itself in the latest run."""

    def begin(self, worker: Served) -> None:
        """A run begins."""
        self._worker = worker
        self._began_s = time.monotonic()
        self._seen = [(0.0, worker.reading(_BUSY), 0.0)]

    def to_the_end(self, items: Sequence[ContentEvent]) -> None:
        """Let the worker answer the items, and look at it all the while."""
        self._worker.answer(items, watch=self._look, anew=True)
        self._note()  # what it computes is counted when a batch is through

    def _look(self) -> None:
        if time.monotonic() - self._began_s - self._seen[-1][0] >= LOOK_S:
            self._note()

    def _note(self) -> None:
        at_s = time.monotonic() - self._began_s
        busy_s, queued = self._worker.reading(_BUSY), self._worker.reading(_QUEUED)
        self._seen.append((at_s, busy_s, queued / 1e6))

    @property
    def busy_share(self) -> float:
        """For how much of the run the device had work that it was doing, in [0, 1]."""
        (first_s, before_s, _), (last_s, after_s, _) = self._seen[0], self._seen[-1]
        return (after_s - before_s) / (last_s - first_s) if last_s > first_s else 0.0

    def series(self, mix: Mix) -> Series:
        """How busy the device was, second by second, and how much waited for it."""
        shares = [
            (at_s, min(1.0, (busy_s - before_s) / (at_s - before_at_s)))
            for (before_at_s, before_s, _), (at_s, busy_s, _) in pairwise(self._seen)
        ]
        queued = [(at_s, megabytes) for at_s, _, megabytes in self._seen]
        return Series(
            kind="line",
            title=f"the worker on {mix}",
            x="seconds",
            y="share of a second; megabytes",
            lines={"device busy": shares, "waiting, MB / 100": [(s, mb / 100) for s, mb in queued]},
        )
