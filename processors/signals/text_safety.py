"""Harms in the texts of an item and in what is said in its audio.

So far one label, `profanity`, by a classifier that reads English. A text in another language,
declared or found, is not scored: its low score would say nothing. Where no language is declared
and the text is too short to find one, it is scored if most of its words are known to be English.

The score of a text is that of its worst sentence, and so is that of an item: long texts are not
excused by their length. `severity` stays null, since the classifier knows none. Spans are the
sentences over the threshold, of huge texts the worst `MAX_SPANS`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Any

from earmark.models.profanity import ProfanityClassifier, load_profanity
from earmark.processors.content import Text
from earmark.processors.english import (
    TRANSCRIPT,
    EnglishGate,
    english_transcript,
    nothing_read,
)
from earmark.processors.outcome import Result
from earmark.processors.sentence import Sentence, sentences
from earmark.processors.signal import ItemView, Loading, Part, Takes, signal
from earmark.processors.threshold import Thresholds

PROFANITY = "profanity"
TEXT, AUDIO = "text", "audio"  # input types
MAX_SPANS = 500  # keeps the record under 60 kB


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passage:
    """One text that the classifier can read, as sentences."""

    input_type: str
    field: str
    text: str
    sentences: tuple[Sentence, ...]

    def readings(self) -> list[str]:
        """The sentences as they stand in the text."""
        return [self.text[s.start : s.end] for s in self.sentences]


class SafetyScorer:
    """Scores texts and transcripts sentence by sentence; a `PassageScorer`."""

    def __init__(self, classifier: ProfanityClassifier, thresholds: Thresholds) -> None:
        self._classifier = classifier
        self._label_probability = thresholds["profanity_probability"]
        self._gate = EnglishGate(classifier.coverage, thresholds)

    def score(self, items: Sequence[ItemView]) -> Sequence[Result]:
        """One result per item; each different sentence of the batch is read once."""
        passages = [list(self._passages(item)) for item in items]
        readings = dict.fromkeys(
            reading for of_item in passages for passage in of_item for reading in passage.readings()
        )
        probabilities = self._classifier.probabilities(list(readings)).tolist()
        scores = dict(zip(readings, probabilities, strict=True))
        return [
            self._conclude(item, of_item, scores) if of_item else nothing_read(item)
            for item, of_item in zip(items, passages, strict=True)
        ]

    def _passages(self, item: ItemView) -> Iterator[_Passage]:
        for text in self._gate.texts(item):
            yield _passage(TEXT, text)
        transcript = english_transcript(item)
        if transcript is not None:
            yield _passage(AUDIO, transcript)

    def _conclude(
        self, item: ItemView, passages: Sequence[_Passage], scores: Mapping[str, float]
    ) -> Result:
        by_input: dict[str, dict[str, float]] = {}
        spans: list[dict[str, Any]] = []
        for passage in passages:
            sentence_scores = [scores[reading] for reading in passage.readings()]
            worst = by_input.setdefault(passage.input_type, {PROFANITY: 0.0})
            worst[PROFANITY] = max(worst[PROFANITY], *sentence_scores)
            spans += self._spans(passage, sentence_scores)
        score = max(scores_of[PROFANITY] for scores_of in by_input.values())
        is_spoken = any(span["field"] == TRANSCRIPT for span in spans) and AUDIO in by_input
        return Result.ok(
            scores={PROFANITY: score},
            labels=[PROFANITY] if score >= self._label_probability else [],
            severity=None,
            spans=_worst(spans),
            applied_input_types=[kind for kind in (TEXT, AUDIO) if kind in by_input],
            by_input=by_input,
            source_signal_id=item.signal_ids.get("audio.transcript") if is_spoken else None,
        )

    def _spans(self, passage: _Passage, scores: Sequence[float]) -> Iterator[dict[str, Any]]:
        for sentence, score in zip(passage.sentences, scores, strict=True):
            if score >= self._label_probability:
                yield {
                    "field": passage.field,
                    "start": sentence.start,
                    "end": sentence.end,
                    "label": PROFANITY,
                    "score": score,
                }


@signal(
    name="text.safety",
    takes=Takes.PASSAGES,
    reads=frozenset({Part.AUDIO, Part.TEXTS}),
    needs=("text.language", "audio.transcript"),
    models=("profanity-check",),
    taxonomy=("earmark.harm", "1"),
    reads_language=True,
    record_name="TextSafety",
)
def text_safety(loading: Loading) -> SafetyScorer:
    """The scorer with the profanity classifier."""
    classifier = load_profanity(loading.path(), loading.path("vocabulary.json"))
    return SafetyScorer(classifier, loading.thresholds)


def _passage(input_type: str, text: Text) -> _Passage:
    return _Passage(
        input_type=input_type,
        field=text.field,
        text=text.text,
        sentences=tuple(sentences(text.text)),
    )


def _worst(spans: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The spans with the highest scores, in the order in which they stand."""
    kept = nlargest(MAX_SPANS, range(len(spans)), key=lambda at: (spans[at]["score"], -at))
    return [spans[at] for at in sorted(kept)]
