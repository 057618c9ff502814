"""Pieces of music whose tempo, key and tuning are known, since they are made by these from a seed.

Richer than `streams/synthesiser.py`: several timbres, both modes, meters, grooves with swing and
off-beats, human timing, detuning, noise, and pieces without drums. T: samples at `RATE_HZ`
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.processors.block import Samples

RATE_HZ = 22_050
Wave = NDArray[Any]

MAJOR, NATURAL, HARMONIC = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 8, 11)
PROGRESSIONS = {  # degrees of the chords; most begin or end at home, as most music does
    "major": ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 4, 0), (0, 5, 1, 4), (0, 3, 0, 4), (5, 3, 0, 4)),
    "minor": ((0, 5, 2, 6), (0, 3, 4, 0), (0, 6, 5, 4), (0, 3, 6, 2), (0, 5, 3, 4), (0, 0, 3, 4)),
}
GROOVES = {  # beats of a bar, and sixteenths on which bass drum, snare and hi-hat sound
    "rock": (4, (0, 8, 10), (4, 12), range(0, 16, 2)),
    "floor": (4, (0, 4, 8, 12), (4, 12), range(2, 16, 4)),
    "ballad": (4, (0, 10), (8,), range(0, 16, 4)),
    "funk": (4, (0, 3, 10), (4, 12, 15), range(16)),
    "shuffle": (4, (0, 8), (4, 12), (0, 2, 4, 6, 8, 10, 12, 14)),
    "ska": (4, (0, 8), (4, 12), (2, 6, 10, 14)),
    "waltz": (3, (0,), (4, 8), range(0, 12, 2)),
    "none": (4, (), (), ()),
}
TIMBRES = ("piano", "organ", "saw", "pluck", "bell", "reed", "strings")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that a piece is made from. `tonic` is a pitch class, C = 0; `cents` shift the tuning."""

    bpm: float
    tonic: int
    mode: str
    cents: float = 0.0
    groove: str = "rock"
    chords: str = "piano"
    lead: str = "pluck"
    swing: float = 0.5  # where the second half of a beat begins
    noise_db: float = -60.0
    human_s: float = 0.0  # spread of the players' timing
    comping: str = "held"
    seed: int = 0


def recipe(seed: int) -> Recipe:
    """The recipe that follows from the seed, over the whole range of what there is."""
    random = np.random.default_rng(seed)
    groove = str(random.choice(list(GROOVES)))
    return Recipe(
        bpm=float(np.exp(random.uniform(np.log(60), np.log(190)))),
        tonic=int(random.integers(12)),
        mode=str(random.choice(["major", "minor"])),
        cents=float(random.uniform(-40, 40)),
        groove=groove,
        chords=str(random.choice(TIMBRES)),
        lead=str(random.choice(TIMBRES)),
        swing=float(random.uniform(0.58, 0.67)) if groove == "shuffle" else 0.5,
        noise_db=float(random.uniform(-60, -20)),
        human_s=float(random.uniform(0, 0.012)),
        comping=str(random.choice(["held", "beats", "offbeat", "arpeggio"])),
        seed=seed,
    )


def play(piece: Recipe, seconds: float = 12.0) -> Samples:
    """The piece as samples_T, its peak at 0.8."""
    random = np.random.default_rng(piece.seed + 1_000_003)
    mix_T = np.zeros(int(seconds * RATE_HZ))
    beats = GROOVES[piece.groove][0]
    bars = int(np.ceil(seconds * piece.bpm / 60 / beats))
    progressions = PROGRESSIONS[piece.mode]
    degrees = progressions[int(random.integers(len(progressions)))]
    for bar in range(bars):
        for beat, wave, gain in _bar(piece, random, degrees[bar % len(degrees)], beats):
            at_s = (bar * beats + _swung(beat, piece.swing)) * 60 / piece.bpm
            _lay(mix_T, wave, gain, at_s + random.normal(0, piece.human_s))
    level = np.sqrt(np.mean(mix_T**2)) * 10 ** (piece.noise_db / 20)
    mix_T += level * random.standard_normal(len(mix_T))
    return _levelled(mix_T)


def _levelled(mix_T: Wave) -> Samples:
    levelled_T: Samples = (0.8 * mix_T / np.abs(mix_T).max()).astype(np.float32)
    return levelled_T


Note = tuple[float, Wave, float]  # beat, wave, gain


