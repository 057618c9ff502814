"""`decoded[signal, mix]`: recordings of a mix from their files to outcomes, decoded on all cores.

Each core decodes in a process of its own and takes the next recording, the longest first, when it
is done with one; blocks come through pipes, which hold so little that nobody runs ahead of the
device. Beside it the same pipeline decodes in its own process, as many recordings at a time.
Bound by the thread that scores, not by decoding: see `details` for what decoding alone reaches.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

from earmark.models.device import Device, available_cores
from earmark.models.store import ModelStore
from earmark.processors.block import SAMPLE_RATE_HZ, Block
from earmark.processors.content import ContentEvent
from earmark.processors.decode import decode
from earmark.processors.pipeline import Pipeline, interleaved
from earmark.streams.bench.bare_pipeline import GOALS, loaded
from earmark.streams.bench.mix import SEED, TURN, Mix, Shelf, events
from earmark.streams.bench.mix_recording import SONG_S, VOICE_S, podcast_seconds
from earmark.streams.bench.rate import Work, timed
from earmark.streams.bench.row import Goal, Row, spread

BASELINE_S = 3_600.0  # of audio, at least: in one process it takes the longer
_LEAST_S = {Mix.MUSIC: SONG_S[0], Mix.VOICE: VOICE_S[0]}  # of the recordings of a mix


def measured(
    name: str,
    mix: Mix,
    folder: Path,
    store: ModelStore,
    device: Device,
    *,
    seconds: float,
    repetitions: int,
) -> Row:
    """Seconds of audio per second, from files; the recordings are made in `folder` before."""
    cores = available_cores()
    _make(mix, folder, seconds, processes=cores)
    heard = [e for e in events(mix, folder, run="bare", seconds=seconds) if e.audio is not None]
    some = _share(heard)
    pipeline = loaded(name, store, device)
    with Decoders(cores) as decoders:
        mine, theirs = timed(
            Work(run=lambda: _score(pipeline, decoders.blocks(heard)), amount=1),
            Work(run=lambda: _score(pipeline, _here(some)), amount=1),
            repetitions=repetitions,
        )
        alone, _ = timed(
            Work(run=lambda: sum(1 for _ in decoders.blocks(heard)), amount=1),
            Work(run=bool, amount=1),
            repetitions=1,
        )
        whole_s, some_s = _length(decoders.blocks(heard)), _length(_here(some))
    ours = [whole_s / taken for taken in mine]
    baseline = [some_s / taken for taken in theirs]
    goal = GOALS.get(name) if device.kind == "cuda" else None
    return Row(
        name=f"decoded[{name}, {mix}]",
        value=median(ours),
        unit="x real time",
        baseline=median(baseline),
        against="decoded in the process that scores",
        goal=None if goal is None else Goal(on="value", op=">=", x=goal),
        details=spread(ours, baseline)
        | {
            "recordings": float(len(heard)),
            "hours": whole_s / 3600,
            "processes": float(cores),
            "decoding_alone_x": whole_s / alone[0],
        },
    )


class Decoders:
    """Processes that decode recordings; while inside the block."""

    def __init__(self, processes: int) -> None:
        self._context = get_context("spawn")  # CUDA does not outlive a fork
        self._processes = processes
        self._next: Synchronized[int] = self._context.Value("i", 0)
        self._ends: list[Connection] = []
        self._stack = ExitStack()

    def __enter__(self) -> "Decoders":
        for _ in range(self._processes):
            ours, theirs = self._context.Pipe()
            process = self._context.Process(target=_child, args=(theirs, self._next), daemon=True)
            process.start()
            theirs.close()
            self._stack.callback(process.join)
            self._stack.callback(ours.close)  # by which the process learns that it may end
            self._ends.append(ours)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def blocks(self, heard: Sequence[ContentEvent]) -> Iterator[Block]:
        """The blocks of all events, each event's in order; the largest recordings come first."""
        ordered = sorted(heard, key=lambda event: -_bytes(event))
        self._next.value = 0
        for end in self._ends:
            end.send(ordered)
        open_ends: list[Any] = list(self._ends)
        while open_ends:
            for each in wait(open_ends):
                end = cast(Connection[Any, Any], each)  # as all that it was given
                part = end.recv()
                if part is None:
                    open_ends.remove(end)
                    continue
                number, samples_T, found = part
                yield Block(event=ordered[number], samples_T=samples_T, end=found)


def _child(pipe: Connection, shared: "Synchronized[int]") -> None:
    """Decode what is left of each list that comes, until the pipe is closed."""
    while True:
        try:
            ordered: list[ContentEvent] = pipe.recv()
        except EOFError:
            return
        while (number := _take(shared)) < len(ordered):
            for block in decode(ordered[number], _file(ordered[number])):
                pipe.send((number, block.samples_T, block.end))
        pipe.send(None)


def _take(shared: "Synchronized[int]") -> int:
    with shared.get_lock():
        shared.value += 1
        return shared.value - 1


def _here(heard: Sequence[ContentEvent]) -> Iterator[Block]:
    return interleaved(decode(event, _file(event)) for event in heard)


def _score(pipeline: Pipeline, blocks: Iterator[Block]) -> None:
    for _ in pipeline.score(blocks):
        pass


def _length(blocks: Iterator[Block]) -> float:
    return sum(len(block.samples_T) for block in blocks) / SAMPLE_RATE_HZ


def _share(heard: Sequence[ContentEvent]) -> list[ContentEvent]:
    """The smallest of the recordings, about as much as `BASELINE_S` in the forms of the mix."""
    some: list[ContentEvent] = []
    for event in sorted(heard, key=_bytes):
        some.append(event)
        if sum(map(_bytes, some)) >= BASELINE_S * 128_000 / 8:
            break
    return some


def _bytes(event: ContentEvent) -> int:
    return (event.audio.size_bytes or 0) if event.audio else 0


def _file(event: ContentEvent) -> Path:
    return Path(url2pathname(urlsplit(event.audio.uri or "").path if event.audio else ""))


def _make(mix: Mix, folder: Path, seconds: float, *, processes: int) -> None:
    """Write what may be needed of the series in several processes; the rest is made when asked."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = sorted(_wanted(mix, seconds), key=lambda each: -each[2])
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for mix_of, number, _ in wanted:
            pool.submit(_make_one, folder, mix_of, number)


def _make_one(folder: Path, mix: Mix, number: int) -> None:
    Shelf(folder).recording(mix, SEED, number)


def _wanted(mix: Mix, seconds: float) -> Iterator[tuple[Mix, int, float]]:
    """Mix, number in its series, and seconds at least."""
    turn = TURN if mix is Mix.BLEND else (mix,)
    numbers = dict.fromkeys(turn, 0)
    total = 0.0
    while True:
        for part in (part for part in turn if part is not Mix.TEXT):
            number = numbers[part]
            length = podcast_seconds(number) if part is Mix.PODCAST else _LEAST_S[part]
            yield part, number, length
            numbers[part] += 1
            total += length
            if total >= seconds:
                return
