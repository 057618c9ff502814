"""Claims about `audio.spoken_language`."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from earmark.models.device import Device
from earmark.models.error import ModelError
from earmark.models.memory import Memory
from earmark.models.recogniser import Utterance, WhisperRecogniser, load_recogniser
from earmark.models.store import ModelStore
from earmark.models.whisper import Whisper
from earmark.processors.clip import Clip, Piece
from earmark.processors.content import Audio, ContentEvent
from earmark.processors.outcome import OutcomeKind, Result, Signal
from earmark.processors.pipeline import Pipeline
from earmark.processors.signal import ItemView
from earmark.processors.signals.audio_spoken_language import (
    ClipLanguage,
    SpokenLanguageScorer,
    audio_spoken_language,
)
from earmark.processors.threshold import shipped_thresholds

pytestmark = pytest.mark.weights

THRESHOLDS = shipped_thresholds("audio.spoken_language")
VIEW = ItemView(event=ContentEvent(event_id="1", content_id="1", language="fr"))
JFK = files("earmark") / "streams/samples/jfk.wav"
EVALDATA = Path(__file__).parents[4] / "shared" / "evaldata"


@pytest.fixture(scope="module")
def scorer() -> SpokenLanguageScorer:
    made = audio_spoken_language.load(store=ModelStore(), device=Device(), thresholds=THRESHOLDS)
    assert isinstance(made, SpokenLanguageScorer)
    return made


def clip(samples_T: np.ndarray) -> Clip:
    pieces = (Piece(at=0, source=0, length=len(samples_T)),)
    return Clip(samples_T=samples_T.astype(np.float32), pieces=pieces)


def jfk() -> Clip:
    return clip(soundfile.read(str(JFK), dtype="float32")[0])


def concluded(scorer: SpokenLanguageScorer, *clips: tuple[float, float]) -> Result:
    scores = [ClipLanguage(speech_s=speech_s, english=english) for speech_s, english in clips]
    return scorer.conclude(VIEW, scores)


def test_without_speech_nothing_is_asked(scorer: SpokenLanguageScorer) -> None:
    assert concluded(scorer) == Result.skipped("NO_SPEECH")


def test_a_word_is_too_little(scorer: SpokenLanguageScorer) -> None:
    assert concluded(scorer, (0.5, 0.99)) == Result.abstained("TOO_LITTLE_SPEECH")


def test_clips_count_by_their_speech(scorer: SpokenLanguageScorer) -> None:
    assert concluded(scorer, (30.0, 0.9), (2.0, 0.0)).fields["is_english"] is True
    assert concluded(scorer, (2.0, 0.9), (30.0, 0.0)).fields["is_english"] is False


def test_another_language_is_not_named(scorer: SpokenLanguageScorer) -> None:
    assert concluded(scorer, (9.0, 0.1)).fields["language"] is None


def test_between_the_two_it_does_not_say(scorer: SpokenLanguageScorer) -> None:
    result = concluded(scorer, (9.0, 0.5))
    assert (result.outcome, result.reason) == (OutcomeKind.ABSTAINED, "LOW_CONFIDENCE")


def test_an_english_speech_is_english_whatever_is_declared(scorer: SpokenLanguageScorer) -> None:
    result = scorer.conclude(VIEW, scorer.score([jfk()]))
    assert (result.fields["language"], result.fields["is_english"]) == ("en", True)


def test_batches_change_nothing(
    scorer: SpokenLanguageScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Memory, "recall", lambda *_: None)
    short = clip(jfk().samples_T[:40_000])
    together = scorer.score([jfk(), short])
    alone = [scorer.score([each])[0] for each in (jfk(), short)]
    assert [score.english for score in together] == pytest.approx(
        [score.english for score in alone], abs=0.01
    )


def test_what_the_transcript_has_heard_is_not_heard_again(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = Pipeline.load(["audio.spoken_language", "audio.transcript"], device=Device())
    encoded: list[int] = []
    encode = Whisper.encode

    def counting(self: Whisper, *mels: torch.Tensor) -> object:
        encoded.append(len(mels[0]))
        return encode(self, *mels)

    monkeypatch.setattr(Whisper, "encode", counting)
    event = ContentEvent(event_id="1", content_id="1", audio=Audio(data=JFK.read_bytes()))
    said = {each.name: each.result for each in pipeline.run([event]) if isinstance(each, Signal)}
    assert said["audio.spoken_language"].fields["is_english"] is True
    assert said["audio.transcript"].outcome == OutcomeKind.OK
    assert sum(encoded) == 1


@pytest.mark.skipif(not EVALDATA.is_dir(), reason="the labelled sets are not here")
def test_a_spanish_prompt_is_not_english(scorer: SpokenLanguageScorer) -> None:
    from earmark.streams.training.manifest import recording

    spoken = clip(recording(EVALDATA / "speech_multi/files/es_conf-locked.wav"))
    assert scorer.conclude(VIEW, scorer.score([spoken])).fields["is_english"] is False


def test_without_its_head_a_recogniser_does_not_answer() -> None:
    store = ModelStore()
    path = store.path("whisper-tiny.en")
    config = store.path("whisper-tiny.en", "config.json")
    recogniser: WhisperRecogniser = load_recogniser(config, path, Device())
    with pytest.raises(ModelError, match="without the head"):
        recogniser.english_probs([Utterance(samples_T=np.zeros(16_000, np.float32))])
