"""Whether the speech of a recording is English.

A logistic regression (card `spoken-english`) on what the encoder of Whisper tiny.en hears, clip by
clip; each clip weighs as much as there is speech in it. Which other language it is is not known.
What the event declares is not looked at: so the two can be compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from earmark.models.recogniser import Utterance, WhisperRecogniser, load_recogniser
from earmark.processors.block import SAMPLE_RATE_HZ
from earmark.processors.clip import Clip
from earmark.processors.content import ContentEvent
from earmark.processors.outcome import Result
from earmark.processors.signal import ItemView, Loading, Part, Takes, signal
from earmark.processors.threshold import Thresholds

ENCODER_CARD = "whisper-tiny.en"  # the head was fitted to its states


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipLanguage:
    """How likely one clip with `speech_s` seconds of speech is English."""

    speech_s: float
    english: float


class SpokenLanguageScorer:
    """Hears clips, those of all events together; a `ClipScorer`."""

    def __init__(self, recogniser: WhisperRecogniser, thresholds: Thresholds) -> None:
        self.longest_s = recogniser.longest_s
        self._recogniser = recogniser
        self._thresholds = thresholds

    def admit(self, event: ContentEvent) -> Result | None:
        """Every recording is heard."""
        del event
        return None

    def score(self, clips: Sequence[Clip]) -> Sequence[ClipLanguage]:
        """How likely each clip is English."""
        utterances = [Utterance(samples_T=clip.samples_T) for clip in clips]
        probs = self._recogniser.english_probs(utterances)
        return [
            ClipLanguage(speech_s=_speech_s(clip), english=english)
            for clip, english in zip(clips, probs, strict=True)
        ]

    def conclude(self, item: ItemView, scores: Sequence[ClipLanguage]) -> Result:
        """What the speech of an item is in, or why it is not said."""
        if not scores:
            return Result.skipped("NO_SPEECH")
        speech_s = sum(clip.speech_s for clip in scores)
        if speech_s * 1000 < self._thresholds["min_speech_ms"]:
            return Result.abstained("TOO_LITTLE_SPEECH")
        english = sum(clip.english * clip.speech_s for clip in scores) / speech_s
        if english >= self._thresholds["english_probability"]:
            return Result.ok(language="en", is_english=True, english_probability=english)
        if english <= self._thresholds["other_probability"]:
            return Result.ok(language=None, is_english=False, english_probability=english)
        return Result.abstained("LOW_CONFIDENCE", english_probability=english)


@signal(
    name="audio.spoken_language",
    takes=Takes.CLIPS,
    reads=frozenset({Part.AUDIO}),
    needs=("audio.speech",),
    follows=("audio.transcript",),  # which hears the same clips by the same encoder
    models=("spoken-english", ENCODER_CARD),
    companions=lambda _: (ENCODER_CARD,),
    record_name="AudioSpokenLanguage",
    tolerances={"english_probability": 0.02},
)
def audio_spoken_language(loading: Loading) -> SpokenLanguageScorer:
    """The scorer with the encoder and the head on it."""
    store, device = loading.store, loading.device
    head, encoder = loading.models
    recogniser = load_recogniser(
        store.path(encoder, "config.json"),
        store.path(encoder),
        device,
        languages=store.card(encoder).languages,
        english=store.path(head),
    )
    return SpokenLanguageScorer(recogniser, loading.thresholds)


def _speech_s(clip: Clip) -> float:
    return sum(piece.length for piece in clip.pieces) / SAMPLE_RATE_HZ
