"""What is said, when nothing is said, and when what was read is not believed."""

import wave
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
import torch

from earmark.models.device import Device
from earmark.models.recogniser import WhisperRecogniser
from earmark.models.store import ModelStore
from earmark.models.whisper import load_whisper
from earmark.processors.clip import Clip, Piece
from earmark.processors.content import ContentEvent
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.signal import ItemView
from earmark.processors.signals.audio_transcript import (
    ClipTranscript,
    Segment,
    TranscriptScorer,
    audio_transcript,
    compression_ratio,
    transcript_signal,
)
from earmark.processors.threshold import shipped_thresholds

RATE = 16_000
SEGMENT = Segment(
    start_ms=0,
    end_ms=2_000,
    text="four words of speech",
    avg_logprob=-0.2,
    no_speech_prob=0.1,
    compression_ratio=1.2,
)
SPOKEN = ClipTranscript(speech_s=2.0, language="en", known_prob=0.9, segments=(SEGMENT,))
FOREIGN = ClipTranscript(speech_s=2.0, language=None, known_prob=0.1, segments=())


def event(language: str | None = None) -> ContentEvent:
    return ContentEvent(event_id="e", content_id="c", language=language)


def conclude(scorer: TranscriptScorer, *clips: ClipTranscript) -> Result:
    return scorer.conclude(ItemView(event=event()), clips)


@pytest.fixture(scope="module")
def scorer() -> TranscriptScorer:
    """One with a random checkpoint of the smallest size: the rules around it are real."""
    config = {
        **{"n_mels": 80, "n_audio_ctx": 1500, "n_audio_state": 16, "n_audio_head": 2},
        **{"n_audio_layer": 1, "n_vocab": 51_864, "n_text_ctx": 448, "n_text_state": 16},
        **{"n_text_head": 2, "n_text_layer": 1},
    }
    chance = torch.Generator().manual_seed(1)
    tensors = {
        name: torch.randn(shape, generator=chance) * 0.1 for name, shape in _shapes(config).items()
    }
    recogniser = WhisperRecogniser(load_whisper(config, tensors, Device()), Device())
    return TranscriptScorer(recogniser, shipped_thresholds("audio.transcript"))


def _shapes(config: dict[str, int]) -> dict[str, torch.Size]:
    from earmark.models.whisper import Whisper
    from earmark.models.whisper_checkpoint import Dimensions

    with torch.device("meta"):
        network = Whisper(Dimensions.from_config(config))
    return {name: tensor.shape for name, tensor in network.state_dict().items()}


def test_an_item_without_speech_is_skipped(scorer):
    assert conclude(scorer) == Result.skipped("NO_SPEECH")


@pytest.mark.parametrize("language", ["en", "en-US", "EN_gb", "und", None])
def test_a_known_or_undeclared_language_is_admitted(scorer, language):
    assert scorer.admit(event(language)) is None


@pytest.mark.parametrize("language", ["es", "pt-BR", "zxx"])
def test_a_declared_language_that_is_not_known_is_refused(scorer, language):
    assert scorer.admit(event(language)) == Result.abstained("LANGUAGE_UNSUPPORTED")


def test_a_transcript_holds_the_words_and_their_rate(scorer):
    result = conclude(scorer, SPOKEN, SPOKEN)
    assert result.outcome is OutcomeKind.OK
    assert result.fields["text"] == "four words of speech four words of speech"
    assert result.fields["language"] == "en"
    assert result.fields["words_per_minute"] == 120


def test_the_language_of_most_of_the_speech_decides(scorer):
    assert conclude(scorer, SPOKEN, replace(FOREIGN, speech_s=0.2)).outcome is OutcomeKind.OK
    mostly_foreign = conclude(scorer, SPOKEN, replace(FOREIGN, speech_s=9.0))
    assert mostly_foreign == Result.abstained("LANGUAGE_UNSUPPORTED")


