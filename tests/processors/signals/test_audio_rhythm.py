"""What `audio.rhythm` says of pieces whose tempo is known, and when it would rather say nothing."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import earmark.processors.signals.audio_rhythm as rhythm
from earmark.processors.block import Samples
from earmark.processors.content import Audio, ContentEvent
from earmark.processors.decode import decode
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.signals.audio_rhythm import audio_rhythm
from tests.processors.signals.piece import (
    RATE_HZ,
    Recipe,
    at_rate,
    heard,
    murmur,
    pieces,
    play,
    recipe,
)

ROOT = Path(__file__).parents[3]
VOICE = ROOT / "streams" / "samples" / "jfk.wav"
MUSIC = ROOT.parent / "shared" / "evaldata" / "music"
OCTAVES = (0.5, 1.0, 2.0)
STEADY = Recipe(bpm=104, tonic=2, mode="major", seed=5)


def is_right(said_bpm: float, bpm: float, levels: tuple[float, ...] = OCTAVES) -> bool:
    return any(abs(said_bpm / bpm / level - 1) < 0.04 for level in levels)


@cache
def answers() -> list[tuple[Recipe, Result]]:
    return [(made, heard(audio_rhythm, samples)) for made, samples in pieces(3000, 40)]


@cache
def steady() -> Samples:
    return play(STEADY)[None]


def tempo(samples: Samples, rate: int = RATE_HZ) -> float:
    return float(heard(audio_rhythm, samples, rate).fields["tempo_bpm"])


def test_nineteen_of_twenty_tempi_are_right_within_4_percent_or_an_octave() -> None:
    right = [
        said.outcome == OutcomeKind.OK and is_right(said.fields["tempo_bpm"], made.bpm)
        for made, said in answers()
    ]
    assert np.mean(right) >= 0.95


def test_six_of_ten_tempi_are_at_the_level_that_the_piece_counts_in() -> None:
    right = [is_right(said.fields["tempo_bpm"], made.bpm, (1.0,)) for made, said in answers()]
    assert np.mean(right) >= 0.6


def test_the_tempo_or_its_octaves_stand_among_the_alternatives() -> None:
    for made, said in answers():
        listed = said.fields["alternatives"]
        assert listed[0]["tempo_bpm"] == said.fields["tempo_bpm"]
        assert sum(one["weight"] for one in listed) == pytest.approx(1)
        assert any(is_right(one["tempo_bpm"], made.bpm) for one in listed)


def test_noise_takes_confidence_away_and_leaves_it_honest() -> None:
    random = np.random.default_rng(4)
    sure, right = [], []
    for made, samples in pieces(3100, 16):
        drowned = samples + 4 * samples.std() * random.standard_normal(samples.shape)
        said = heard(audio_rhythm, drowned)
        if said.outcome == OutcomeKind.OK:
            sure.append(said.fields["confidence"])
            right.append(is_right(said.fields["tempo_bpm"], made.bpm))
    clean = [said.fields["confidence"] for _, said in answers()]
    assert len(sure) >= 8
    assert np.mean(sure) < np.mean(clean) - 0.02
    assert np.mean(sure) == pytest.approx(np.mean(right), abs=0.15)


def test_beats_fall_on_the_beats() -> None:
    beats = np.array(heard(audio_rhythm, steady()).fields["beats"]) / 1000
    away_s = np.abs(beats - np.round(beats * 104 / 60) * 60 / 104)
    assert len(beats) >= 18
    assert (away_s < 0.07).mean() >= 0.9


def test_beats_beyond_the_most_are_dropped_and_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    assert heard(audio_rhythm, steady()).fields["beats_truncated"] is False
    monkeypatch.setattr(rhythm, "MOST_BEATS", 7)
    fields = heard(audio_rhythm, steady()).fields
    assert len(fields["beats"]) <= 7
    assert fields["beats_truncated"] is True


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, steady().shape[1]), max_size=8))
def test_block_size_does_not_change_outcomes(cuts: list[int]) -> None:
    assert heard(audio_rhythm, steady(), cuts=cuts) == heard(audio_rhythm, steady())


@pytest.mark.parametrize("gain", [0.001, 0.1, 8.0])
def test_gain_changes_nothing(gain: float) -> None:
    loud, quiet = heard(audio_rhythm, steady()).fields, heard(audio_rhythm, gain * steady()).fields
    assert quiet["tempo_bpm"] == pytest.approx(loud["tempo_bpm"], abs=0.01)
    assert quiet["confidence"] == pytest.approx(loud["confidence"], abs=0.01)
    assert quiet["beats"] == loud["beats"]


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_rate_and_channels_leave_the_tempo_as_it_is(rate: int) -> None:
    stereo = np.repeat(at_rate(steady(), rate), 2, axis=0)
    assert tempo(stereo, rate) == pytest.approx(tempo(steady()), rel=0.005)


@pytest.mark.parametrize("stretch", [0.8, 0.9, 1.1, 1.25])
def test_a_stretched_piece_is_slower_or_faster_by_as_much(stretch: float) -> None:
    stretched = play(replace(STEADY, bpm=STEADY.bpm * stretch))[None]
    assert is_right(tempo(stretched), tempo(steady()) * stretch)


@pytest.mark.parametrize("bpm", [72, 90, 118, 144, 176])
def test_a_swinging_piece_has_its_tempo_too(bpm: int) -> None:
    swinging = replace(STEADY, bpm=bpm, groove="shuffle", swing=0.66, human_s=0.01)
    assert is_right(tempo(play(swinging)[None]), bpm)


def test_sound_without_a_pulse_has_mostly_no_tempo() -> None:
    said = [heard(audio_rhythm, murmur(seed)[None]) for seed in range(700, 720)]
    assert np.mean([result.reason == "NO_PULSE" for result in said]) >= 0.8


def test_a_real_voice_noise_and_silence_have_no_pulse() -> None:
    voice = (np.frombuffer(VOICE.read_bytes()[-352_000:], "<i2") / np.float32(32768))[None]
    assert heard(audio_rhythm, voice, 16_000).reason == "NO_PULSE"
    noise = np.random.default_rng(1).standard_normal((1, 10 * RATE_HZ)) * 0.1
    assert heard(audio_rhythm, noise).reason == "NO_PULSE"
    assert heard(audio_rhythm, np.zeros((2, 10 * RATE_HZ))).reason == "NO_PULSE"


def test_tempi_one_after_the_other_are_no_tempo() -> None:
    parts = [play(replace(STEADY, bpm=bpm), 24) for bpm in (74, 96, 112, 131)]
    said = heard(audio_rhythm, np.concatenate(parts)[None])
    assert (said.outcome, said.reason) == (OutcomeKind.ABSTAINED, "TEMPO_VARIES")


@pytest.mark.parametrize("seconds", [0.0, 0.05, 3.9])
def test_less_than_four_seconds_is_too_short(seconds: float) -> None:
    said = heard(audio_rhythm, steady()[:, : int(seconds * RATE_HZ)])
    assert (said.outcome, said.reason) == (OutcomeKind.ABSTAINED, "TOO_SHORT")


def test_the_whole_way_from_the_file_gives_the_same() -> None:
    event = ContentEvent(event_id="e", content_id="c", audio=Audio(uri="x"))
    *_, last = decode(event, VOICE, meters={"audio.rhythm": audio_rhythm.make})
    assert last.end is not None
    assert last.end.readings["audio.rhythm"].reason == "NO_PULSE"


@pytest.mark.skipif(not MUSIC.is_dir(), reason="the development set is not here")
def test_played_instruments_have_their_tempo() -> None:
    rows = map(json.loads, (MUSIC / "manifest.jsonl").read_text().splitlines())
    right = []
    for row in (row for row in rows if "bpm" in row["labels"]):
        event = ContentEvent(event_id="e", content_id="c", audio=Audio(uri="x"))
        *_, last = decode(event, MUSIC / row["path"], meters={"audio.rhythm": audio_rhythm.make})
        said = last.end.readings["audio.rhythm"] if last.end else Result.error("")
        right.append(is_right(said.fields.get("tempo_bpm", 0.0), row["labels"]["bpm"]))
    assert np.mean(right) >= 0.85


def test_the_recipes_cover_what_they_claim() -> None:
    made = [recipe(seed) for seed in range(3000, 3040)]
    assert min(one.bpm for one in made) < 75
    assert max(one.bpm for one in made) > 170
    assert len({one.groove for one in made}) >= 7
