"""The models alone, on a machine that has little: `python -m earmark.streams.bench.bare --help`.

For a GPU machine with torch, torchaudio, transformers and numpy, a checkout and a folder of
weights; nothing else is imported, but decoders where files are decoded. The rows are those of
`earmark bench model`, on songs of the synthesiser, the shipped speech and the texts of the mix;
nothing is decoded. With `--pipeline` they are those of `bare_pipeline`; with `--decode MIX`, of
`bare_decode`, from files. With `--pack DIR`, where there are weights, those of SIGNALS are written
to DIR in pieces that travel, and nothing is measured; `--weights` takes such a folder too.

T: samples (16 kHz, mono, float32)
"""

import json
import platform
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from itertools import count
from pathlib import Path
from tempfile import gettempdir

import click
import numpy as np
import torch

from earmark.models.device import Device, pick_device
from earmark.models.store import ModelStore
from earmark.processors.block import SAMPLE_RATE_HZ, Samples
from earmark.processors.signal import SignalSpec, Takes
from earmark.processors.threshold import shipped_thresholds
from earmark.streams.bench import bare_pipeline
from earmark.streams.bench.model_batch import given_to, measured
from earmark.streams.bench.row import Goal, Row
from earmark.streams.bench.shipped_speech import speech
from earmark.streams.bench.weight_piece import joined, packed

SONG_S = 30.0  # of which no two are alike
SONGS = 8  # which then come again, at other levels
MUSIC_GOAL = Goal(on="value", op=">=", x=20_000)


@click.command()
@click.argument("signals", nargs=-1)
@click.option("--weights", type=click.Path(path_type=Path), help="The folder of the model store.")
@click.option("--device", default="auto", show_default=True)
@click.option("--precision", default="auto", show_default=True)
@click.option("--repetitions", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--pipeline", is_flag=True, help="The pipeline of each, not the model alone.")
@click.option("--decode", "mix", help="From the files of this mix, decoded on all cores.")
@click.option("--hours", default=12.0, show_default=True, help="Of the mix to be decoded.")
@click.option("--corpus", type=click.Path(path_type=Path), help="The folder of its recordings.")
@click.option("--pack", type=click.Path(path_type=Path), help="Write the weights there, and end.")
@click.option("--quick", is_flag=True, help="On an eighth of the work.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the result here, again after each row, and do not print it.",
)
def main(
    signals: tuple[str, ...],
    weights: Path | None,
    device: str,
    precision: str,
    repetitions: int,
    pipeline: bool,
    mix: str | None,
    hours: float,
    corpus: Path | None,
    pack: Path | None,
    quick: bool,
    out: Path | None,
) -> None:
    """Measure the models of SIGNALS, by default of all whose weights are there."""
    where = pick_device(device, precision)
    store = ModelStore(weights and joined(weights), offline=True)
    if pack is not None:
        packed(store, sorted({c for spec in _asked(signals, store) for c in spec.models}), pack)
        return
    rows: list[Row] = []
    for spec in _asked(signals, store):
        try:
            if mix is not None:
                folder = corpus or Path(gettempdir()) / "earmark-mix"
                row = _decoded(spec, mix, folder, store, where, hours, repetitions)
            elif pipeline:
                row = bare_pipeline.measured(spec.name, store, where, repetitions=repetitions)
            else:
                row = _row(spec, store, where, repetitions=repetitions, share=1 / 8 if quick else 1)
        except ImportError as error:  # of a package that the model needs
            click.echo(f"{spec.name} left out: {error}", err=True)
            continue
        rows.append(row)
        click.echo(f"{row.name}: {row}", err=True)
        if out is not None:
            out.write_text(_result(rows, where, quick=quick), encoding="utf-8")
    if out is None:
        click.echo(_result(rows, where, quick=quick))


def _asked(signals: tuple[str, ...], store: ModelStore) -> Iterator[SignalSpec]:
    """The signals with a model to measure: those named, or all whose weights are here."""
    for name in signals or _built_in():
        try:
            spec = bare_pipeline.spec_of(name)
        except ImportError as error:
            click.echo(f"{name} left out: {error}", err=True)
            continue
        has_weights = all((store.root / card).is_dir() for card in spec.models)
        if spec.models and spec.takes is not Takes.METER and (signals or has_weights):
            yield spec


def _built_in() -> Iterator[str]:
    for file in sorted(files(bare_pipeline.PACKAGE).iterdir(), key=lambda file: file.name):
        kind, _, rest = file.name.removesuffix(".py").partition("_")
        if kind in ("audio", "text"):
            yield f"{kind}.{rest}"


def _decoded(
    spec: SignalSpec,
    mix: str,
    folder: Path,
    store: ModelStore,
    device: Device,
    hours: float,
    repetitions: int,
) -> Row:
    from earmark.streams.bench import bare_decode  # here: it needs decoders, which may be missing
    from earmark.streams.bench.mix import Mix

    return bare_decode.measured(
        spec.name,
        Mix(mix),
        folder,
        store,
        device,
        seconds=hours * 3600,
        repetitions=repetitions,
    )


def _row(
    spec: SignalSpec, store: ModelStore, device: Device, *, repetitions: int, share: float
) -> Row:
    scorer = spec.load(store=store, device=device, thresholds=shipped_thresholds(spec.name))
    heard, words = (_songs, "music") if spec.takes is Takes.WINDOWS else (_speech, "speech")
    given = given_to(
        spec, scorer, heard, kind=device.kind, share=share, unit=f"x real time, {words}"
    )
    row = measured(given, repetitions=repetitions)
    if spec.name == "audio.music" and device.kind == "cuda":
        return replace(row, goal=MUSIC_GOAL)
    return row


def _songs(seconds: float) -> Iterator[Samples]:
    songs = [bare_pipeline.song(number, SONG_S) for number in range(1, SONGS + 1)]
    return _until(seconds, lambda number: songs[number % SONGS])


def _speech(seconds: float) -> Iterator[Samples]:
    return _until(seconds, lambda _: speech())


def _until(seconds: float, recording: Callable[[int], Samples]) -> Iterator[Samples]:
    """Recordings, each at a level of its own, cut after so many seconds."""
    left = int(seconds * SAMPLE_RATE_HZ)
    for number in count():
        samples_T = recording(number)[:left] * np.float32(1 - 1e-4 * number)
        yield samples_T
        left -= len(samples_T)
        if left <= 0:
            return


def _result(rows: list[Row], device: Device, *, quick: bool) -> str:
    """A result file as that of `earmark bench`, as far as this machine can say."""
    on_gpu = device.kind == "cuda"
    machine = {
        "cpu": platform.processor() or platform.machine(),
        "cores": torch.get_num_threads(),
        "memory_gb": round(torch.cuda.get_device_properties(0).total_memory / 1e9) if on_gpu else 0,
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "precision": device.precision,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "load": 0.0,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {name: _version(name) for name in ("torch", "torchaudio", "transformers")},
        "settings": {"bare": True, "quick": quick},
    }
    found = {
        "machine": machine,
        "rows": [row.as_object() for row in rows],
        "baselines": {row.name: row.against for row in rows},
    }
    return json.dumps(found, indent=1) + "\n"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
