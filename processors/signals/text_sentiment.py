"""Whether the texts of an item speak well or ill, by VADER's lexicon and rules and a head on them.

Polarity is VADER's, the mean over sentences, from -1 to 1; that of the item is the mean over the
sentences of all its texts. A head that has seen how people rate turns it, the words and their
embedding into probabilities of how people would rate the text, and the label is the most probable:
see the card `text-sentiment` for what they are worth. A label may differ from the polarity's sign.

Only English is read, and what is said in audio is not. It counts words: irony, quotations, and
what a remark is aimed at are lost on it, and lyrics that tell of grief are negative to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
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


_Asked = tuple[str, Polarity]  # a text, and the mean of its sentences
_Rated = tuple[_Asked, Mapping[str, float]]  # and what the head says of it


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
        """One result per item; each different sentence of the batch is read once."""
        passages = [[_passage(text) for text in self._gate.texts(item)] for item in items]
        readings = list(
            dict.fromkeys(r for of_item in passages for p in of_item for r in p.readings)
        )
        read = dict(zip(readings, self._vader.polarities(readings), strict=True))
        asked = [_asked(of_item, read) for of_item in passages]
        texts, polarities = [*zip(*chain(*asked), strict=True)] or ((), ())
        found = iter(self._head.probabilities(texts, polarities))
        return [
            self._conclude(of_item, [*zip(of_asked, found, strict=False)])
            if of_item
            else nothing_read(item)
            for item, of_item, of_asked in zip(items, passages, asked, strict=True)
        ]

    def _conclude(self, passages: Sequence[_Passage], rated: Sequence[_Rated]) -> Result:
        """`rated` are the passages and, where there are several, the item after them."""
        fields = [
            {"field": passage.field, "polarity": polarity.value, **self._said(probabilities)}
            for passage, ((_, polarity), probabilities) in zip(passages, rated, strict=False)
        ]
        (_, whole), probabilities = rated[-1]
        said = self._said(probabilities)
        common = {"probabilities": probabilities, "polarity": whole.value, "fields": fields}
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


def _asked(passages: Sequence[_Passage], read: Mapping[str, Polarity]) -> list[_Asked]:
    """Each passage and, where there are several, all of them as one text."""
    of_fields = [[read[reading] for reading in passage.readings] for passage in passages]
    asked = [(p.text, Polarity.mean(found)) for p, found in zip(passages, of_fields, strict=True)]
    if len(passages) > 1:
        text = "\n".join(passage.text for passage in passages)
        asked.append((text, Polarity.mean([*chain(*of_fields)])))
    return asked


def _passage(text: Text) -> _Passage:
    found = tuple(text.text[s.start : s.end] for s in sentences(text.text))
    return _Passage(text=text.text, field=text.field, readings=found)
