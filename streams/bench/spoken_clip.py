"""Clips of speech whose words are known: the phrases of the shipped speech in seeded orders.

Voice clips are as long as those of the mix of voice clips; podcast clips are full windows of 30 s,
as the packer cuts them of the speech of a long recording.

T: samples, 16 kHz, mono
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from earmark.processors.block import SAMPLE_RATE_HZ, Samples
from earmark.streams.bench.corpus import PHRASES_S, ROOM_S, SEED
from earmark.streams.bench.mix import Mix
from earmark.streams.bench.mix_recording import voice_seconds
from earmark.streams.bench.shipped_speech import speech
from earmark.streams.evaluation.measure_sequence import edits

WINDOW_S = 30.0
PAUSES_S = (0.15, 0.5)  # the packer leaves half a second at most
WORDS = (
    "and so my fellow americans",
    "ask not",
    "what your country can do for you",
    "ask what you can do for your country",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenClip:
    """A clip and what is said in it, in small letters without marks."""

    samples_T: Samples
    words: str


def spoken_clips(mix: Mix, count: int) -> list[SpokenClip]:
    """The first clips of the series of that mix, the same each time."""
    return [
        _clip(voice_seconds((SEED, number)) if mix is Mix.VOICE else WINDOW_S, number)
        for number in range(count)
    ]


def word_error(clips: Sequence[SpokenClip], texts: Sequence[str]) -> float:
    """Words to insert, delete or replace in the texts, of the words that were said."""
    wrong = [
        edits(clip.words.split(), _plain(text).split())
        for clip, text in zip(clips, texts, strict=True)
    ]
    return sum(wrong) / sum(len(clip.words.split()) for clip in clips)


def seconds_of(clips: Sequence[SpokenClip]) -> float:
    """How long the clips are together."""
    return sum(len(clip.samples_T) for clip in clips) / SAMPLE_RATE_HZ


def _clip(seconds: float, number: int) -> SpokenClip:
    """As many whole phrases as fit, one at least."""
    random = np.random.default_rng((SEED, number))
    room_T = _cut(*ROOM_S)
    parts, words = [room_T[: SAMPLE_RATE_HZ // 10]], list[str]()
    while True:
        phrase = int(random.integers(len(WORDS)))
        pause = int(random.uniform(*PAUSES_S) * SAMPLE_RATE_HZ)
        more = [_cut(*PHRASES_S[phrase]), np.resize(room_T, pause)]
        if words and sum(map(len, parts + more)) > seconds * SAMPLE_RATE_HZ:
            return SpokenClip(samples_T=np.concatenate(parts), words=" ".join(words))
        parts += more
        words.append(WORDS[phrase])


def _cut(start_s: float, end_s: float) -> Samples:
    return speech()[int(start_s * SAMPLE_RATE_HZ) : int(end_s * SAMPLE_RATE_HZ)]


def _plain(text: str) -> str:
    return "".join(c if c.isalpha() else " " for c in text.lower())