def _bar(piece: Recipe, random: np.random.Generator, degree: int, beats: int) -> Iterator[Note]:
    yield from _drums(random, piece.groove)
    yield from _chord(piece, random, degree, beats)
    yield from _bass(piece, random, degree, beats)
    yield from _melody(piece, random, degree, beats)


def _drums(random: np.random.Generator, groove: str) -> Iterator[Note]:
    _, kicks, snares, hats = GROOVES[groove]
    for steps, drum, gain in ((kicks, _kick, 0.8), (snares, _snare, 0.5), (hats, _hat, 0.15)):
        for step in steps:
            yield step / 4, drum(random), gain * random.uniform(0.8, 1.1)


def _chord(piece: Recipe, random: np.random.Generator, degree: int, beats: int) -> Iterator[Note]:
    # the dominant of a minor key takes the leading note
    scale = _scale(piece.mode, dominant=degree == 4)
    notes = [_hz(piece, 48 + piece.tonic, scale, degree + third) for third in (0, 2, 4)]
    if piece.comping == "arpeggio":
        for step in range(2 * beats):
            yield step / 2, _tone(piece.chords, notes[(0, 1, 2, 1)[step % 4]], piece, 0.6), 0.2
        return
    starts, length = {
        "held": ((0.0,), float(beats)),
        "beats": (tuple(map(float, range(beats))), 0.9),
        "offbeat": (tuple(beat + 0.5 for beat in range(beats)), 0.4),
    }[piece.comping]
    for start in starts:
        for hz in notes:
            yield start, _tone(piece.chords, hz, piece, length), 0.12 * random.uniform(0.8, 1.1)


def _bass(piece: Recipe, random: np.random.Generator, degree: int, beats: int) -> Iterator[Note]:
    scale = _scale(piece.mode, dominant=degree == 4)
    for beat in range(beats):
        fifth = 4 if beat == 2 and random.random() < 0.5 else 0
        if beat == 0 or random.random() < 0.6:
            hz = _hz(piece, 36 + piece.tonic, scale, degree + fifth)
            yield float(beat), _tone("pluck", hz, piece, 0.9), 0.35


def _melody(piece: Recipe, random: np.random.Generator, degree: int, beats: int) -> Iterator[Note]:
    scale = _scale(piece.mode, dominant=degree == 4)
    step = 0
    while step < 2 * beats:
        length = int(random.choice([1, 1, 2, 2, 3]))
        if random.random() < 0.75:
            on_beat = step % 2 == 0
            leap = int(random.choice([0, 2, 4, 7])) if on_beat else int(random.integers(-1, 8))
            hz = _hz(piece, 60 + piece.tonic, scale, degree + leap)
            yield (
                step / 2,
                _tone(piece.lead, hz, piece, length / 2),
                0.22 * random.uniform(0.7, 1.1),
            )
        step += length


def _scale(mode: str, *, dominant: bool) -> tuple[int, ...]:
    return MAJOR if mode == "major" else HARMONIC if dominant else NATURAL


def _hz(piece: Recipe, low: int, scale: tuple[int, ...], degree: int) -> float:
    octave, step = divmod(degree, 7)
    return float(440 * 2 ** ((low + 12 * octave + scale[step] - 69 + piece.cents / 100) / 12))


def _swung(beat: float, swing: float) -> float:
    whole, part = divmod(beat, 1)
    return float(
        whole + (part * 2 * swing if part <= 0.5 else swing + (part - 0.5) * 2 * (1 - swing))
    )


@lru_cache(maxsize=512)
def _tone(timbre: str, hz: float, piece: Recipe, beats: float) -> Wave:
    """A note that is held for so many beats; the plucked ones fade on their own."""
    t = np.arange(int((beats * 60 / piece.bpm + 0.08) * RATE_HZ)) / RATE_HZ
    end = np.clip((t[-1] - t) / 0.06, 0, 1)
    falls = {"piano": (1.6, 2.5), "pluck": (1.2, 5.0), "saw": (1.0, 0.3), "strings": (1.1, 0.0)}
    if timbre == "bell":  # frequency modulation with a whole ratio
        swing = 2 * np.exp(-4 * t) * np.sin(4 * np.pi * hz * t)
        return np.asarray(np.sin(2 * np.pi * hz * t + swing) * (np.exp(-3 * t) * end))
    if timbre == "organ":
        pipes = ((1, 1), (2, 0.7), (3, 0.4), (4, 0.4), (6, 0.2), (8, 0.2))
        return np.asarray(_partials(hz * t, pipes) * (np.clip(t / 0.01, 0, 1) * end))
    if timbre == "reed":
        phase = hz * t
        odd = tuple((n, n**-1.2) for n in range(1, 12, 2))
        return np.asarray(_partials(phase, odd) * (np.clip(t / 0.03, 0, 1) * end))
    fall, decay = falls[timbre]
    attack_s = 0.09 if timbre == "strings" else 0.004
    vibrato = 0.004 * hz / (2 * np.pi * 5.5) * np.sin(2 * np.pi * 5.5 * t)
    phase = hz * t + (vibrato if timbre == "strings" else 0)
    count = max(1, min(14, int(9_000 / hz)))
    wave = _partials(phase, tuple((n, n**-fall) for n in range(1, count + 1)))
    return np.asarray(wave * np.clip(t / attack_s, 0, 1) * np.exp(-decay * t) * end)


