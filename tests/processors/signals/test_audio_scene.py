"""Claims about `audio.scene`."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import soundfile

from earmark.models.device import Device
from earmark.models.scene_net import SceneNet, SceneTrunk
from earmark.models.store import ModelStore
from earmark.processors.block import Samples
from earmark.processors.content import ContentEvent
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.signal import ItemView
from earmark.processors.signals.audio_scene import SceneScorer, WindowScene, audio_scene
from earmark.processors.threshold import shipped_thresholds
from earmark.processors.window import WindowCutter
from earmark.streams.synthesiser import RATE_HZ, tune

VIEW = ItemView(event=ContentEvent(event_id="1", content_id="1"))
THRESHOLDS = shipped_thresholds("audio.scene")
EVALDATA = Path(__file__).parents[4] / "shared" / "evaldata"


def said(scorer: SceneScorer, samples_T: Samples) -> Result:
    """What the scorer says of a recording."""
    cutter = WindowCutter(size=scorer.trunk.window_samples, hop=scorer.trunk.hop_samples)
    windows = [*cutter.cut(samples_T), *cutter.flush()]
    if not windows:
        return scorer.conclude(VIEW, [])
    windows_BT = np.stack([window.samples_T for window in windows])
    features = scorer.trunk.features(windows_BT, [window.length for window in windows])
    return scorer.conclude(VIEW, scorer.score(features))


def window(
    speech: float = 0.0,
    music: float = 0.0,
    noise: float = 0.0,
    *,
    levels: tuple[float, float] = (-20.0, -20.0),
    length: int = 32_000,
) -> WindowScene:
    return WindowScene(speech=speech, music=music, noise=noise, levels=levels, length=length)


def concluded(*windows: WindowScene) -> Result:
    scorer = SceneScorer(SceneNet(), SceneTrunk(Device()), THRESHOLDS)
    return scorer.conclude(VIEW, windows)


def labels(result: Result) -> list[tuple[object, object, object]]:
    segments = result.fields["segments"]
    assert isinstance(segments, list)
    return [(each["start_ms"], each["end_ms"], each["label"]) for each in segments]


@pytest.fixture(scope="module")
def shipped() -> SceneScorer:
    scorer = audio_scene.load(store=ModelStore(), device=Device(), thresholds=THRESHOLDS)
    assert isinstance(scorer, SceneScorer)
    return scorer


@pytest.fixture(scope="module")
def jfk() -> Samples:
    path = files("earmark") / "streams/samples/jfk.wav"
    return np.asarray(soundfile.read(str(path), dtype="float32")[0], np.float32)


@pytest.fixture(scope="module")
def song() -> Samples:
    import soxr

    mono_T = tune(seed=3, seconds=11.0).mean(axis=0)
    return np.asarray(soxr.resample(mono_T, RATE_HZ, 16_000), np.float32)


def test_runs_of_one_label_are_one_segment_and_leave_no_gap() -> None:
    result = concluded(*[window(speech=0.9)] * 5, *[window(music=0.9)] * 5)
    assert labels(result) == [(0, 6000, "speech"), (6000, 11000, "music")]


def test_speech_over_music_counts_as_both() -> None:
    result = concluded(*[window(speech=0.9, music=0.8)] * 4)
    assert result.fields["speech_share"] == result.fields["music_share"] == 1.0
    assert labels(result) == [(0, 5000, "speech_over_music")]


def test_a_single_second_that_sounds_otherwise_is_smoothed_away() -> None:
    windows = [window(speech=0.9)] * 4 + [window(music=0.99)] + [window(speech=0.9)] * 4
    assert concluded(*windows).fields["speech_share"] == 1.0


def test_silence_is_told_by_level_whatever_is_heard_in_it() -> None:
    quiet = window(speech=0.99, levels=(-75.0, -75.0))
    result = concluded(window(speech=0.9, levels=(-20.0, -75.0)), quiet, quiet)
    assert labels(result) == [(0, 1000, "speech"), (1000, 4000, "silence")]
    assert result.fields["silence_share"] == 0.75


def test_a_moment_is_too_short() -> None:
    assert concluded(window(speech=0.9, length=1_600)).reason == "TOO_SHORT"
    assert concluded().reason == "TOO_SHORT"


def test_what_is_like_nothing_known_is_not_named() -> None:
    result = concluded(*[window(0.1, 0.1, 0.1)] * 4)
    assert (result.outcome, result.reason) == (OutcomeKind.ABSTAINED, "LOW_CONFIDENCE")


def test_the_shares_are_of_the_duration() -> None:
    loud_then_nothing = window(noise=0.9, levels=(-20.0, -90.0), length=24_000)
    result = concluded(loud_then_nothing)
    assert result.fields["noise_share"] == pytest.approx(2 / 3)
    assert result.fields["silence_share"] == pytest.approx(1 / 3)


@pytest.mark.weights
def test_a_speech_is_speech_and_a_tune_is_music(
    shipped: SceneScorer, jfk: Samples, song: Samples
) -> None:
    speech, music = said(shipped, jfk).fields, said(shipped, song).fields
    assert speech["speech_share"] > 0.8
    assert speech["music_share"] < 0.2
    assert music["music_share"] > 0.8
    assert music["speech_share"] < 0.2


@pytest.mark.weights
def test_a_speech_after_a_tune_begins_where_the_tune_ends(
    shipped: SceneScorer, jfk: Samples, song: Samples
) -> None:
    result = said(shipped, np.concatenate((song, jfk)))
    starts = [start for start, _, label in labels(result) if label == "speech"]
    assert 9_000 <= starts[0] <= 13_000


@pytest.mark.weights
def test_digital_silence_is_silence(shipped: SceneScorer) -> None:
    assert labels(said(shipped, np.zeros(80_000, np.float32))) == [(0, 5000, "silence")]


@pytest.mark.weights
@pytest.mark.skipif(not EVALDATA.is_dir(), reason="the labelled sets are not here")
@pytest.mark.parametrize(
    ("file", "label"),
    [
        ("noise_effects/files/minetest-data_fire_large.ogg", "noise"),
        ("noise_effects/files/whitenoise.ogg", "noise"),
        ("music/files/wesnoth-battle-epic.ogg", "music"),
        ("music/files/moh-robot_dity.ogg", "music"),
    ],
)
def test_recordings_are_told(shipped: SceneScorer, file: str, label: str) -> None:
    from earmark.streams.training.manifest import recording

    fields = said(shipped, recording(EVALDATA / file)).fields
    assert max(("speech", "music", "noise"), key=lambda n: fields[f"{n}_share"]) == label
