"""A corpus for `audio.scene` from nothing: speech read, music played, noise made; all by a seed.

    python -m earmark.streams.training.corpus FOLDER --texts TEXTS --sound-font FILE

writes `FOLDER/manifest.jsonl` and the recordings in it (WAV, 16 kHz, mono). It calls `espeak-ng`,
`flite` and `fluidsynth`, which have to be installed. TEXTS is a manifest whose rows have `text` and
`labels.bcp47`. The licence of what comes out is that of the texts and of the sound font.
"""

import json
import shutil
import tempfile
import wave
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from earmark.models.error import EarmarkError
from earmark.processors.error import ConfigurationError
from earmark.streams.evaluation.manifest import Row
from earmark.streams.training.composition import some_parts, tune
from earmark.streams.training.instrument import perform
from earmark.streams.training.manifest import recording, write_manifest
from earmark.streams.training.midi import midi_file, play
from earmark.streams.training.noise import RATE_HZ, Wave, noise, normed
from earmark.streams.training.reading import read_by_espeak, read_by_flite

PIECE_S = 14.0
PIECES_PER_FILE = 8  # FluidSynth loads its sound font once for so many

Texts = dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How many recordings of each kind."""

    espeak: int = 500
    flite: int = 150
    fluidsynth: int = 320
    instruments: int = 160
    noise: int = 400


def synthesise(
    folder: Path, texts: Texts, sound_font: Path, *, amounts: Amounts, seed: int
) -> list[Row]:
    """Fill the folder with recordings; their rows. The same for the same seed and tools."""
    rows: list[Row] = []
    for number, make in enumerate((_read, _played, _performed, _noises)):
        random = np.random.default_rng((seed, number))
        rows += make(folder, random, amounts, texts, sound_font)
    write_manifest(folder / "manifest.jsonl", rows)
    return rows


def _read(
    folder: Path, random: np.random.Generator, amounts: Amounts, texts: Texts, _: Path
) -> Iterator[Row]:
    for number in range(amounts.espeak):
        path = folder / f"espeak-{number}.wav"
        voice = read_by_espeak(random, texts, path)
        yield _row(path, "speech", "espeak-ng", voice)
    for number in range(amounts.flite):
        path = folder / f"flite-{number}.wav"
        voice = read_by_flite(random, texts["en"], path)
        yield _row(path, "speech", "flite", voice)


def _played(
    folder: Path, random: np.random.Generator, amounts: Amounts, _: Texts, sound_font: Path
) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as scratch:
        midi, wav = Path(scratch) / "pieces.mid", Path(scratch) / "pieces.wav"
        for first in range(0, amounts.fluidsynth, PIECES_PER_FILE):
            pieces = [
                (number * PIECE_S, tune(random, PIECE_S - 2, some_parts(random)))
                for number in range(min(PIECES_PER_FILE, amounts.fluidsynth - first))
            ]
            midi.write_bytes(midi_file(pieces, random))
            play(midi, sound_font, wav)
            samples_T = recording(wav).astype(np.float64)
            for number, (start_s, notes) in enumerate(pieces):
                path = folder / f"fluidsynth-{first + number}.wav"
                start = int(start_s * RATE_HZ)
                _write(path, normed(samples_T[start : start + int(PIECE_S * RATE_HZ)]))
                parts = " ".join(sorted({note.part for note in notes}))
                yield _row(path, "music", "fluidsynth", parts)


def _performed(
    folder: Path, random: np.random.Generator, amounts: Amounts, _: Texts, __: Path
) -> Iterator[Row]:
    for number in range(amounts.instruments):
        path = folder / f"instruments-{number}.wav"
        notes = tune(random, PIECE_S, some_parts(random))
        _write(path, perform(random, notes, PIECE_S))
        parts = " ".join(sorted({note.part for note in notes}))
        yield _row(path, "music", "instruments", parts)


def _noises(
    folder: Path, random: np.random.Generator, amounts: Amounts, _: Texts, __: Path
) -> Iterator[Row]:
    for number in range(amounts.noise):
        path = folder / f"noise-{number}.wav"
        kind, wave_T = noise(random, PIECE_S)
        _write(path, normed(wave_T))
        yield _row(path, "noise", "noise", kind)


def _row(path: Path, label: str, source: str, kind: str) -> Row:
    labels = {"class": label, "kind": kind}
    return Row(
        id=path.stem,
        kind="sound",
        path=Path(path.name),
        labels=labels,
        source=source,
        licence="synthesised",
    )


def _write(path: Path, wave_T: Wave) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((0.9 * 32_767 * wave_T).astype("<i2").tobytes())


def read_texts(path: Path) -> Texts:
    """The texts of a manifest by language; raises ConfigurationError."""
    texts: Texts = defaultdict(list)
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            texts[str(row["labels"]["bcp47"])].append(str(row["text"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path}: not a manifest of texts: {error}") from error
    if "en" not in texts:
        raise ConfigurationError(f"{path}: no English text in it")
    return dict(texts)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--texts", required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--sound-font", required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--seed", default=1, show_default=True)
def main(folder: Path, texts: Path, sound_font: Path, seed: int) -> None:
    """Synthesise speech, music and noise into FOLDER."""
    for tool in ("espeak-ng", "flite", "fluidsynth"):
        if shutil.which(tool) is None:
            raise click.UsageError(f"{tool} is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        rows = synthesise(folder, read_texts(texts), sound_font, amounts=Amounts(), seed=seed)
    except EarmarkError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"{len(rows)} recordings in {folder}")


if __name__ == "__main__":
    main()
