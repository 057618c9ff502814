"""Claims about `audio.speech`."""

from importlib.resources import files

import numpy as np
import pytest
import soundfile
import torch

from earmark.models.device import Device
from earmark.models.silero import SileroVad
from earmark.models.store import ModelStore
from earmark.processors.block import NO_SAMPLES, Samples
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.signals.audio_speech import SpeechScorer, audio_speech
from earmark.processors.speech import SpeechRule
from earmark.processors.threshold import shipped_thresholds

THRESHOLDS = shipped_thresholds("audio.speech")


def score(scorer: SpeechScorer, recordings: list[Samples]) -> list[Result]:
    """All recordings together, as the pipeline does it."""
    streams = [scorer.start() for _ in recordings]
    size = scorer.chunk_samples
    for at in range(0, max(map(len, recordings)), size):
        live = [i for i, samples in enumerate(recordings) if at < len(samples)]
        chunks = [recordings[i][at : at + size] for i in live]
        chunks_BT = np.stack([np.pad(chunk, (0, size - len(chunk))) for chunk in chunks])
        scorer.step([streams[i] for i in live], chunks_BT, [len(chunk) for chunk in chunks])
    return [
        scorer.finish(stream, len(samples) // 16)
        for stream, samples in zip(streams, recordings, strict=True)
    ]


@pytest.fixture(scope="module")
def jfk() -> Samples:
    samples_T, _ = soundfile.read(
        str(files("earmark") / "streams/samples/jfk.wav"), dtype="float32"
    )
    return np.asarray(samples_T, np.float32)


@pytest.fixture(scope="module")
def untrained() -> SpeechScorer:
    torch.manual_seed(3)
    return SpeechScorer(SileroVad().eval(), SpeechRule.of(THRESHOLDS))


@pytest.fixture(scope="module")
def shipped() -> SpeechScorer:
    scorer = audio_speech.load(store=ModelStore(), device=Device(), thresholds=THRESHOLDS)
    assert isinstance(scorer, SpeechScorer)
    return scorer


def test_a_recording_without_a_sample_has_no_speech(untrained: SpeechScorer) -> None:
    (result,) = score(untrained, [NO_SAMPLES])
    assert result.fields == {"speech_share": 0.0, "speech_ms": 0, "segments": []}


def test_spans_are_taken_once_and_none_begins_before_the_floor(
    untrained: SpeechScorer, jfk: Samples
) -> None:
    stream = untrained.start()
    taken = []
    for chunk in (jfk[:64_000], jfk[64_000:128_000]):
        floor = stream.floor
        untrained.step([stream], chunk[None], [len(chunk)])
        fresh = stream.take_spans()
        assert all(span.start >= floor for span in fresh)
        taken += fresh
    untrained.finish(stream, 8_000)
    assert taken + stream.take_spans() == stream.spans


@pytest.mark.weights
def test_the_pauses_of_a_speech_are_not_speech(shipped: SpeechScorer, jfk: Samples) -> None:
    (result,) = score(shipped, [jfk])
    assert result.outcome == OutcomeKind.OK
    assert 0.6 < result.fields["speech_share"] < 0.85
    assert len(result.fields["segments"]) >= 3


@pytest.mark.weights
def test_batches_do_not_change_outcomes(shipped: SpeechScorer, jfk: Samples) -> None:
    hum = np.sin(np.arange(90_000, dtype=np.float32) / 20).astype(np.float32) * 0.1
    recordings = [jfk, hum, jfk[50_000:120_000], jfk[::-1].copy()]
    together = score(shipped, recordings)
    for result, samples in zip(together, recordings, strict=True):
        (alone,) = score(shipped, [samples])
        assert result.fields["speech_ms"] == alone.fields["speech_ms"]
        assert _times(result) == _times(alone)


@pytest.mark.weights
def test_silence_is_an_answer_not_an_abstention(shipped: SpeechScorer) -> None:
    (result,) = score(shipped, [np.zeros(100_000, np.float32)])
    assert result.outcome == OutcomeKind.OK
    assert result.fields["speech_share"] == 0.0


def _times(result: Result) -> list[tuple[int, int]]:
    return [(segment["start_ms"], segment["end_ms"]) for segment in result.fields["segments"]]
