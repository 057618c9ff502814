"""Tunes as notes, for instruments to play: random keys, modes, metres, chords, arrangements."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

Random = np.random.Generator

_SCALES = (
    (0, 2, 4, 5, 7, 9, 11),  # major
    (0, 2, 3, 5, 7, 8, 10),  # natural minor
    (0, 2, 3, 5, 7, 8, 11),  # harmonic minor
    (0, 2, 3, 5, 7, 9, 10),  # Dorian
    (0, 2, 4, 5, 7, 9, 10),  # Mixolydian
    (0, 1, 3, 5, 7, 8, 10),  # Phrygian
    (0, 2, 4, 7, 9),  # pentatonic
    (0, 3, 5, 7, 10),  # minor pentatonic
    (0, 3, 5, 6, 7, 10),  # blues
)
_KICKS, _SNARES, _HATS, _OTHERS = (35, 36), (38, 39, 40), (42, 44, 46), (41, 45, 48, 49, 51, 54, 56)
DRUMS = "drums"
PARTS = ("chords", "bass", "melody", "arpeggio", "pad", DRUMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note of a part: when it begins and how long it is in seconds, MIDI pitch, strength 0 to 1.

    The pitch of a drum is its number in General MIDI.
    """

    part: str
    at_s: float
    length_s: float
    pitch: int
    strength: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What a tune keeps from its begin to its end."""

    beat_s: float
    beats: int  # of a bar
    key: int  # MIDI pitch of the tonic
    scale: tuple[int, ...]
    swing: float
    looseness_s: float
    chords: tuple[int, ...]  # degrees, one a bar
    rhythm: tuple[float, ...]  # in beats; the melody's, bar after bar
    grid: tuple[float, ...]  # likelihood of a drum by sixteenth

    def pitch(self, degree: int, octave: int = 0) -> int:
        """The MIDI pitch of a degree of the scale."""
        up, step = divmod(degree, len(self.scale))
        return int(np.clip(self.key + self.scale[step] + 12 * (up + octave), 24, 103))


def tune(random: Random, seconds: float, parts: tuple[str, ...]) -> list[Note]:
    """The notes of a tune for the parts, in order of time."""
    plan = _plan(random)
    bar_s = plan.beat_s * plan.beats
    notes = [
        replace(note, at_s=max(note.at_s + bar * bar_s + random.normal(0, plan.looseness_s), 0.0))
        for bar in range(int(np.ceil(seconds / bar_s)))
        for part in parts
        for note in _WRITERS[part](random, plan, plan.chords[bar % len(plan.chords)])
    ]
    notes = [note for note in notes if note.at_s < seconds]
    return sorted(notes, key=lambda note: (note.at_s, note.part, note.pitch))


def some_parts(random: Random) -> tuple[str, ...]:
    """The parts of an arrangement: often one alone, or all."""
    count = int(random.choice([1, 1, 2, 3, 4, 5, 6], p=[0.15, 0.15, 0.2, 0.2, 0.15, 0.1, 0.05]))
    chosen = random.choice(len(PARTS), count, replace=False)
    return tuple(PARTS[int(number)] for number in sorted(chosen))


def _plan(random: Random) -> _Plan:
    beats = int(random.choice([4, 4, 4, 3, 6]))
    length = int(random.choice([1, 2, 4, 4, 8]))
    return _Plan(
        beat_s=60 / float(np.exp(random.uniform(np.log(50), np.log(190)))),
        beats=beats,
        key=int(random.integers(48, 67)),
        scale=_SCALES[int(random.integers(len(_SCALES)))],
        swing=float(random.choice([0.0, 0.0, 0.12, 0.17])),
        looseness_s=float(random.choice([0.0, 0.004, 0.012])),
        chords=(0, *(int(each) for each in random.integers(0, 7, length - 1))),
        rhythm=tuple(random.choice([0.25, 0.5, 0.5, 1.0, 1.0, 1.5, 2.0, 3.0], 12).tolist()),
        grid=tuple((random.uniform(0, 1, beats * 4) ** 2).tolist()),
    )


def _chords(random: Random, plan: _Plan, degree: int) -> Iterator[Note]:
    step = float(random.choice([plan.beats, 1.0, 2.0, 0.5]))
    spread = float(random.choice([0.0, 0.0, 0.02, 0.04]))
    for beat in np.arange(0, plan.beats, step):
        for number, third in enumerate((0, 2, 4, 6)[: int(random.integers(2, 5))]):
            yield Note(
                part="chords",
                at_s=float(beat) * plan.beat_s + number * spread,
                length_s=step * plan.beat_s * 0.95,
                pitch=plan.pitch(degree + third),
                strength=float(random.uniform(0.4, 0.8)),
            )


def _bass(random: Random, plan: _Plan, degree: int) -> Iterator[Note]:
    at = 0.0
    while at < plan.beats:
        length = float(random.choice([0.5, 1.0, 1.0, 2.0, 4.0]))
        leap = int(random.choice([0, 0, 0, 2, 4, 7]))
        yield Note(
            part="bass",
            at_s=at * plan.beat_s,
            length_s=length * plan.beat_s * float(random.uniform(0.5, 1)),
            pitch=plan.pitch(degree + leap, -2),
            strength=float(random.uniform(0.6, 1.0)),
        )
        at += length


def _melody(random: Random, plan: _Plan, degree: int) -> Iterator[Note]:
    at, number, place = 0.0, int(random.integers(len(plan.rhythm))), degree
    octave = 1 if plan.key < 58 else 0
    while at < plan.beats:
        length = plan.rhythm[number % len(plan.rhythm)]
        place += int(random.choice([-3, -2, -1, -1, 0, 1, 1, 2, 4]))
        place = int(np.clip(place, -4, 12))
        off = plan.swing if at % 1 == 0.5 else 0.0
        if random.random() < 0.88:
            yield Note(
                part="melody",
                at_s=(at + off) * plan.beat_s,
                length_s=length * plan.beat_s * float(random.uniform(0.6, 1.05)),
                pitch=plan.pitch(place, octave),
                strength=float(random.uniform(0.5, 1.0)),
            )
        at, number = at + length, number + 1


def _arpeggio(random: Random, plan: _Plan, degree: int) -> Iterator[Note]:
    step = float(random.choice([0.25, 0.5, 0.5, 1 / 3]))
    pattern = random.permutation([0, 2, 4, 7, 9])[: int(random.integers(3, 6))]
    for number, beat in enumerate(np.arange(0, plan.beats, step)):
        yield Note(
            part="arpeggio",
            at_s=float(beat) * plan.beat_s,
            length_s=step * plan.beat_s * 1.2,
            pitch=plan.pitch(degree + int(pattern[number % len(pattern)])),
            strength=float(random.uniform(0.4, 0.9)),
        )


def _pad(random: Random, plan: _Plan, degree: int) -> Iterator[Note]:
    for third in (0, 2, 4):
        yield Note(
            part="pad",
            at_s=0.0,
            length_s=plan.beats * plan.beat_s * 1.1,
            pitch=plan.pitch(degree + third, int(random.integers(-1, 2))),
            strength=float(random.uniform(0.4, 0.8)),
        )


def _drums(random: Random, plan: _Plan, degree: int) -> Iterator[Note]:
    del degree
    for sixteenth, likelihood in enumerate(plan.grid):
        on_beat = sixteenth % 4 == 0
        struck: list[int] = []
        if random.random() < (0.75 if on_beat and sixteenth % 8 == 0 else 0.3 * likelihood):
            struck.append(int(random.choice(_KICKS)))
        if random.random() < (0.8 if sixteenth % 8 == 4 else 0.15 * likelihood):
            struck.append(int(random.choice(_SNARES)))
        if random.random() < (0.7 if sixteenth % 2 == 0 else likelihood):
            struck.append(int(random.choice(_HATS)))
        if random.random() < 0.1 * likelihood:
            struck.append(int(random.choice(_OTHERS)))
        for drum in struck:
            yield Note(
                part=DRUMS,
                at_s=sixteenth / 4 * plan.beat_s,
                length_s=0.1,
                pitch=drum,
                strength=float(random.uniform(0.4, 1.0)),
            )


_WRITERS: dict[str, Callable[[Random, _Plan, int], Iterator[Note]]] = {
    "chords": _chords,
    "bass": _bass,
    "melody": _melody,
    "arpeggio": _arpeggio,
    "pad": _pad,
    DRUMS: _drums,
}