def _partials(phase_T: Wave, partials: tuple[tuple[int, float], ...]) -> Wave:
    wave_T = np.zeros_like(phase_T)
    for number, gain in partials:
        wave_T += gain * np.sin(2 * np.pi * number * phase_T)
    return wave_T


def _kick(random: np.random.Generator) -> Wave:
    t = np.arange(int(0.25 * RATE_HZ)) / RATE_HZ
    falling = np.sin(2 * np.pi * (50 * t + 8 * (1 - np.exp(-30 * t))))
    return np.asarray(falling * np.exp(-14 * t))


def _snare(random: np.random.Generator) -> Wave:
    t = np.arange(int(0.2 * RATE_HZ)) / RATE_HZ
    body = 0.5 * np.sin(2 * np.pi * 190 * t) * np.exp(-25 * t)
    return np.asarray(body + 0.5 * random.standard_normal(len(t)) * np.exp(-20 * t))


def _hat(random: np.random.Generator) -> Wave:
    t = np.arange(int(0.05 * RATE_HZ)) / RATE_HZ
    return np.asarray(np.diff(random.standard_normal(len(t) + 1)) * np.exp(-80 * t))


def _lay(mix_T: Wave, wave_T: Wave, gain: float, at_s: float) -> None:
    start = max(int(at_s * RATE_HZ), 0)
    wave_T = wave_T[: max(len(mix_T) - start, 0)]
    mix_T[start : start + len(wave_T)] += gain * wave_T


def murmur(seed: int, seconds: float = 12.0) -> Samples:
    """Sound without pulse and key: gliding tones and bursts of noise at uneven intervals.

    About as many a second, as long and as uneven as syllables, in phrases with pauses.
    """
    random = np.random.default_rng(seed + 2_000_003)
    mix_T = np.zeros(int(seconds * RATE_HZ))
    mean_s, spread = random.uniform(0.12, 0.45), random.uniform(0.3, 0.9)
    pitch_hz, at_s = random.uniform(90, 260), random.uniform(0, 0.3)
    while at_s < seconds:
        t = np.arange(int(mean_s * random.uniform(0.6, 1.4) * RATE_HZ)) / RATE_HZ
        hz = pitch_hz * 2 ** (random.normal(0, 0.2) + random.normal(0, 0.8) * t)
        phase = np.cumsum(hz) / RATE_HZ
        voiced = _partials(phase, tuple((n, n ** -random.uniform(0.6, 1.6)) for n in range(1, 14)))
        burst = random.standard_normal(len(t)) * np.exp(-t * random.uniform(5, 60))
        swell = np.sin(np.pi * np.linspace(0, 1, len(t))) ** random.uniform(0.3, 1)
        wave = voiced * swell * 0.2 + random.uniform(0, 0.4) * burst
        _lay(mix_T, wave, float(np.exp(random.normal(0, 0.4))), at_s)
        pause_s = random.uniform(0.2, 0.8) if random.random() < 0.08 else 0.0
        at_s += mean_s * random.gamma(1 / spread**2, spread**2) + pause_s + 0.03
    mix_T += 10 ** random.uniform(-3.5, -2) * random.standard_normal(len(mix_T))
    return _levelled(mix_T)


def pieces(first_seed: int, count: int, seconds: float = 12.0) -> list[tuple[Recipe, Samples]]:
    """So many pieces with their recipes, [1, T]."""
    recipes = map(recipe, range(first_seed, first_seed + count))
    return [(made, play(made, seconds)[None]) for made in recipes]
