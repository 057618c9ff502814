"""The watchdog: ends a worker that has work and does not move, and names the stage that hangs.

Movement is counted in steps (blocks folded, records fetched, batches scored), not in offsets: an
item of three hours moves no offset for a long time and is no stall. A thread that hangs in native
code can be neither asked nor interrupted, so the process ends, and its supervisor starts another.
"""

import faulthandler
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event, Lock, Thread
from threading import enumerate as enumerate_threads
from traceback import StackSummary, walk_stack
from types import TracebackType
from typing import Self

import structlog

from earmark.streams.health import Health

log = structlog.get_logger()

EXIT_STALLED = 75  # EX_TEMPFAIL of sysexits.h: another try may well succeed
LOOK_S = 1.0  # from one look at the stages to the next
_STDERR = 2
LAST_WORDS_S = 5.0  # for the log: where that hangs too, the process ends without

# In the order of the flow. A stage waits for those after it: its limit is no shorter than theirs.
STAGES = ("poll", "fetch", "decode", "device", "publish")
PUBLISH_S = 30.0  # a transaction and its abort end within 20 s (see `publisher`)

OnStall = Callable[[str, float], None]


def limits_s(stall_s: float) -> Mapping[str, float]:
    """Seconds without a step after which each stage has stalled."""
    return dict.fromkeys(STAGES, stall_s) | {"publish": min(stall_s, PUBLISH_S)}


class Stage:
    """The work within one stage and its steps; any thread may call it, at the price of an addition.

    As a context manager it holds one piece of work for as long as the block runs.
    """

    def __init__(self, name: str, limit_s: float) -> None:
        self.name = name
        self.limit_s = limit_s
        self._lock = Lock()
        self._work = 0
        # A step that is lost between two threads does no harm: the other's has changed the count.
        self._steps = 0

    def begin(self, count: int = 1) -> None:
        """Let `count` pieces of work in; the first one to enter an idle stage is a step."""
        with self._lock:
            # not each of them: work that keeps coming in would hide that none goes out
            self._steps += self._work == 0
            self._work += count

    def end(self, count: int = 1) -> None:
        """Let `count` pieces of work out, which is a step."""
        with self._lock:
            self._work = max(0, self._work - count)
            self._steps += 1

    def moved(self) -> None:
        """Note that something was done, though nothing is finished."""
        self._steps += 1

    @property
    def work(self) -> int:
        """Pieces of work within it."""
        return self._work

    @property
    def steps(self) -> int:
        """Rises whenever it moves."""
        return self._steps

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()


class Watchdog:
    """Looks at all stages once in `look_s` seconds and calls `on_stall(stage, seconds)` for one.

    `limits_s` names the stages in the order of the flow. Where several have stalled, it is the last
    that is named: those before it only wait for it. Seconds in which this process as a whole did
    not run (it was stopped, or its machine was) are nobody's stall and are not counted.
    """

    def __init__(
        self,
        on_stall: OnStall,
        *,
        limits_s: Mapping[str, float],
        look_s: float = LOOK_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_stall = on_stall
        self._look_s = look_s
        self._clock = clock
        self._watched = [_Watched(Stage(name, limit_s)) for name, limit_s in limits_s.items()]
        self._stages = {watched.stage.name: watched.stage for watched in self._watched}
        self._frozen_s = 2 * max(limits_s.values())
        self._looked_at = clock()
        self._closing = Event()
        self._thread = Thread(target=self._run, name="watchdog", daemon=True)

    def stage(self, name: str) -> Stage:
        """The stage `name`; KeyError if `limits_s` does not name it."""
        return self._stages[name]

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """Watch no more; waits for a look that is under way. Does nothing before `start`."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """Look once; what the thread does again and again."""
        now = self._clock()
        # a look that comes late was held up together with everything that it looks at
        passed_s = min(now - self._looked_at, 2 * self._look_s)
        self._looked_at = now
        stalled = [watched for watched in self._watched if watched.stalls(passed_s)]
        if stalled:
            self._on_stall(stalled[-1].stage.name, stalled[-1].still_s)

    def _run(self) -> None:
        self._looked_at = self._clock()
        try:
            while not self._closing.wait(self._look_s):
                self._arm()
                self.look()
        finally:
            faulthandler.cancel_dump_traceback_later()

    def _arm(self) -> None:
        """Provide for native code that keeps the interpreter's lock: no thread of ours runs then.

        A regular expression can do that for hours. The timer needs no interpreter: it prints where
        each thread is and ends the process, with the one exit status that it knows, 1.
        """
        faulthandler.dump_traceback_later(self._frozen_s, exit=True, file=_STDERR)


class _Watched:
    """A stage as it was at the last look."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.still_s = 0.0
        self._steps = stage.steps

    def stalls(self, passed_s: float) -> bool:
        """Whether it has had work and not moved for its limit, `passed_s` after the last look."""
        steps = self.stage.steps
        still = self.stage.work > 0 and steps == self._steps
        self.still_s = self.still_s + passed_s if still else 0.0
        self._steps = steps
        return still and self.still_s >= self.stage.limit_s


def ending_process(health: Health) -> OnStall:
    """What a worker does on a stall: says so, in the log and in `health`, and ends at once.

    The exit status is EXIT_STALLED. Nothing is cleaned up, since whatever hangs would be waited
    for; what was not committed is done again by the next process.
    """

    def end(stage: str, seconds: float) -> None:
        speaker = Thread(target=_say, args=(health, stage, seconds), daemon=True)
        speaker.start()
        speaker.join(LAST_WORDS_S)
        os._exit(EXIT_STALLED)

    return end


def _say(health: Health, stage: str, seconds: float) -> None:
    health.failed(f"stage {stage} has work and has not moved for {seconds:.0f} s")
    log.error("stalled", stage=stage, seconds=round(seconds), threads=_threads())


def _threads() -> dict[str, str]:
    """Where each thread is, by its name: file, line and function, the innermost last; no values.

    Not by faulthandler: it keeps the interpreter's lock while it writes, and a log that hangs
    would keep this process from its end.
    """
    names = {thread.ident: thread.name for thread in enumerate_threads()}
    return {
        names.get(ident) or str(ident): " > ".join(
            f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
            for frame in reversed(StackSummary.extract(walk_stack(top), lookup_lines=False))
        )
        for ident, top in sys._current_frames().items()
    }
