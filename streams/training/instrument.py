"""Instruments from nothing: additive, subtractive, FM, plucked, sung, and drums.

T: samples at 16 kHz, float64
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from earmark.streams.training.composition import DRUMS, Note
from earmark.streams.training.noise import RATE_HZ, normed, shaped

Wave = NDArray[np.float64]
Random = np.random.Generator
Voice = Callable[[float, float], Wave]  # pitch in Hz and length in seconds to a note

_NYQUIST_HZ = RATE_HZ / 2
# first three formants in Hz of a, e, i, o, u; after Peterson and Barney 1952
_VOWELS = (
    (730, 1090, 2440),
    (530, 1840, 2480),
    (270, 2290, 3010),
    (570, 840, 2410),
    (300, 870, 2240),
)


def perform(random: Random, notes: Sequence[Note], seconds: float) -> Wave:
    """The notes, each part on an instrument of its own."""
    wave_T = np.zeros(int((seconds + 4) * RATE_HZ))
    for part in sorted({note.part for note in notes}):
        part_T = np.zeros_like(wave_T)
        voice = None if part == DRUMS else _voice(random)
        kit = _kit(random) if part == DRUMS else {}
        for note in (note for note in notes if note.part == part):
            sound = kit[note.pitch % len(kit)] if voice is None else voice(*_measure(note))
            at = int(note.at_s * RATE_HZ)
            part_T[at : at + len(sound)] += note.strength * sound[: len(part_T) - at]
        wave_T += random.uniform(0.25, 1.0) * normed(part_T)
    return normed(wave_T[: int(seconds * RATE_HZ)])


def _measure(note: Note) -> tuple[float, float]:
    return 440 * 2 ** ((note.pitch - 69) / 12), min(note.length_s, 6.0)


def _voice(random: Random) -> Voice:
    makers = (_additive, _subtractive, _frequency_modulated, _plucked, _sung, _additive, _plucked)
    return makers[int(random.integers(len(makers)))](random)


def _time(length_s: float) -> Wave:
    return np.arange(int(length_s * RATE_HZ) + 1) / RATE_HZ


def _envelope(t: Wave, length_s: float, *, attack_s: float, release_s: float, decay: float) -> Wave:
    rise = np.minimum(t / attack_s, 1)
    fall = np.clip((length_s + release_s - t) / release_s, 0, 1)
    envelope: Wave = rise * fall * np.exp(-decay * t)
    return envelope


def _vibrato(random: Random) -> Callable[[Wave, float], Wave]:
    """From time and pitch to the phase of a tone with this instrument's vibrato."""
    depth = float(random.choice([0, 0, 0.003, 0.008, 0.012]))
    rate_hz = random.uniform(4, 7)

    def phase(t: Wave, pitch_hz: float) -> Wave:
        sway = depth * np.minimum(t / 0.3, 1) * np.sin(2 * np.pi * rate_hz * t)
        turned: Wave = 2 * np.pi * np.cumsum(pitch_hz * (1 + sway)) / RATE_HZ
        return turned

    return phase


def _shape(random: Random) -> dict[str, float]:
    kind = random.random()
    if kind < 0.5:  # struck
        return {"attack_s": 0.003, "release_s": 0.15, "decay": random.uniform(0.8, 8)}
    return {
        "attack_s": random.uniform(0.01, 0.25),
        "release_s": random.uniform(0.05, 0.6),
        "decay": 0,
    }


def _additive(random: Random) -> Voice:
    fall, even = random.uniform(0.3, 2.2), random.choice([0.0, 1.0, 1.0])
    weights = random.uniform(0.3, 1, 20)
    stretch = float(random.choice([0, 0, 2e-4, 1e-3]))
    shape, phase = _shape(random), _vibrato(random)
    breath = float(random.choice([0, 0, 0.03, 0.1]))

    def note(pitch_hz: float, length_s: float) -> Wave:
        t = _time(length_s + shape["release_s"])
        base = phase(t, pitch_hz)
        wave = np.zeros_like(t)
        for number in range(1, 21):
            partial = number * np.sqrt(1 + stretch * number**2)
            if pitch_hz * partial > _NYQUIST_HZ:
                break
            gain = weights[number - 1] * number**-fall * (even if number % 2 == 0 else 1)
            wave += gain * np.exp(-0.15 * shape["decay"] * number * t) * np.sin(partial * base)
        wave += breath * random.standard_normal(len(t))
        return normed(wave) * _envelope(t, length_s, **shape)

    return note


