"""The key of what sounded, and how sure that is.

A profile of pitch classes is correlated with what major and minor keys use, after Krumhansl
("Cognitive Foundations of Musical Pitch", 1990); the templates are those that Albrecht and Shanahan
counted in scores ("The Use of Large Corpora to Train a New Type of Key-Finding Algorithm", Music
Perception 2013). Partials are given back to the notes that they belong to after Gómez (2006).

S: cents of an octave from A, P: pitch classes from C, K: keys, twelve major from C, twelve minor
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from earmark.models.chroma import OCTAVE, SEMITONE, Numbers, Pitches

MODES = ("major", "minor")
TONICS = {  # as they are usually spelled
    "major": ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"),
    "minor": ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"),
}
_SCALE_TONES: Mapping[str, tuple[float, ...]] = {  # Albrecht and Shanahan 2013, from the tonic up
    "major": (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
    "minor": (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
}
_BASS_TONES: Mapping[
    str, tuple[float, ...]
] = {  # roots of common chords: of the first degree most, then the fifth, the fourth
    "major": (1.0, 0, 0.2, 0, 0.2, 0.5, 0, 0.6, 0, 0.25, 0, 0),
    "minor": (1.0, 0, 0, 0.25, 0, 0.5, 0, 0.6, 0.35, 0, 0.3, 0),
}
BASS_WEIGHT = 0.2  # beside the harmony's one
PARTIALS, PARTIAL_DECAY = 3, 0.6  # Gómez's decay; her eight partials blur short melodies
SPREAD = 67  # cents: a peak counts towards pitch classes up to two thirds of a semitone away
EVENNESS = 0.5  # exponent of the profile: a note that is held long does not outweigh the scale
SHARPNESS = 14.0  # of probabilities: the likeliest over synthesised pieces, clean and in noise
AUDIBLE = 0.1  # share of the strongest pitch class from which one counts as used
_A_ABOVE_C = 9  # semitones


@dataclass(frozen=True, slots=True, kw_only=True)
class Tonality:
    """What can be said of the key.

    `keys` are (tonic, mode, probability), the likeliest first; probabilities sum to one over all
    24. `tuning_cents` is the deviation from A = 440 Hz, in (-50, 50]. `chroma_P` sums to one.
    `concentration` in [0, 1] is how closely pitches keep to semitones: speech and drums near 0.
    `correlation` is that with the likeliest key, at most 1. `classes` counts pitch classes used.
    """

    keys: tuple[tuple[str, str, float], ...]
    tuning_cents: float
    chroma_P: Numbers
    concentration: float
    correlation: float
    classes: int


def tonality(pitches: Pitches) -> Tonality | None:
    """The tonality of what sounded; None where nothing did."""
    if not pitches.harmony_S.any():
        return None
    tuning_cents, concentration = tuning(pitches.harmony_S)
    plain_P = chroma(pitches.harmony_S, tuning_cents)
    notes_P = chroma(_fundamentals(pitches.harmony_S), tuning_cents)
    bass_P = chroma(pitches.bass_S, tuning_cents)
    harmony_K = _correlations(notes_P, "harmony")
    score_K = harmony_K + BASS_WEIGHT * _correlations(bass_P, "bass")
    return Tonality(
        keys=_ranked(score_K),
        tuning_cents=tuning_cents,
        chroma_P=notes_P / notes_P.sum(),
        concentration=concentration,
        correlation=float(harmony_K[score_K.argmax()]),
        classes=int((plain_P > AUDIBLE * plain_P.max()).sum()),
    )


def tuning(profile_S: Numbers) -> tuple[float, float]:
    """The deviation in cents that pitches have in common, and how much they have it in common."""
    turns_S = np.exp(2j * np.pi * np.arange(OCTAVE) / SEMITONE)
    mean = complex((profile_S * turns_S).sum() / profile_S.sum())
    return float(np.angle(mean)) / (2 * np.pi) * SEMITONE, abs(mean)


def chroma(profile_S: Numbers, tuning_cents: float) -> Numbers:
    """The profile by pitch class in that tuning, [P]."""
    centre_P = tuning_cents + SEMITONE * (np.arange(12)[:, None] - _A_ABOVE_C)
    away_PS = (np.arange(OCTAVE) - centre_P + OCTAVE / 2) % OCTAVE - OCTAVE / 2
    near_PS = np.cos(np.pi / 2 * np.clip(away_PS / SPREAD, -1, 1)) ** 2
    chroma_P: Numbers = near_PS @ profile_S
    return chroma_P


def _fundamentals(profile_S: Numbers) -> Numbers:
    """Each peak counts, ever less, for the notes of which it may be a partial."""
    moved = (
        PARTIAL_DECAY ** (n - 1) * np.roll(profile_S, -round(OCTAVE * np.log2(n)))
        for n in range(1, PARTIALS + 1)
    )
    notes_S: Numbers = np.sum(np.stack(list(moved)), axis=0)
    return notes_S


def _correlations(chroma_P: Numbers, part: str) -> Numbers:
    """Pearson's correlation with each key's template, [K]; zeros for a flat profile."""
    even_P = chroma_P**EVENNESS
    spread = even_P.std()
    if not spread > 0:
        return np.zeros(24)
    correlation_K: Numbers = _templates(part) @ ((even_P - even_P.mean()) / spread) / 12
    return correlation_K


@cache
def _templates(part: str) -> Numbers:
    tones = {"harmony": _SCALE_TONES, "bass": _BASS_TONES}[part]
    rows = [np.roll(tones[mode], tonic) for mode in MODES for tonic in range(12)]
    matrix_KP = np.array(rows) - np.mean(rows, axis=1, keepdims=True)
    templates_KP: Numbers = matrix_KP / matrix_KP.std(axis=1, keepdims=True)
    return templates_KP


def _ranked(score_K: Numbers) -> tuple[tuple[str, str, float], ...]:
    odds_K = np.exp(SHARPNESS * (score_K - score_K.max()))
    names = [(tonic, mode) for mode in MODES for tonic in TONICS[mode]]
    order = np.argsort(-odds_K, kind="stable")
    return tuple((*names[k], float(odds_K[k] / odds_K.sum())) for k in order)