@pytest.mark.parametrize(
    "doubt",
    [
        {"avg_logprob": -1.1},
        {"compression_ratio": 2.5},
        {"no_speech_prob": 0.7, "avg_logprob": -0.6},
    ],
)
def test_what_looks_invented_is_dropped(scorer, doubt):
    doubtful = replace(SPOKEN, segments=(replace(SEGMENT, **doubt),))
    assert conclude(scorer, doubtful) == Result.abstained("LOW_CONFIDENCE")
    assert (
        conclude(scorer, SPOKEN, doubtful).fields["segments"]
        == conclude(scorer, SPOKEN).fields["segments"]
    )


def test_repetition_compresses():
    assert compression_ratio("I'm not sure what you're saying. " * 8) > 2.4
    assert compression_ratio("Ask not what your country can do for you, ask what you can do.") < 2.4


def test_times_are_those_of_the_recording(scorer):
    samples_T = np.float32(0.2 * np.sin(np.arange(4 * RATE) ** 1.3 / 50))
    pieces = (
        Piece(at=0, source=60 * RATE, length=2 * RATE),
        Piece(at=2 * RATE, source=90 * RATE, length=2 * RATE),
    )
    (transcript,) = scorer.score([Clip(samples_T=samples_T, pieces=pieces, language="en")])
    assert transcript.speech_s == 4.0
    assert transcript.segments
    for segment in transcript.segments:
        assert 60_000 <= segment.start_ms <= segment.end_ms <= 92_000


def test_a_multilingual_checkpoint_needs_no_finder_of_english():
    assert audio_transcript.models == ("whisper-tiny.en", "spoken-english")
    assert transcript_signal("whisper-large-v3-turbo").models == ("whisper-large-v3-turbo",)


@pytest.fixture(scope="module")
def real_scorer() -> TranscriptScorer:
    thresholds = shipped_thresholds("audio.transcript")
    made: TranscriptScorer = audio_transcript.load(
        store=ModelStore(), device=Device(), thresholds=thresholds
    )
    return made


@pytest.fixture(scope="module")
def jfk() -> np.ndarray:
    sample = files("earmark") / "streams" / "samples" / "jfk.wav"
    with sample.open("rb") as file, wave.open(file) as recording:
        frames = recording.readframes(recording.getnframes())
    return np.frombuffer(frames, np.int16).astype(np.float32) / 32_768


def clip(samples_T: np.ndarray, language: str | None = None) -> Clip:
    return Clip(
        samples_T=samples_T,
        pieces=(Piece(at=0, source=0, length=len(samples_T)),),
        language=language,
    )


@pytest.mark.weights
def test_undeclared_english_is_found_and_written_down(real_scorer, jfk):
    result = conclude(real_scorer, *real_scorer.score([clip(jfk)]))
    assert "ask not what your country can do for you" in result.fields["text"].lower()
    assert result.fields["segments"][-1]["end_ms"] <= 11_000
    assert 90 < result.fields["words_per_minute"] < 160


@pytest.mark.weights
def test_speech_that_is_not_english_gets_no_words(real_scorer, jfk):
    """Played backwards it has every quality of the recording but the language."""
    result = conclude(real_scorer, *real_scorer.score([clip(jfk[::-1].copy())]))
    assert result == Result.abstained("LANGUAGE_UNSUPPORTED")


@pytest.mark.weights
def test_noise_declared_english_gets_no_words(real_scorer):
    noise_T = np.random.default_rng(4).standard_normal(6 * RATE).astype(np.float32) * 0.1
    tone_T = np.float32(0.3 * np.sin(np.arange(6 * RATE) * 0.2))
    for clip_score in real_scorer.score([clip(noise_T, "en"), clip(tone_T, "en")]):
        assert conclude(real_scorer, clip_score) == Result.abstained("LOW_CONFIDENCE")


@pytest.mark.weights
def test_the_words_do_not_depend_on_the_batch(real_scorer, jfk):
    parts = [jfk, jfk[: 3 * RATE], jfk[7 * RATE :], jfk[::-1].copy()]
    together = real_scorer.score([clip(part_T) for part_T in parts])
    alone = [real_scorer.score([clip(part_T)])[0] for part_T in parts]
    for one, other in zip(together, alone, strict=True):
        assert [s.text for s in one.segments] == [s.text for s in other.segments]
        assert one.known_prob == pytest.approx(other.known_prob, abs=1e-3)
