"""What `audio.key` says of pieces whose key is known, and when it would rather say nothing."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.models.tonality import TONICS
from earmark.processors.block import Samples
from earmark.processors.content import Audio, ContentEvent
from earmark.processors.decode import decode
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.signals.audio_key import audio_key
from tests.processors.signals.piece import (
    RATE_HZ,
    Recipe,
    at_rate,
    heard,
    murmur,
    pieces,
    play,
)

VOICE = Path(__file__).parents[3] / "streams" / "samples" / "jfk.wav"
PLAIN = Recipe(bpm=104, tonic=2, mode="major", seed=5)


@cache
def answers() -> list[tuple[Recipe, Result]]:
    return [(made, heard(audio_key, samples)) for made, samples in pieces(3000, 40)]


@cache
def plain() -> Samples:
    return play(PLAIN)[None]


def key(said: Result) -> tuple[int, str]:
    mode = str(said.fields["mode"])
    return TONICS[mode].index(str(said.fields["key"])), mode


def is_right(made: Recipe, said: Result) -> bool:
    return said.outcome == OutcomeKind.OK and key(said) == (made.tonic, made.mode)


def is_near(made: Recipe, said: Result) -> bool:
    """Right, the relative or parallel key, or a fifth away: what MIREX gives a part for."""
    tonic, mode = key(said)
    away = (tonic - made.tonic) % 12
    if mode == made.mode:
        return away in (0, 5, 7)
    return away in (0, 9 if made.mode == "major" else 3)


def test_three_of_four_keys_are_exactly_right() -> None:
    assert np.mean([is_right(made, said) for made, said in answers()]) >= 0.75


def test_the_others_are_mostly_near() -> None:
    assert np.mean([is_near(made, said) for made, said in answers()]) >= 0.9


def test_confidence_is_about_the_share_that_is_right() -> None:
    sure = np.array([said.fields["confidence"] for _, said in answers()])
    right = np.array([is_right(made, said) for made, said in answers()])
    assert sure.mean() == pytest.approx(right.mean(), abs=0.1)
    assert right[sure > 0.8].mean() > right[sure < 0.6].mean() + 0.2


def test_tuning_is_found_within_five_cents() -> None:
    for made, said in answers():
        assert said.fields["tuning_cents"] == pytest.approx(made.cents, abs=5)


def test_chroma_and_alternatives_are_what_they_should_be() -> None:
    fields = heard(audio_key, plain()).fields
    assert len(fields["chroma"]) == 12
    assert sum(fields["chroma"]) == pytest.approx(1)
    strongest = sorted(range(12), key=fields["chroma"].__getitem__)[-7:]
    assert set(strongest) == {2, 4, 6, 7, 9, 11, 1}  # the scale of D major
    others = [one["probability"] for one in fields["alternatives"]]
    assert others == sorted(others, reverse=True)
    assert fields["confidence"] + sum(others) <= 1 + 1e-9


@pytest.mark.parametrize("semitones", range(1, 12))
def test_a_transposed_piece_is_in_a_key_as_far_away(semitones: int) -> None:
    transposed = replace(PLAIN, tonic=(PLAIN.tonic + semitones) % 12)
    tonic, mode = key(heard(audio_key, plain()))
    assert key(heard(audio_key, play(transposed)[None])) == ((tonic + semitones) % 12, mode)


@pytest.mark.parametrize("cents", [-40, -15, 25, 40])
def test_tuning_leaves_the_key_as_it_is(cents: int) -> None:
    said = heard(audio_key, play(replace(PLAIN, cents=cents))[None])
    assert key(said) == key(heard(audio_key, plain()))
    assert said.fields["tuning_cents"] == pytest.approx(cents, abs=5)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, plain().shape[1]), max_size=8))
def test_block_size_does_not_change_outcomes(cuts: list[int]) -> None:
    assert heard(audio_key, plain(), cuts=cuts) == heard(audio_key, plain())


@pytest.mark.parametrize("gain", [0.001, 0.1, 8.0])
def test_gain_changes_nothing(gain: float) -> None:
    loud, quiet = heard(audio_key, plain()).fields, heard(audio_key, gain * plain()).fields
    assert (quiet["key"], quiet["mode"]) == (loud["key"], loud["mode"])
    assert quiet["confidence"] == pytest.approx(loud["confidence"], abs=0.01)
    assert quiet["chroma"] == pytest.approx(loud["chroma"], abs=0.01)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_rate_and_channels_leave_the_key_as_it_is(rate: int) -> None:
    stereo = np.repeat(at_rate(plain(), rate), 2, axis=0)
    said, before = heard(audio_key, stereo, rate), heard(audio_key, plain())
    assert key(said) == key(before)
    assert said.fields["tuning_cents"] == pytest.approx(before.fields["tuning_cents"], abs=1)


def test_noise_as_loud_as_the_music_leaves_three_of_four_keys() -> None:
    random = np.random.default_rng(3)
    right = []
    for made, samples in pieces(3200, 16):
        noisy = samples + samples.std() * random.standard_normal(samples.shape)
        right.append(is_right(made, heard(audio_key, noisy)))
    assert np.mean(right) >= 0.7


def test_sound_that_keeps_to_no_scale_has_no_key() -> None:
    said = [heard(audio_key, murmur(seed)[None]) for seed in range(700, 720)]
    assert np.mean([result.reason == "NO_TONALITY" for result in said]) >= 0.95


def test_a_real_voice_noise_and_silence_have_no_key() -> None:
    voice = (np.frombuffer(VOICE.read_bytes()[-352_000:], "<i2") / np.float32(32768))[None]
    assert heard(audio_key, voice, 16_000).reason == "NO_TONALITY"
    noise = np.random.default_rng(1).standard_normal((1, 10 * RATE_HZ)) * 0.1
    assert heard(audio_key, noise).reason == "NO_TONALITY"
    assert heard(audio_key, np.zeros((2, 10 * RATE_HZ))).reason == "NO_TONALITY"


@pytest.mark.parametrize("hz", [[440], [50 * n for n in range(1, 30)], [440, 660]])
def test_a_tone_or_a_hum_has_no_key(hz: list[float]) -> None:
    t = np.arange(10 * RATE_HZ) / RATE_HZ
    wave = sum(np.sin(2 * np.pi * one * t) for one in hz) / len(hz)
    assert heard(audio_key, np.asarray(wave)[None]).reason == "NO_TONALITY"


@pytest.mark.parametrize("seconds", [0.0, 0.05, 3.9])
def test_less_than_four_seconds_is_too_short(seconds: float) -> None:
    said = heard(audio_key, plain()[:, : int(seconds * RATE_HZ)])
    assert (said.outcome, said.reason) == (OutcomeKind.ABSTAINED, "TOO_SHORT")


def test_the_whole_way_from_the_file_gives_the_same() -> None:
    event = ContentEvent(event_id="e", content_id="c", audio=Audio(uri="x"))
    *_, last = decode(event, VOICE, meters={"audio.key": audio_key.make})
    assert last.end is not None
    assert last.end.readings["audio.key"].reason == "NO_TONALITY"
