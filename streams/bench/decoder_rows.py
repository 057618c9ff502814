"""Decoding beside other decoders, on more cores, and by mix: `decode_cores`, `decode_by[mix]`, ...

- `decode_cores`: the pool of decode processes with one for each core, beside a pool of one.
- `decode_by[mix]`: the pool on the files of a mix, beside PyAV frame by frame in one process.
- `decode_torchcodec`, `decode_soundfile`, `decode_librosa`: one decode process of ours beside these
  in this process, to 16 kHz mono, mp3 files of a minute; skipped where they are not installed.

What bounds the pool is in `decode_rows`. Two processes fall short of twice one where this process,
which takes the samples from their pipes, shares the cores with them: it needs a tenth of a core for
each of theirs.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from earmark.models.device import available_cores
from earmark.processors.block import SAMPLE_RATE_HZ
from earmark.streams.bench.decode_rows import BASELINE_FILES, FILES, MINUTE_S, minutes, through
from earmark.streams.bench.ffmpeg import decode_plainly
from earmark.streams.bench.mix import Mix, recorded
from earmark.streams.bench.plan import QUICK_SHARE, Plan
from earmark.streams.bench.rate import Work, rates
from earmark.streams.bench.row import Goal, Row, Unmeasured, row_of_turns
from earmark.streams.decoding import DecodePool

UNIT = "x real time"
MIX_S = {Mix.MUSIC: 1_800.0, Mix.PODCAST: 2_400.0, Mix.VOICE: 400.0}

Decode = Callable[[Path], object]


def decode_cores(plan: Plan) -> Row:
    """Seconds of mp3 decoded per second, on all cores and on one."""
    cores = available_cores()
    if cores == 1:
        raise Unmeasured("there is one core")
    files = minutes(plan, plan.scaled(FILES))
    seconds = [float(MINUTE_S)] * len(files)
    with closing(DecodePool(cores)) as pool, closing(DecodePool(1)) as one:
        return _row(
            plan,
            "decode_cores",
            Work(run=lambda: through(pool, files, seconds), amount=sum(seconds)),
            Work(run=lambda: through(one, files, seconds), amount=sum(seconds)),
            against="one decode process",
            goal=Goal(on="ratio", op=">=", x=0.8 * cores),
        )


def decode_by(plan: Plan, mix: Mix) -> Row:
    """Seconds of a mix's files decoded per second."""
    share = QUICK_SHARE if plan.quick else 1
    made = recorded(mix, plan.recordings, seconds=MIX_S[mix] / share)
    files, seconds = [each.path for each in made], [each.seconds for each in made]
    with closing(DecodePool(available_cores())) as pool:
        return _row(
            plan,
            "decode_by",
            Work(run=lambda: through(pool, files, seconds), amount=sum(seconds)),
            Work(run=lambda: _each(decode_plainly, files), amount=sum(seconds)),
            against="PyAV frame by frame, one process",
        )


def decode_torchcodec(plan: Plan) -> Row:
    """Beside torchcodec, which decodes, mixes and resamples by FFmpeg's libraries.

    The extra `bench` does not bring it: without these libraries it makes transformers fail.
    """
    decoders = _imported("torchcodec.decoders")

    def decode(path: Path) -> object:
        decoder = decoders.AudioDecoder(path, sample_rate=SAMPLE_RATE_HZ, num_channels=1)
        return decoder.get_all_samples().data

    return _beside(plan, "torchcodec", decode)


def decode_soundfile(plan: Plan) -> Row:
    """Beside soundfile, with soxr's best usual quality behind it."""
    soundfile, soxr = _imported("soundfile"), _imported("soxr")

    def decode(path: Path) -> object:
        samples_TC, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        return soxr.resample(samples_TC.mean(axis=1), rate_hz, SAMPLE_RATE_HZ, quality="HQ")

    return _beside(plan, "soundfile", decode)


def decode_librosa(plan: Plan) -> Row:
    """Beside librosa, as its manual has it."""
    librosa = _imported("librosa")
    return _beside(plan, "librosa", lambda path: librosa.load(path, sr=SAMPLE_RATE_HZ)[0])


def _beside(plan: Plan, name: str, decode: Decode) -> Row:
    files = minutes(plan, plan.scaled(FILES))
    theirs = files[:BASELINE_FILES]
    _check(name, decode, theirs[0])
    with closing(DecodePool(1)) as one:
        seconds = [float(MINUTE_S)] * len(files)
        return _row(
            plan,
            f"decode_{name}",
            Work(run=lambda: through(one, files, seconds), amount=sum(seconds)),
            Work(run=lambda: _each(decode, theirs), amount=MINUTE_S * len(theirs)),
            against=f"{name}, one process",
        )


def _row(
    plan: Plan, name: str, ours: Work, baseline: Work, *, against: str, goal: Goal | None = None
) -> Row:
    figures = rates(ours, baseline, repetitions=plan.repetitions)
    return row_of_turns(name, *figures, unit=UNIT, against=against, goal=goal)


def _imported(module: str) -> Any:
    """The module; one that is not here, or lacks a library of the system, skips the row."""
    try:
        return import_module(module)
    except (ImportError, OSError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "not installed"
        raise Unmeasured(f"{module} cannot be imported: {reason}") from error


def _check(name: str, decode: Decode, path: Path) -> None:
    """A decoder that gives another length than a minute is no baseline."""
    seconds = np.asarray(decode(path)).size / SAMPLE_RATE_HZ
    if abs(seconds - MINUTE_S) > 1:
        raise Unmeasured(f"{name} gives {seconds:.1f} s of a minute")


def _each(decode: Decode, files: Sequence[Path]) -> None:
    for file in files:
        decode(file)
