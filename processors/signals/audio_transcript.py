"""What is said in the speech of a recording, by a Whisper checkpoint.

A checkpoint says something of everything, so most of this module is about when not to believe it.
Of a language that it does not know nothing is said: the event declares it, or it is found. Readings
that look invented (repeating, improbable, or over what is likely no speech) are dropped, with the
rules of Radford et al. 2022, section 4.5, and where nothing is left there is no transcript.
"""

import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain

from earmark.models.recogniser import (
    Heard,
    Reading,
    Utterance,
    WhisperRecogniser,
    load_recogniser,
)
from earmark.models.whisper_tokens import bcp47, primary
from earmark.processors.block import SAMPLE_RATE_HZ
from earmark.processors.clip import Clip
from earmark.processors.content import ContentEvent
from earmark.processors.outcome import Result
from earmark.processors.signal import ItemView, Loading, Part, SignalSpec, Takes, signal
from earmark.processors.threshold import Thresholds

DEFAULT_CARD = "whisper-tiny.en"
ENGLISH_CARD = "spoken-english"  # finds whether it is English; fitted to the default checkpoint

_UNDECLARED = frozenset({"und", "mul", "mis"})  # BCP-47 for: not known, several, without a code


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One stretch of the transcript; times are those of the recording.

    `no_speech_prob` and `compression_ratio` are those of the reading that it stands in.
    """

    start_ms: int
    end_ms: int
    text: str
    avg_logprob: float
    no_speech_prob: float
    compression_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipTranscript:
    """What was read in one clip with `speech_s` seconds of speech, before anything is dropped.

    `known_prob` is the probability that it is in a language that the checkpoint knows; `language`
    is None where that is too small to read it.
    """

    speech_s: float
    language: str | None
    known_prob: float
    segments: tuple[Segment, ...]


class TranscriptScorer:
    """Reads clips, those of all events together; a `ClipScorer`."""

    def __init__(self, recogniser: WhisperRecogniser, thresholds: Thresholds) -> None:
        self.longest_s = recogniser.longest_s
        self._recogniser = recogniser
        self._thresholds = thresholds

    def admit(self, event: ContentEvent) -> Result | None:
        """Abstains where a language is declared that the checkpoint does not know."""
        language = _declared(event.language)
        if language is None or language in self._recogniser.languages:
            return None
        return Result.abstained("LANGUAGE_UNSUPPORTED")

    def score(self, clips: Sequence[Clip]) -> Sequence[ClipTranscript]:
        """What is read in each clip."""
        utterances = [
            Utterance(samples_T=clip.samples_T, language=_declared(clip.language)) for clip in clips
        ]
        heard = self._recogniser.read(utterances)
        return [_transcript(*each) for each in zip(clips, heard, strict=True)]

    def conclude(self, item: ItemView, scores: Sequence[ClipTranscript]) -> Result:
        """The transcript of an item, or why there is none."""
        if not scores:
            return Result.skipped("NO_SPEECH")
        speech_s = sum(clip.speech_s for clip in scores)
        known_s = sum(clip.known_prob * clip.speech_s for clip in scores)
        if known_s < self._thresholds["min_known_probability"] * speech_s:
            return Result.abstained("LANGUAGE_UNSUPPORTED")
        segments = [s for s in chain(*(clip.segments for clip in scores)) if self._is_credible(s)]
        if not segments:
            return Result.abstained("LOW_CONFIDENCE")
        text = " ".join(segment.text for segment in segments)
        return Result.ok(
            language=_commonest_language(scores),
            text=text,
            segments=[asdict(segment) for segment in segments],
            words_per_minute=len(text.split()) * 60 / speech_s,
        )

    def _is_credible(self, segment: Segment) -> bool:
        improbable = segment.avg_logprob < self._thresholds["min_avg_logprob"]
        repeating = segment.compression_ratio > self._thresholds["max_compression_ratio"]
        silent = (
            segment.no_speech_prob > self._thresholds["max_no_speech_prob"]
            and segment.avg_logprob < self._thresholds["min_silent_avg_logprob"]
        )
        return not (improbable or repeating or silent)


def _finders(card: str) -> tuple[str, ...]:
    """What finds whether speech is English, for checkpoints that know nothing else.

    Their names end in `.en`, as OpenAI names them.
    """
    return (ENGLISH_CARD,) if card.endswith(".en") else ()


def transcript_signal(card: str) -> SignalSpec:
    """`audio.transcript` by the Whisper checkpoint of the card."""

    @signal(
        name="audio.transcript",
        takes=Takes.CLIPS,
        reads=frozenset({Part.AUDIO}),
        needs=("audio.speech",),
        models=(card, *_finders(card)),
        companions=_finders,
        reads_language=True,
        record_name="AudioTranscript",
        tolerances={
            "text": 0.05,  # of the words
            "segments": 0.05,  # likewise
            "words_per_minute": 10,
        },
    )
    def spec(loading: Loading) -> TranscriptScorer:
        return _load(loading)

    return spec


audio_transcript = transcript_signal(DEFAULT_CARD)


def _load(loading: Loading) -> TranscriptScorer:
    store, device = loading.store, loading.device
    card, *finders = loading.models
    recogniser = load_recogniser(
        loading.path("config.json"),
        loading.path(),
        device,
        languages=store.card(card).languages,
        english=store.path(finders[0]) if finders else None,
    )
    return TranscriptScorer(recogniser, loading.thresholds)


def _transcript(clip: Clip, heard: Heard) -> ClipTranscript:
    return ClipTranscript(
        speech_s=sum(piece.length for piece in clip.pieces) / SAMPLE_RATE_HZ,
        language=heard.language,
        known_prob=heard.known_prob,
        segments=tuple(chain.from_iterable(_segments(clip, each) for each in heard.readings)),
    )


def compression_ratio(text: str) -> float:
    """Size of a text over its size compressed (zlib): 1 to 2 for prose, more for repetition."""
    encoded = text.encode()
    return len(encoded) / len(zlib.compress(encoded))


def _segments(clip: Clip, reading: Reading) -> list[Segment]:
    ratio = compression_ratio(" ".join(text.text for text in reading.texts))
    return [
        Segment(
            start_ms=clip.source_ms(text.start_s),
            end_ms=clip.source_ms(text.end_s),
            text=text.text,
            avg_logprob=text.avg_logprob,
            no_speech_prob=reading.no_speech_prob,
            compression_ratio=ratio,
        )
        for text in reading.texts
    ]


def _declared(language: str | None) -> str | None:
    """Whisper's code of a declared language; None where none is named."""
    code = primary(language) if language else None
    return None if code in _UNDECLARED else code


def _commonest_language(scores: Sequence[ClipTranscript]) -> str:
    seconds: dict[str, float] = defaultdict(float)
    for clip in scores:
        if clip.language is not None:
            seconds[clip.language] += clip.speech_s
    return bcp47(max(seconds, key=seconds.__getitem__))
