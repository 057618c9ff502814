"""`decoded[signal, mix]`: recordings of a mix from their files to outcomes, decoded on all cores.

Each core decodes in a process of its own and takes the next recording, the longest first, when it
is done with one. Minutes lie in memory that both sides see, a few of each process: these run on
while the device is busy, and no further. Beside it the same pipeline decodes in its own process, as
many recordings at a time. `details` say what decoding alone reaches on all cores.

A recording is decoded on one core: those that would hold one when the others have nothing left,
of the podcasts, are left out.

S: slots, T: samples
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from ctypes import c_float
from dataclasses import dataclass
from itertools import count, cycle
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Semaphore
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np

from earmark.models.device import Device, available_cores
from earmark.models.store import ModelStore
from earmark.processors.block import BLOCK_SAMPLES, Block, End, Samples
from earmark.processors.content import ContentEvent
from earmark.processors.decode import decode
from earmark.processors.pipeline import Pipeline, interleaved
from earmark.streams.bench.bare_pipeline import GOALS, loaded
from earmark.streams.bench.mix import SEED, TURN, Mix, Recorded, Shelf, event_of
from earmark.streams.bench.mix_recording import PODCAST_S, SONG_S, VOICE_S, podcast_seconds
from earmark.streams.bench.rate import Work, rates, torch_threads
from earmark.streams.bench.row import Goal, Row, row_of_turns

BASELINE_S = 1_200.0  # of audio, at least: in one process it takes the longer
SLOT_BLOCKS = 6  # a minute at once: what is said about it costs as much as about a second
SLOTS = 8  # minutes that each process may be ahead: a batch of the device's takes about as many
NICE = 10  # decoding gives way to the thread that scores
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
    made = recordings(mix, folder, seconds, processes=cores)
    heard = [event_of(each, number, "bare") for number, each in enumerate(made)]
    whole_s = sum(each.seconds for each in made)
    some_s, some = _share(made, heard)
    pipeline = loaded(name, store, device)
    with Decoders(cores) as decoders, torch_threads(max(1, cores // 4)):
        alone_s = decoders.seconds(heard)
        figures = rates(
            Work(run=lambda: _score(pipeline, decoders.blocks(heard)), amount=whole_s),
            Work(run=lambda: _score(pipeline, _here(some)), amount=some_s),
            repetitions=repetitions,
        )
    goal = GOALS.get(name) if device.kind == "cuda" else None
    return row_of_turns(
        f"decoded[{name}, {mix}]",
        *figures,
        unit="x real time",
        against="decoded in the process that scores",
        goal=None if goal is None else Goal(on="value", op=">=", x=goal),
        details={
            "recordings": float(len(heard)),
            "hours": whole_s / 3600,
            "longest_s": made[0].seconds,
            "processes": float(cores),
            "decoding_alone_x": whole_s / alone_s,
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lane:
    """One process that decodes, as this side has it."""

    pipe: "Connection[Any, Any]"
    room_ST: Samples
    free: Semaphore

    def taken(self, slot: int, length: int) -> Samples:
        """What lies in that slot, which is free then."""
        samples_T: Samples = self.room_ST[slot, :length].copy()
        self.free.release()
        return samples_T


class Decoders:
    """Processes that decode recordings; ready when the block is entered, gone when it is left."""

    def __init__(self, processes: int) -> None:
        self._context = get_context("spawn")  # CUDA does not outlive a fork
        self._processes = processes
        self._next: Synchronized[int] = self._context.Value("i", 0)
        self._lanes: list[_Lane] = []
        self._stack = ExitStack()

    def __enter__(self) -> "Decoders":
        self._lanes = [self._started() for _ in range(self._processes)]
        for lane in self._lanes:
            lane.pipe.recv()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def blocks(self, heard: Sequence[ContentEvent]) -> Iterator[Block]:
        """The blocks of all events, each event's in order; the first of the events come first."""
        self._next.value = 0
        lanes = {lane.pipe: lane for lane in self._lanes}
        for pipe in lanes:
            pipe.send(list(heard))
        while lanes:
            for ready in wait(list(lanes)):
                pipe = cast("Connection[Any, Any]", ready)  # as all that it was given
                part = pipe.recv()
                if part is None:
                    del lanes[pipe]
                    continue
                number, slot, length, end = part
                yield from _blocks(heard[number], lanes[pipe].taken(slot, length), end)

    def seconds(self, heard: Sequence[ContentEvent]) -> float:
        """How long decoding takes by itself."""
        begin = perf_counter()
        for _ in self.blocks(heard):
            pass
        return perf_counter() - begin

    def _started(self) -> _Lane:
        room = self._context.RawArray(c_float, SLOTS * SLOT_BLOCKS * BLOCK_SAMPLES)
        free = self._context.Semaphore(SLOTS)
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_child, args=(theirs, self._next, room, free), daemon=True
        )
        process.start()
        theirs.close()
        self._stack.callback(process.join)
        self._stack.callback(process.terminate)  # it may wait for a slot
        self._stack.callback(ours.close)
        return _Lane(pipe=ours, room_ST=_slots(room), free=free)


