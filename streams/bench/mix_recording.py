"""The recordings of the mixes: songs, podcasts, voice clips; each follows from a seed and a number.

Songs are the synthesiser's, in sections that come back: no two in the same key, tempo and sound.
Podcasts are the phrases of the shipped speech in minutes of their own over beds of music. Nothing
here says how well a model hears: it is content of this length and form.

C: channels, T: samples at `RATE_HZ`
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import soxr

from earmark.processors.block import SAMPLE_RATE_HZ, Samples
from earmark.streams.bench.coded_file import Form, adts, m4a, mp3, opus, write
from earmark.streams.bench.corpus import PHRASES_S, ROOM_S
from earmark.streams.bench.shipped_speech import speech
from earmark.streams.synthesiser import BEATS_PER_BAR, RATE_HZ, Band, tune

SONG_S = (180.0, 360.0)  # evenly over the range
SECTION_BARS = 12  # about 28 s
SONG = (0, 1, 0, 2, 1, 0, 1, 1)  # verse, chorus, bridge
SONG_FORMS = (mp3(192_000), m4a(192_000), mp3(320_000), adts(160_000))

PODCAST_S = (1_200.0, 10_800.0)
GOLDEN = (5**0.5 - 1) / 2  # the lengths of podcasts lie evenly on a logarithmic scale
PODCAST_PARTS = 5  # different minutes of each
PART_S = 60.0
BED_S = 30.0
PODCAST_FORMS = (mp3(128_000), opus(64_000))

VOICE_S = (1.0, 30.0)
VOICE_MU, VOICE_SIGMA = np.log(6.0), 0.8  # of the logarithm of seconds; drawn again outside
VOICE_FORMS = (opus(32_000), m4a(64_000), opus(24_000, webm=True))


def song(path: Path, form: Form, seed: Sequence[int]) -> float:
    """Write a song of 3 to 6 minutes, stereo; its seconds."""
    random = np.random.default_rng(seed)
    band = Band(
        bpm=float(random.uniform(70, 170)),
        key=int(random.integers(50, 70)),
        pad_fall=float(random.uniform(0.9, 2.4)),
        pluck_fall=float(random.uniform(0.7, 2.2)),
        decay=float(random.uniform(1.5, 9)),
        drums=float(random.choice([0.0, 0.6, 1.0, 1.3])),
        melody=float(random.uniform(0.4, 1.6)),
    )
    length_s = SECTION_BARS * BEATS_PER_BAR * 60 / (band.bpm or 1)
    sections = [
        tune(seed=int(random.integers(2**31)), seconds=length_s, band=band)
        for _ in range(len(set(SONG)))
    ]
    return write(path, form, sections, SONG, random.uniform(*SONG_S))


def podcast_seconds(number: int) -> float:
    """How long a podcast of the series is: 20 to 180 minutes, the shortest first."""
    low, high = np.log(PODCAST_S)
    return float(np.exp(low + (high - low) * (number * GOLDEN % 1)))


def podcast(path: Path, form: Form, seed: Sequence[int], seconds: float) -> float:
    """Write a podcast, stereo, its minutes in an order of its own; its seconds."""
    random = np.random.default_rng(seed)
    bed_CT = np.tile(tune(seed=int(random.integers(2**31)), seconds=BED_S), 2)
    parts = [_minute(random, bed_CT) for _ in range(PODCAST_PARTS)]
    order = random.integers(PODCAST_PARTS, size=int(seconds // PART_S) + 2)
    return write(path, form, parts, order.tolist(), seconds)


def voice_seconds(seed: Sequence[int]) -> float:
    """How long a voice clip is: lognormal, drawn again outside of the range."""
    random = np.random.default_rng(seed)
    while True:
        seconds = float(random.lognormal(VOICE_MU, VOICE_SIGMA))
        if VOICE_S[0] <= seconds <= VOICE_S[1]:
            return seconds


def voice(path: Path, form: Form, seed: Sequence[int]) -> float:
    """Write a voice clip, mono; its seconds."""
    random = np.random.default_rng([*seed, 1])
    said_T = _spoken(random, voice_seconds(seed))
    return write(path, form, [said_T[None] * random.uniform(0.4, 1.2)], [0], voice_seconds(seed))


def _minute(random: np.random.Generator, bed_CT: Samples) -> Samples:
    """A minute in which somebody speaks, the bed louder where it begins."""
    spoken_T = _spoken(random, PART_S)
    bed_gain_T = np.interp(
        np.arange(len(spoken_T)) / RATE_HZ, [0, 4, 7, PART_S], [0.5, 0.5, 0.06, 0.03]
    )
    mixed_CT: Samples = 0.8 * spoken_T + bed_CT[:, : len(spoken_T)] * bed_gain_T
    return mixed_CT.astype(np.float32)


def _spoken(random: np.random.Generator, seconds: float) -> Samples:
    """Phrases in a drawn order with pauses of drawn lengths, [T], a little longer or shorter."""
    pace = float(random.uniform(0.94, 1.06))  # of the voice, its pitch with it
    length = int(seconds * RATE_HZ * pace) + 1
    phrases, room_T = _phrases()
    parts = [room_T[: int(random.uniform(0.05, 0.3) * RATE_HZ)]]
    while sum(map(len, parts)) < length:
        pause = int(random.uniform(0.15, 0.9) * RATE_HZ)
        parts += [phrases[int(random.integers(len(phrases)))], np.resize(room_T, pause)]
    spoken_T = np.concatenate(parts)[:length]
    turned_T: Samples = soxr.resample(spoken_T, RATE_HZ * pace, RATE_HZ, quality="MQ")
    return np.resize(turned_T, int(seconds * RATE_HZ))


@cache
def _phrases() -> tuple[list[Samples], Samples]:
    """The phrases of the shipped speech, and its room."""
    speech_T: Samples = soxr.resample(speech(), SAMPLE_RATE_HZ, RATE_HZ)

    def cut(start_s: float, end_s: float) -> Samples:
        return speech_T[int(start_s * RATE_HZ) : int(end_s * RATE_HZ)]

    return [cut(*span) for span in PHRASES_S], cut(*ROOM_S)
