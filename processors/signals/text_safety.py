"""Harms in the texts of an item and in what is said in its audio.

The shipped classifier (card `text-harm`: linear heads, trained here, on words, pieces of words, a
static embedding and profanity-check) reads English and knows the labels that its card names. The
other harms are unknown to it, and it gives them no score. A card of kind `sequence-classification`
serves instead (`--model text.safety=unbiased-toxic-roberta`): its `label_map` says which of our
harms it knows, its `languages` what it reads. A text in another language, declared or found, is not
scored: its low score would say nothing. Where no language is declared and the text is too short to
find one, it is scored if most of its words are known to be English and English is read.

The score of a text is that of its worst sentence, label by label, and so is that of an item: long
texts are not excused by their length. The shipped classifier reads each sentence once by itself and
once in the run of sentences around it (`CONTEXT` code points); the mean of both log odds is the
sentence's score, for the worst of many sentences alone is a matter of luck. `severity` stays null,
since no classifier here knows one. Spans are the sentences over a label's threshold, of huge texts
the worst `MAX_SPANS`. A label without a threshold of its own has `default_probability`. Scores of a
card's model are its own probabilities, calibrated by nobody here; those of the shipped one are
calibrated on rows held out, of which far more were harmful than is usual.

A card with an `[instruction]` is served by the endpoint that the host was given; what that would
not or could not score of an item is an abstention for the item (`ANSWER_REFUSED`,
`ANSWER_TRUNCATED`, `ANSWER_INVALID`, `BUDGET_SPENT`).
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Any, Protocol

from earmark.models.harm_head import HarmHeads, load_harm_heads
from earmark.models.profanity import ProfanityClassifier, load_coverage, load_profanity
from earmark.models.static_embedding import load_static_embedding
from earmark.processors.content import Text
from earmark.processors.english import LanguageGate, nothing_read
from earmark.processors.error import ConfigurationError
from earmark.processors.item_text import TRANSCRIPT
from earmark.processors.labels import labels_and_spans
from earmark.processors.outcome import Result
from earmark.processors.sentence import Sentence, sentences, surroundings
from earmark.processors.signal import ItemView, Loading, Part, Relabelling, Takes, signal
from earmark.processors.taxonomy.harm import harms
from earmark.processors.threshold import Thresholds, label_limit

MODEL = "text-harm"  # and cards whose names begin so are heads of the same kind
WORDS = "profanity-check"  # its vocabulary tells short English from short other texts
EMBEDDING = "wordllama-l2-supercat-256"
PROFANITY = "profanity"
TEXT, AUDIO = "text", "audio"  # input types
_MARGIN = 1e-6  # log odds of 0 and 1 are not finite
MAX_SPANS = 500  # keeps the record under 60 kB
CONTEXT = 400  # code points around a sentence that the shipped classifier reads with it

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
    surroundings: tuple[Sentence, ...]

    def readings(self) -> list[tuple[str, str]]:
        """The sentences as they stand in the text, each with what it is read in."""
        return [
            (self.text[part.start : part.end], self.text[around.start : around.end])
            for part, around in zip(self.sentences, self.surroundings, strict=True)
        ]


class SafetyScorer:
    """Scores texts and transcripts sentence by sentence; a `PassageScorer`."""

    def __init__(
        self,
        classifier: HarmClassifier,
        coverage: Callable[[str], float],
        thresholds: Thresholds,
        *,
        context: int = 0,
    ) -> None:
        self._classifier = classifier
        self._context = context
        self._limits = {label: label_limit(label, thresholds) for label in classifier.labels}
        self._gate = LanguageGate(classifier.languages, coverage, thresholds)

    def score(self, items: Sequence[ItemView]) -> Sequence[Result]:
        """One result per item; each different sentence of the batch is read once."""
        passages = [list(self._passages(item)) for item in items]
        readings = dict.fromkeys(
            text
            for of_item in passages
            for passage in of_item
            for reading in passage.readings()
            for text in reading
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
            yield _passage(TEXT, text, self._context)
        transcript = self._gate.transcript(item)
        if transcript is not None:
            yield _passage(AUDIO, transcript, self._context)

    def _conclude(
        self, item: ItemView, passages: Sequence[_Passage], rows: Mapping[str, Scores | str]
    ) -> Result:
        of_item = {
            reading: in_context(*(rows[text] for text in reading))
            for each in passages
            for reading in each.readings()
        }
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


def in_context(alone: Scores | str, around: Scores | str) -> Scores | str:
    """The scores of a sentence: the mean log odds of it alone and of what stands around it."""
    if isinstance(alone, str) or isinstance(around, str):
        return alone if isinstance(alone, str) else around
    if alone == around:
        return alone
    return [
        1 / (1 + math.exp(-(_log_odds(a) + _log_odds(b)) / 2))
        for a, b in zip(alone, around, strict=True)
    ]


def _log_odds(probability: float) -> float:
    clear = min(max(probability, _MARGIN), 1 - _MARGIN)
    return math.log(clear / (1 - clear))


def _companions(card: str) -> tuple[str, ...]:
    """What the shipped heads stand on; of other cards, the vocabulary that knows English."""
    if card == WORDS:
        return ()
    return (WORDS, EMBEDDING) if card.startswith(MODEL) else (WORDS,)


@signal(
    name="text.safety",
    takes=Takes.PASSAGES,
    reads=frozenset({Part.AUDIO, Part.TEXTS}),
    needs=("text.language", "audio.transcript"),
    models=(MODEL, WORDS, EMBEDDING),
    companions=_companions,
    taxonomy=("earmark.harm", "1"),
    reads_language=True,
    record_name="TextSafety",
    card_tolerance=0.03,  # bf16
    relabelling=Relabelling(
        thresholds=tuple(f"{name}_probability" for name in ("default", *sorted(harms()))),
        apply=labels_and_spans,
    ),
)
def text_safety(loading: Loading) -> SafetyScorer:
    """The scorer with the shipped heads, or with the checkpoint of a card."""
    vocabulary = loading.store.path(WORDS, "vocabulary.json")
    classifier = _classifier(loading)
    if unknown := sorted(set(classifier.labels) - harms().keys()):
        raise ConfigurationError(
            f"{loading.models[0]}: {unknown[0]!r} is no harm of text.safety; "
            "say in the card's label_map which one it is"
        )
    context = CONTEXT if isinstance(classifier, HarmHeads) else 0
    return SafetyScorer(classifier, load_coverage(vocabulary), loading.thresholds, context=context)


def _classifier(loading: Loading) -> HarmClassifier:
    card = loading.models[0]
    if loading.store.card(card).instruction is not None:
        if card not in loading.services:
            raise ConfigurationError(f"{card} is served by an endpoint, and none is set here")
        service: HarmClassifier = loading.services[card]
        return service
    if card == WORDS:
        return Profanity(_profanity(loading))
    if card.startswith(MODEL):
        embedding = load_static_embedding(
            loading.store.path(EMBEDDING), loading.store.path(EMBEDDING, "tokenizer.json")
        )
        labels = loading.store.card(card).labels
        return load_harm_heads(loading.path(), labels, embedding, _profanity(loading))
    from earmark.models.text_classifier import load_text_classifier

    return load_text_classifier(loading.store, card, loading.device)


def _profanity(loading: Loading) -> ProfanityClassifier:
    store = loading.store
    return load_profanity(store.path(WORDS), store.path(WORDS, "vocabulary.json"))


def _passage(input_type: str, text: Text, context: int) -> _Passage:
    parts = tuple(sentences(text.text))
    return _Passage(
        input_type=input_type,
        field=text.field,
        text=text.text,
        sentences=parts,
        surroundings=tuple(surroundings(parts, context)),
    )


def _worst(spans: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The spans with the highest scores, in the order in which they stand."""
    kept = nlargest(MAX_SPANS, range(len(spans)), key=lambda at: (spans[at]["score"], -at))
    return [spans[at] for at in sorted(kept)]
