"""Recordings to 16 kHz mono: `decode`, and `decode_metered` with what is measured on the way.

Ours is the pool of decode processes as the worker has it, one process per core, fed with mp3 files
of a minute; what crosses the pipe from it is counted. The baseline is PyAV in this process.

What bounds it: of a decode process's time the mp3 codec takes 45 %, another 40 % goes into taking
frames of 26 ms from it one by one and regrouping them, the rest into downmix and resampling. The
meters double it, loudness taking seven parts of their time, integrity one.
"""

import queue
from collections.abc import Callable, Sequence
from pathlib import Path

from earmark.models.device import available_cores
from earmark.models.error import ServiceError
from earmark.processors.block import SAMPLE_RATE_HZ, Block
from earmark.streams.bench.corpus import audio_events, mp3, programme
from earmark.streams.bench.ffmpeg import decode_plainly, ebur128
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import Work, rates
from earmark.streams.bench.row import Goal, Row, row_of_turns
from earmark.streams.decoding import DecodePool
from earmark.streams.fetch import Media
from earmark.streams.synthesiser import RATE_HZ

FILES = 32
BASELINE_FILES = 4
MINUTE_S = 60
STALLED_S = 120.0
METERS = ("audio.integrity", "audio.loudness")


def decode(plan: Plan) -> Row:
    """Seconds of mp3 decoded per second, on all cores, nothing measured on the way."""
    files = minutes(plan, plan.scaled(FILES))
    figures = _rates(plan, files, (), lambda: _each(decode_plainly, files[:BASELINE_FILES]))
    return row_of_turns(
        "decode",
        *figures,
        unit="x real time, mp3",
        against="PyAV frame by frame, one process",
        goal=Goal(on="ratio", op=">=", x=1.9),
    )


def decode_metered(plan: Plan) -> Row:
    """Seconds of mp3 decoded per second, integrity and loudness measured on the way."""
    files = minutes(plan, plan.scaled(FILES))
    samples_CT = programme(MINUTE_S)

    def plainly(file: Path) -> None:
        decode_plainly(file)
        ebur128(samples_CT, RATE_HZ)

    figures = _rates(plan, files, METERS, lambda: _each(plainly, files[:BASELINE_FILES]))
    return row_of_turns(
        "decode_metered",
        *figures,
        unit="x real time, mp3",
        against="PyAV frame by frame and FFmpeg's ebur128, one process",
    )


def minutes(plan: Plan, count: int) -> list[Path]:
    """So many mp3 files of a minute each, stereo at 44.1 kHz."""
    recording = mp3(programme(MINUTE_S))
    files = [plan.folder / f"minute-{number}.mp3" for number in range(count)]
    for file in files:
        file.write_bytes(recording)
    return files


def _rates(
    plan: Plan, files: Sequence[Path], meters: Sequence[str], theirs: Callable[[], None]
) -> tuple[list[float], list[float]]:
    pool = DecodePool(available_cores(), meters=meters)
    seconds = [float(MINUTE_S)] * len(files)
    try:
        return rates(
            Work(run=lambda: through(pool, files, seconds), amount=sum(seconds)),
            Work(run=theirs, amount=len(files[:BASELINE_FILES]) * MINUTE_S),
            repetitions=plan.repetitions,
        )
    finally:
        pool.close()


def through(pool: DecodePool, files: Sequence[Path], seconds: Sequence[float]) -> None:
    """Decode all files in the pool; raises ServiceError if less comes out than their seconds."""
    blocks: queue.SimpleQueue[Block] = queue.SimpleQueue()
    for event, file in zip(audio_events(files, run="decode"), files, strict=True):
        pool.submit(event, Media(content=file), blocks.put)
    samples = ended = 0
    while ended < len(files):
        block = blocks.get(timeout=STALLED_S)
        samples += len(block.samples_T)
        ended += block.end is not None
    if samples < (sum(seconds) - len(files)) * SAMPLE_RATE_HZ:
        raise ServiceError(f"decoded {samples / SAMPLE_RATE_HZ:.0f} s of {sum(seconds):.0f}")


def _each(work: Callable[[Path], object], files: Sequence[Path]) -> None:
    for file in files:
        work(file)
