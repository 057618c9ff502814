"""`start_help` and `start_worker`: how soon a command line answers, and a worker is ready.

Both start with caches warm, as processes. The baselines are an interpreter that does nothing, and
one that imports torch. What bounds the worker, on two cores: of 3.5 s of processor time until its
models are ready, 1.2 are imports (torch above all), 1.9 the models (0.9 the Whisper checkpoint,
which hears half a minute of silence once; 0.5 the tables of fastText), 0.4 the first call of each
network. To load several at a time takes 1.5 s in place of 1.75: most of it holds Python's lock, or
has both cores already.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import Work, timed
from earmark.streams.bench.row import Goal, Row, row_of_turns
from earmark.streams.bench.served import stack_of
from earmark.streams.local.worker import WorkerProcess

_NOTHING = ("-c", "pass")
_TORCH = ("-c", "import torch")
_HELP = ("-m", "earmark", "--help")


def start_help(plan: Plan) -> Row:
    """Seconds until `earmark --help` has ended."""
    return _row(plan, "start_help", _python(_HELP), _python(_NOTHING), "an empty Python", 0.3)


def start_worker(plan: Plan) -> Row:
    """Seconds until a worker of all signals is ready for events."""
    settings = stack_of(plan).settings
    plan.pull(settings.worker.signals or None)
    workers: list[WorkerProcess] = []

    def begin() -> None:
        while workers:
            workers.pop().stop()
        workers.append(WorkerProcess(settings, log_dir=plan.folder / "logs"))

    def ready() -> None:
        workers[-1].start()

    try:
        return _row(
            plan,
            "start_worker",
            ready,
            _python(_TORCH),
            "import torch",
            10.0,
            prepare=begin,
        )
    finally:
        while workers:
            workers.pop().stop()


def _row(
    plan: Plan,
    name: str,
    ours: Callable[[], object],
    baseline: Callable[[], object],
    against: str,
    most_s: float,
    *,
    prepare: Callable[[], object] = bool,
) -> Row:
    seconds = timed(
        Work(run=ours, amount=1, prepare=prepare),
        Work(run=baseline, amount=1),
        repetitions=plan.repetitions,
        clock=time.monotonic,
    )
    goal = Goal(on="value", op="<=", x=most_s)
    return row_of_turns(name, *seconds, unit="s", against=against, goal=goal)


def _python(arguments: Sequence[str]) -> Callable[[], object]:
    command = [sys.executable, *arguments]
    return partial(subprocess.run, command, check=True, stdout=subprocess.DEVNULL)
