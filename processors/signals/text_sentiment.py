"""Whether the texts of an item speak well or ill, by VADER's lexicon and rules and a head on them.

Polarity is VADER's, the mean over sentences, from -1 to 1; that of the item is the mean over the
sentences of all its texts. A head that has seen how people rate turns it, the words and their
embedding into probabilities of how people would rate the text, and the label is the most probable:
see the card `text-sentiment` for what they are worth. A label may differ from the polarity's sign.

Only English is read, and what is said in audio is not. It counts words: irony, quotations, and
what a remark is aimed at are lost on it, and lyrics that tell of grief are negative to it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from earmark.models.profanity import load_coverage
from earmark.models.sentiment_head import SentimentHead, load_sentiment_head
from earmark.models.static_embedding import load_static_embedding
from earmark.models.vader import Polarity, Vader, load_vader
from earmark.processors.content import Text
from earmark.processors.english import EnglishGate, nothing_read
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.sentence import sentences
from earmark.processors.signal import ItemView, Loading, Part, Relabelling, Takes, signal
from earmark.processors.threshold import Thresholds

MODEL = "text-sentiment"
VADER = "vader"
VOCABULARY = "profanity-check"  # its words tell whether a short text is English
EMBEDDING = "wordllama-l2-supercat-256"  # the head stands on it
LEAST = "min_probability"
UNSURE = "LOW_CONFIDENCE"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passage:
    """One text as sentences."""

    text: str
    field: str
    readings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rating:
    """The polarity of a passage, and how probably people find it what."""

    polarity: float
    probabilities: Mapping[str, float]


class SentimentScorer:
    """Finds the polarity of texts; a `PassageScorer`."""

    def __init__(
        self, vader: Vader, head: SentimentHead, gate: EnglishGate, thresholds: Thresholds
    ) -> None:
        self._vader = vader
        self._head = head
        self._gate = gate
        self._min_probability = thresholds[LEAST]

    def score(self, items: Sequence[ItemView]) -> Sequence[Result]:
        """One result per item; each different sentence, and each text, is read once."""
        passages = [[_passage(text) for text in self._gate.texts(item)] for item in items]
        rated = self._rated([each for of_item in passages for each in _and_whole(of_item)])
        return [
            self._conclude(of_item, rated) if of_item else nothing_read(item)
            for item, of_item in zip(items, passages, strict=True)
        ]

    def _rated(self, passages: Sequence[_Passage]) -> Mapping[_Passage, _Rating]:
        readings = list(dict.fromkeys(reading for each in passages for reading in each.readings))
        read = dict(zip(readings, self._vader.polarities(readings), strict=True))
        means = {
            each: Polarity.mean([read[reading] for reading in each.readings]) for each in passages
        }
        rows = self._head.probabilities([each.text for each in means], list(means.values()))
        return {
            each: _Rating(polarity=mean.value, probabilities=row)
            for (each, mean), row in zip(means.items(), rows, strict=True)
        }

    def _conclude(self, passages: Sequence[_Passage], rated: Mapping[_Passage, _Rating]) -> Result:
        fields = [
            {
                "field": each.field,
                "polarity": rated[each].polarity,
                **self._said(rated[each].probabilities),
            }
            for each in passages
        ]
        *_, whole = _and_whole(passages)
        polarity, probabilities = rated[whole].polarity, rated[whole].probabilities
        said = self._said(probabilities)
        common = {"probabilities": probabilities, "polarity": polarity, "fields": fields}
        if said["label"] is None:
            return Result.abstained(UNSURE, **common)
        return Result.ok(**common, **said)

    def _said(self, probabilities: Mapping[str, float]) -> dict[str, Any]:
        return _label_of(probabilities, self._min_probability)


def likeliest(probabilities: Mapping[str, float], least: float) -> str | None:
    """The most probable label; None where that is less probable than `least`."""
    label = max(probabilities, key=lambda name: probabilities[name])
    return label if probabilities[label] >= least else None


def _label_of(probabilities: Mapping[str, float], least: float) -> dict[str, Any]:
    """The most probable label and its probability, unless that is too low."""
    label = likeliest(probabilities, least)
    return {"label": label, "confidence": None if label is None else probabilities[label]}


def _relabelled(result: Result, old: Thresholds, new: Thresholds) -> Result | None:
    """Of a text by itself only the published label is known: a lower bar needs it read again."""
    if result.outcome != OutcomeKind.OK and result.reason != UNSURE:
        return result
    stored: dict[str, Any] = dict(result.fields)
    least = new[LEAST]
    if least < old[LEAST] and any(field["label"] is None for field in stored["fields"]):
        return None
    nothing = {"label": None, "confidence": None}
    said = _label_of(stored["probabilities"], least)
    common = {
        "probabilities": stored["probabilities"],
        "polarity": stored["polarity"],
        "fields": [
            {**field, **(nothing if (field["confidence"] or 0.0) < least else {})}
            for field in stored["fields"]
        ],
    }
    if said["label"] is None:
        return Result.abstained(UNSURE, **common)
    return Result.ok(**common, **said)


@signal(
    name="text.sentiment",
    takes=Takes.PASSAGES,
    reads=frozenset({Part.TEXTS}),
    needs=("text.language",),
    models=(MODEL, VADER, VOCABULARY, EMBEDDING),
    companions=lambda _: (VADER, VOCABULARY, EMBEDDING),
    reads_language=True,
    record_name="TextSentiment",
    relabelling=Relabelling(thresholds=(LEAST,), apply=_relabelled),
)
def text_sentiment(loading: Loading) -> SentimentScorer:
    """The scorer with VADER's lexicon and the card's head on it."""
    store = loading.store
    vader = load_vader(store.path(VADER, "lexicon.txt"), store.path(VADER, "emoji.txt"))
    embedding = load_static_embedding(
        store.path(EMBEDDING), store.path(EMBEDDING, "tokenizer.json")
    )
    head = load_sentiment_head(loading.path(), embedding)
    coverage = load_coverage(store.path(VOCABULARY, "vocabulary.json"))
    gate = EnglishGate(coverage, loading.thresholds)
    return SentimentScorer(vader, head, gate, loading.thresholds)


def _passage(text: Text) -> _Passage:
    found = tuple(text.text[s.start : s.end] for s in sentences(text.text))
    return _Passage(text=text.text, field=text.field, readings=found)


def _and_whole(passages: Sequence[_Passage]) -> Iterator[_Passage]:
    """The passages of an item, and all of them as one where there are several."""
    yield from passages
    if len(passages) > 1:
        yield _Passage(
            text="\n".join(passage.text for passage in passages),
            field="",
            readings=tuple(reading for passage in passages for reading in passage.readings),
        )