def _child(
    pipe: "Connection[Any, Any]", shared: "Synchronized[int]", room: Any, free: Semaphore
) -> None:
    """Decode what is left of each list that comes, until the pipe is closed."""
    os.nice(NICE)
    room_ST, slots = _slots(room), cycle(range(SLOTS))
    pipe.send(None)
    while True:
        try:
            ordered: list[ContentEvent] = pipe.recv()
        except EOFError:
            return
        while (number := _take(shared)) < len(ordered):
            for samples_T, end in _minutes(decode(ordered[number], _file(ordered[number]))):
                free.acquire()
                slot = next(slots)
                room_ST[slot, : len(samples_T)] = samples_T
                pipe.send((number, slot, len(samples_T), end))
        pipe.send(None)


def _slots(room: Any) -> Samples:
    return np.frombuffer(room, np.float32).reshape(SLOTS, -1)


def _minutes(blocks: Iterator[Block]) -> Iterator[tuple[Samples, End | None]]:
    """What was decoded, as much at once as a slot holds."""
    held: list[Samples] = []
    for block in blocks:
        held.append(block.samples_T)
        if block.end is not None or len(held) == SLOT_BLOCKS:
            yield np.concatenate(held), block.end
            held = []


def _blocks(event: ContentEvent, samples_T: Samples, end: End | None) -> Iterator[Block]:
    """A minute in blocks again."""
    last = max(0, len(samples_T) - 1) // BLOCK_SAMPLES * BLOCK_SAMPLES
    for at in range(0, last + 1, BLOCK_SAMPLES):
        part_T = samples_T[at : at + BLOCK_SAMPLES]
        yield Block(event=event, samples_T=part_T, end=end if at == last else None)


def _take(shared: "Synchronized[int]") -> int:
    with shared.get_lock():
        shared.value += 1
        return shared.value - 1


def _here(heard: Sequence[ContentEvent]) -> Iterator[Block]:
    return interleaved(decode(event, _file(event)) for event in heard)


def _score(pipeline: Pipeline, blocks: Iterator[Block]) -> None:
    for _ in pipeline.score(blocks):
        pass


def _share(
    made: Sequence[Recorded], heard: Sequence[ContentEvent]
) -> tuple[float, list[ContentEvent]]:
    """The shortest of the recordings, `BASELINE_S` or little more, and their seconds."""
    total, some = 0.0, []
    for each, event in zip(reversed(made), reversed(heard), strict=True):
        total += each.seconds
        some.append(event)
        if total >= BASELINE_S:
            break
    return total, some


def _file(event: ContentEvent) -> Path:
    return Path(url2pathname(urlsplit(event.audio.uri or "").path if event.audio else ""))


def recordings(mix: Mix, folder: Path, seconds: float, *, processes: int) -> list[Recorded]:
    """About so many seconds of the mix, the longest first, made in several processes."""
    folder.mkdir(parents=True, exist_ok=True)
    longest_s = max(2 * PODCAST_S[0], seconds / processes / 2)
    wanted = sorted(_wanted(mix, seconds, longest_s), key=lambda each: -each[2])
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        made = [pool.submit(_make_one, folder, part, number) for part, number, _ in wanted]
    return sorted((each.result() for each in made), key=lambda each: -each.seconds)


def _make_one(folder: Path, mix: Mix, number: int) -> Recorded:
    return Shelf(folder).recording(mix, SEED, number)


def _wanted(mix: Mix, seconds: float, longest_s: float) -> Iterator[tuple[Mix, int, float]]:
    """Mix, number in its series, and seconds at least; of podcasts, none that is longer."""
    turn = [part for part in (TURN if mix is Mix.BLEND else (mix,)) if part is not Mix.TEXT]
    series = {part: _numbers(part, longest_s) for part in turn}
    total = 0.0
    while True:
        for part in turn:
            number, length_s = next(series[part])
            yield part, number, length_s
            total += length_s
            if total >= seconds:
                return


def _numbers(mix: Mix, longest_s: float) -> Iterator[tuple[int, float]]:
    for number in count():
        length_s = podcast_seconds(number) if mix is Mix.PODCAST else _LEAST_S[mix]
        if length_s <= longest_s:
            yield number, length_s