def _subtractive(random: Random) -> Voice:
    detune = random.uniform(0, 0.012)
    pulse = random.choice([True, False])
    cutoff, sweep, resonance = (
        random.uniform(400, 5_000),
        random.uniform(0, 4),
        random.uniform(0, 3),
    )
    shape, phase = _shape(random), _vibrato(random)

    def note(pitch_hz: float, length_s: float) -> Wave:
        t = _time(length_s + shape["release_s"])
        wave = np.zeros_like(t)
        edge = cutoff * (1 + sweep * np.exp(-4 * t))
        for layer in (1 - detune, 1 + detune):
            base = phase(t, pitch_hz * layer)
            for number in range(1, int(min(_NYQUIST_HZ / pitch_hz, 24)) + 1, 2 if pulse else 1):
                ratio = number * pitch_hz / edge
                gain = (1 + resonance * np.exp(-np.square(8 * (ratio - 1)))) / (1 + ratio**4)
                wave += gain / number * np.sin(number * base)
        return normed(wave) * _envelope(t, length_s, **shape)

    return note


def _frequency_modulated(random: Random) -> Voice:
    ratio = float(random.choice([0.5, 1, 1, 2, 3, 1.41, 3.5, 7]))
    index, fade = random.uniform(0.3, 6), random.uniform(0, 6)
    shape, phase = _shape(random), _vibrato(random)

    def note(pitch_hz: float, length_s: float) -> Wave:
        t = _time(length_s + shape["release_s"])
        base = phase(t, pitch_hz)
        wave: Wave = np.sin(base + index * np.exp(-fade * t) * np.sin(ratio * base))
        return wave * _envelope(t, length_s, **shape)

    return note


def _plucked(random: Random) -> Voice:
    """Strings after Karplus and Strong 1983, one period of the loop at a time."""
    damping, bright = random.uniform(0.985, 0.999), random.uniform(0.3, 0.95)

    def note(pitch_hz: float, length_s: float) -> Wave:
        samples = int((length_s + 0.3) * RATE_HZ) + 1
        period = max(int(RATE_HZ / pitch_hz), 2)
        string = random.uniform(-1, 1, period)
        string = bright * string + (1 - bright) * np.roll(string, 1)
        rounds = []
        for _ in range(-(-samples // period)):
            rounds.append(string)
            string = damping * (0.5 + 0.45 * bright) * string + damping * (0.5 - 0.45 * bright) * (
                np.roll(string, 1)
            )
        wave: Wave = np.concatenate(rounds)[:samples]
        fade = np.clip((samples - np.arange(samples)) / (0.05 * RATE_HZ), 0, 1)
        return wave * fade

    return note


def _sung(random: Random) -> Voice:
    """A voice that sings a vowel on each note, with vibrato; no words."""
    size, breath = random.uniform(0.85, 1.25), random.uniform(0, 0.05)
    vibrato, octave = _vibrato(random), float(random.choice([0.5, 1, 1]))

    def note(pitch_hz: float, length_s: float) -> Wave:
        t = _time(length_s + 0.1)
        pitch_hz *= octave
        vowel = _VOWELS[int(random.integers(len(_VOWELS)))]
        base = vibrato(t, pitch_hz)
        wave = breath * random.standard_normal(len(t))
        for number in range(1, int(min(4_000 / pitch_hz, 40)) + 1):
            frequency = number * pitch_hz
            gains = [
                np.exp(-np.square((frequency - size * formant) / (60 + 0.06 * formant))) * 0.6**rank
                for rank, formant in enumerate(vowel)
            ]
            wave += (sum(gains) + 0.01) * np.sin(number * base)
        return normed(wave) * _envelope(t, length_s, attack_s=0.06, release_s=0.1, decay=0)

    return note


def _kit(random: Random) -> dict[int, Wave]:
    """A drum for each remainder of the number in General MIDI."""
    return {number: _drum(random, number) for number in range(12)}


def _drum(random: Random, number: int) -> Wave:
    if number in {11, 0}:  # kicks: 35, 36
        t = _time(random.uniform(0.15, 0.5))
        low, drop = random.uniform(38, 65), random.uniform(2, 12)
        body: Wave = np.sin(2 * np.pi * (low * t + drop * (1 - np.exp(-30 * t))))
        return _dying(body, t, random.uniform(8, 20))
    if number in {2, 3, 4}:  # snares and claps: 38, 39, 40
        t = _time(random.uniform(0.1, 0.3))
        skin: Wave = np.sin(2 * np.pi * random.uniform(150, 260) * t)
        wires = _dying(shaped(random, len(t), slope=0.0), t, random.uniform(12, 30))
        return random.uniform(0.2, 0.7) * _dying(skin, t, 25) + wires
    if number in {6, 8, 10}:  # hats: 42, 44, 46
        t = _time(random.uniform(0.03, 0.35))
        return _dying(0.5 * shaped(random, len(t), slope=-1.5), t, random.uniform(15, 90))
    t = _time(random.uniform(0.2, 1.0))  # toms, bells, cymbals
    tone = np.sin(2 * np.pi * np.exp(random.uniform(np.log(70), np.log(900))) * t)
    mixed: Wave = tone + random.uniform(0, 1) * shaped(random, len(t), slope=-0.5)
    return _dying(mixed, t, random.uniform(4, 15))


def _dying(wave: Wave, t: Wave, per_second: float) -> Wave:
    faded: Wave = wave * np.exp(-per_second * t)
    return faded
