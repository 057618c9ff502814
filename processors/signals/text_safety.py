"""Harms in the texts of an item and in what is said in its audio.

The shipped classifier knows one label, `profanity`, and reads English. A card of kind
`sequence-classification` serves instead (`--model text.safety=unbiased-toxic-roberta`): its
`label_map` says which of our harms it knows, its `languages` what it reads. A text in another
language, declared or found, is not scored: its low score would say nothing. Where no language is
declared and the text is too short to find one, it is scored if most of its words are known to be
English and English is read.

The score of a text is that of its worst sentence, label by label, and so is that of an item: long
texts are not excused by their length. `severity` stays null, since no classifier here knows one.
Spans are the sentences over a label's threshold, of huge texts the worst `MAX_SPANS`. A label
without a threshold of its own has `default_probability`. Scores of a card's model are its own
probabilities, calibrated by nobody here.

A card with an `[instruction]` is served by the endpoint that the host was given; what that would
not or could not score of an item is an abstention for the item (`ANSWER_REFUSED`,
`ANSWER_TRUNCATED`, `ANSWER_INVALID`, `BUDGET_SPENT`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Any, Protocol

from earmark.models.profanity import ProfanityClassifier, load_coverage, load_profanity
from earmark.processors.content import Text
from earmark.processors.english import TRANSCRIPT, LanguageGate, nothing_read
from earmark.processors.error import ConfigurationError
from earmark.processors.labels import label_limit, labels_and_spans
from earmark.processors.outcome import Result
from earmark.processors.sentence import Sentence, sentences
from earmark.processors.signal import ItemView, Loading, Part, Relabelling, Takes, signal
from earmark.processors.taxonomy.harm import harms
from earmark.processors.threshold import Thresholds

MODEL = "profanity-check"
PROFANITY = "profanity"
TEXT, AUDIO = "text", "audio"  # input types
MAX_SPANS = 500  # keeps the record under 60 kB

Scores = Sequence[float]  # in the order of the classifier's labels


class HarmClassifier(Protocol):
    """Says how likely each of its labels is for a text; `languages` are BCP-47, none: any."""

    labels: tuple[str, ...]
    languages: tuple[str, ...]

    def probabilities(self, texts: Sequence[str]) -> Any:
        """Probability in [0, 1] per text and label, a numpy array `(texts, labels)`.

        Or a list of such rows, where an upper-case reason stands for a text that it did not score.
        """


class Profanity:
    """The profanity classifier as one of harms."""

    labels: tuple[str, ...] = (PROFANITY,)
    languages: tuple[str, ...] = ("en",)

    def __init__(self, classifier: ProfanityClassifier) -> None:
        self._classifier = classifier

    def probabilities(self, texts: Sequence[str]) -> Any:
        """Probability in [0, 1] that a text is offensive, `(texts, 1)`."""
        return self._classifier.probabilities(texts)[:, None]


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

    def __init__(
        self,
        classifier: HarmClassifier,
        coverage: Callable[[str], float],
        thresholds: Thresholds,
    ) -> None:
        self._classifier = classifier
        self._limits = {label: label_limit(label, thresholds) for label in classifier.labels}
        self._gate = LanguageGate(classifier.languages, coverage, thresholds)

    def score(self, items: Sequence[ItemView]) -> Sequence[Result]:
        """One result per item; each different sentence of the batch is read once."""
        passages = [list(self._passages(item)) for item in items]
        readings = dict.fromkeys(
            reading for of_item in passages for passage in of_item for reading in passage.readings()
        )
        rows = self._classifier.probabilities(list(readings))
        rows = rows if isinstance(rows, list) else rows.tolist()
        scores: dict[str, Scores | str] = dict(zip(readings, rows, strict=True))
        return [
            self._conclude(item, of_item, scores) if of_item else nothing_read(item)
            for item, of_item in zip(items, passages, strict=True)
        ]

    def _passages(self, item: ItemView) -> Iterator[_Passage]:
        for text in self._gate.texts(item):
            yield _passage(TEXT, text)
        transcript = self._gate.transcript(item)
        if transcript is not None:
            yield _passage(AUDIO, transcript)

    def _conclude(
        self, item: ItemView, passages: Sequence[_Passage], rows: Mapping[str, Scores | str]
    ) -> Result:
        of_item = {reading: rows[reading] for each in passages for reading in each.readings()}
        scores = {key: row for key, row in of_item.items() if not isinstance(row, str)}
        for reason in of_item.values():
            if isinstance(reason, str):  # the rest alone would make the item look better than it is
                return Result.abstained(reason)
        by_input: dict[str, dict[str, float]] = {}
        spans: list[dict[str, Any]] = []
        for passage in passages:
            sentence_scores = [scores[reading] for reading in passage.readings()]
            worst = by_input.setdefault(passage.input_type, {})
            for label, of_label in zip(
                self._limits, zip(*sentence_scores, strict=True), strict=True
            ):
                worst[label] = max(worst.get(label, 0.0), *of_label)
            spans += self._spans(passage, sentence_scores)
        worst_of = {label: max(each[label] for each in by_input.values()) for label in self._limits}
        is_spoken = any(span["field"] == TRANSCRIPT for span in spans) and AUDIO in by_input
        return Result.ok(
            scores=worst_of,
            labels=[label for label, score in worst_of.items() if score >= self._limits[label]],
            severity=None,
            spans=_worst(spans),
            applied_input_types=[kind for kind in (TEXT, AUDIO) if kind in by_input],
            by_input=by_input,
            source_signal_id=item.signal_ids.get("audio.transcript") if is_spoken else None,
        )

    def _spans(self, passage: _Passage, scores: Sequence[Scores]) -> Iterator[dict[str, Any]]:
        for sentence, of_sentence in zip(passage.sentences, scores, strict=True):
            for (label, limit), score in zip(self._limits.items(), of_sentence, strict=True):
                if score >= limit:
                    yield {
                        "field": passage.field,
                        "start": sentence.start,
                        "end": sentence.end,
                        "label": label,
                        "score": score,
                    }


def _companions(card: str) -> tuple[str, ...]:
    """The card whose vocabulary tells short English from short other texts."""
    return () if card == MODEL else (MODEL,)


@signal(
    name="text.safety",
    takes=Takes.PASSAGES,
    reads=frozenset({Part.AUDIO, Part.TEXTS}),
    needs=("text.language", "audio.transcript"),
    models=(MODEL,),
    companions=_companions,
    taxonomy=("earmark.harm", "1"),
    reads_language=True,
    record_name="TextSafety",
    card_tolerance=0.03,  # bf16
    relabelling=Relabelling(
        thresholds=("profanity_probability", "default_probability"), apply=labels_and_spans
    ),
)
def text_safety(loading: Loading) -> SafetyScorer:
    """The scorer with the profanity classifier, or with the checkpoint of a card."""
    vocabulary = loading.store.path(MODEL, "vocabulary.json")
    classifier = _classifier(loading)
    if unknown := sorted(set(classifier.labels) - harms().keys()):
        raise ConfigurationError(
            f"{loading.models[0]}: {unknown[0]!r} is no harm of text.safety; "
            "say in the card's label_map which one it is"
        )
    return SafetyScorer(classifier, load_coverage(vocabulary), loading.thresholds)


def _classifier(loading: Loading) -> HarmClassifier:
    card = loading.models[0]
    if loading.store.card(card).instruction is not None:
        if card not in loading.services:
            raise ConfigurationError(f"{card} is served by an endpoint, and none is set here")
        service: HarmClassifier = loading.services[card]
        return service
    if card != MODEL:
        from earmark.models.text_classifier import load_text_classifier

        return load_text_classifier(loading.store, card, loading.device)
    return Profanity(load_profanity(loading.path(), loading.path("vocabulary.json")))


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
