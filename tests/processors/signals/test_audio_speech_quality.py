"""What `audio.speech_quality` says of speech, and when it would rather say nothing."""

from importlib.resources import files
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from earmark.models.device import Device
from earmark.models.store import ModelStore
from earmark.processors.block import Samples
from earmark.processors.clip import Clip, Piece
from earmark.processors.content import Audio, ContentEvent
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.signal import ItemView
from earmark.processors.signals.audio_speech_quality import (
    ClipQuality,
    SpeechQualityScorer,
    audio_speech_quality,
)
from earmark.processors.threshold import shipped_thresholds

THRESHOLDS = shipped_thresholds("audio.speech_quality")
EVENT = ContentEvent(event_id="e", content_id="c", audio=Audio(data=b"x"))
CONCLUDING = SpeechQualityScorer(None, THRESHOLDS)


def quality(mos: float = 4.0, *, speech_s: float = 5.0, highest: float | None = 8_000.0):
    return ClipQuality(
        start_ms=0, end_ms=5_000, speech_s=speech_s, mos=mos, snr_db=20.0, highest_hz=highest
    )


def concluded(*clips: ClipQuality, **file: object) -> Result:
    results = {"audio.integrity": Result.ok(**file)} if file else {}
    return CONCLUDING.conclude(ItemView(event=EVENT, results=results), clips)


def clip(samples_T: Samples) -> Clip:
    pieces = (Piece(at=0, source=16_000, length=len(samples_T)),)
    return Clip(samples_T=samples_T.astype(np.float32), pieces=pieces)


@pytest.fixture(scope="module")
def shipped() -> Any:
    return audio_speech_quality.load(store=ModelStore(), device=Device(), thresholds=THRESHOLDS)


@pytest.fixture(scope="module")
def jfk() -> Samples:
    samples_T, _ = soundfile.read(
        str(files("earmark") / "streams/samples/jfk.wav"), dtype="float32"
    )
    return np.asarray(samples_T[:100_000], np.float32)


def test_without_speech_it_is_skipped() -> None:
    assert (concluded().outcome, concluded().reason) == (OutcomeKind.SKIPPED, "NO_SPEECH")


def test_it_abstains_on_a_word() -> None:
    said = concluded(quality(speech_s=0.9))
    assert (said.outcome, said.reason) == (OutcomeKind.ABSTAINED, "TOO_SHORT")


def test_long_clips_count_more() -> None:
    assert concluded(quality(4.0, speech_s=6), quality(2.0, speech_s=2)).fields["mos"] == 3.5


@pytest.mark.parametrize(
    ("highest", "rate", "bandwidth"),
    [
        (3_906.0, 8_000, "telephone"),
        (3_906.0, 44_100, "telephone"),
        (7_900.0, 16_000, "wideband"),
        (6_000.0, 44_100, "wideband"),
        (7_900.0, 44_100, "full"),
        (None, 44_100, None),
    ],
)
def test_the_bandwidth_is_that_of_the_sound(
    highest: float | None, rate: int, bandwidth: str | None
) -> None:
    said = concluded(quality(highest=highest), sample_rate_hz=rate)
    assert said.fields["bandwidth"] == bandwidth


@pytest.mark.parametrize(
    ("highest", "file", "hints"),
    [
        (7_900.0, {"sample_rate_hz": 44_100}, []),
        (3_906.0, {"sample_rate_hz": 8_000}, []),
        (3_906.0, {"sample_rate_hz": 44_100}, ["BAND_LIMITED"]),
        (7_900.0, {"bit_rate_bps": 32_000, "channels": 2, "codec": "mp3float"}, ["LOW_BIT_RATE"]),
        (7_900.0, {"bit_rate_bps": 20_000, "channels": 1, "codec": "flac"}, []),
        (3_906.0, {}, []),
    ],
)
def test_coding_leaves_hints(highest: float, file: dict[str, object], hints: list[str]) -> None:
    assert concluded(quality(highest=highest), **file).fields["codec_hints"] == hints


@pytest.mark.weights
def test_noise_lowers_the_score_and_a_telephone_the_band(shipped: Any, jfk: Samples) -> None:
    hiss_T = np.random.default_rng(1).normal(0, 0.03, len(jfk)).astype(np.float32)
    phone_T = soxr.resample(soxr.resample(jfk, 16_000, 8_000), 8_000, 16_000)
    clean, noisy, phone = shipped.score([clip(jfk), clip(jfk + hiss_T), clip(phone_T)])
    assert clean.mos > noisy.mos + 0.5
    assert clean.snr_db > noisy.snr_db + 5
    assert phone.highest_hz <= 4_400 < clean.highest_hz
    assert (clean.start_ms, clean.end_ms) == (1_000, 7_250)


@pytest.mark.weights
def test_batches_change_nothing(shipped: Any, jfk: Samples) -> None:
    clips = [clip(jfk), clip(jfk[:20_000]), clip(jfk[30_000:])]
    together = [each.mos for each in shipped.score(clips)]
    assert together == pytest.approx([shipped.score([each])[0].mos for each in clips], abs=1e-4)
