"""Ours and the baseline hear the same words: their speed is that of the same work."""

import jiwer
import pytest

from earmark.streams.bench.corpus import utterances
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.shipped_speech import speech
from earmark.streams.bench.transcript_row import ours
from earmark.streams.bench.whisper_baseline import transformers_whisper

SPOKEN = (
    "and so my fellow americans ask not what your country can do for you "
    "ask what you can do for your country"
)


def plain(text: str) -> str:
    return " ".join("".join(c for c in text.lower() if c.isalpha() or c == " ").split())


@pytest.mark.weights
def test_both_hear_the_shipped_speech(plan: Plan) -> None:
    (mine,), theirs = ours(plan)([speech()]), transformers_whisper(plan)(speech())
    assert plain(mine) == plain(theirs) == SPOKEN


@pytest.mark.weights
def test_both_hear_much_the_same_in_the_clips_of_the_benchmark(plan: Plan) -> None:
    clips = utterances(3)
    mine, generate = ours(plan)(clips), transformers_whisper(plan)
    theirs = [generate(clip_T) for clip_T in clips]
    assert jiwer.wer([plain(t) for t in theirs], [plain(t) for t in mine]) < 0.15
