"""Whether the texts of an item speak well or ill, by VADER's lexicon and rules.

Polarity is the mean over sentences, from -1 to 1; that of the item is the mean over the sentences
of all its texts. A model of four numbers turns it into probabilities of how people would rate it,
and the label is the most probable: see the card `vader` for what they are worth. Neutral is said
only of texts without a word of the lexicon, and never with much confidence.

Only English is read, and what is said in audio is not. It counts words: irony, quotations, and
what a remark is aimed at are lost on it, and lyrics that tell of grief are negative to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from earmark.models.profanity import load_coverage
from earmark.models.vader import Polarity, Vader, load_vader
from earmark.processors.content import Text
from earmark.processors.english import EnglishGate, nothing_read
from earmark.processors.outcome import Result
from earmark.processors.sentence import sentences
from earmark.processors.signal import ItemView, Loading, Part, Takes, signal
from earmark.processors.threshold import Thresholds

VOCABULARY = "profanity-check"  # its words tell whether a short text is English


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passage:
    """One text as sentences."""

    field: str
    readings: tuple[str, ...]


class SentimentScorer:
    """Finds the polarity of texts; a `PassageScorer`."""

    def __init__(self, vader: Vader, gate: EnglishGate, thresholds: Thresholds) -> None:
        self._vader = vader
        self._gate = gate
        self._min_probability = thresholds["min_probability"]

    def score(self, items: Sequence[ItemView]) -> Sequence[Result]:
        """One result per item; each different sentence of the batch is read once."""
        passages = [[_passage(text) for text in self._gate.texts(item)] for item in items]
        readings = list(
            dict.fromkeys(r for of_item in passages for p in of_item for r in p.readings)
        )
        read = dict(zip(readings, self._vader.polarities(readings), strict=True))
        return [
            self._conclude(of_item, read) if of_item else nothing_read(item)
            for item, of_item in zip(items, passages, strict=True)
        ]

    def _conclude(self, passages: Sequence[_Passage], read: Mapping[str, Polarity]) -> Result:
        of_fields = [[read[reading] for reading in passage.readings] for passage in passages]
        fields = [
            {"field": passage.field, **self._said(polarities)}
            for passage, polarities in zip(passages, of_fields, strict=True)
        ]
        whole = _mean([polarity for polarities in of_fields for polarity in polarities])
        probabilities = self._vader.calibration.probabilities(whole)
        said = self._said([whole])
        common = {"probabilities": probabilities, "polarity": whole.value, "fields": fields}
        if said["label"] is None:
            return Result.abstained("LOW_CONFIDENCE", **common)
        return Result.ok(**common, label=said["label"], confidence=said["confidence"])

    def _said(self, polarities: Sequence[Polarity]) -> dict[str, Any]:
        """Polarity, and the most probable label unless that is too improbable."""
        mean = _mean(polarities)
        probabilities = self._vader.calibration.probabilities(mean)
        label = max(probabilities, key=lambda name: probabilities[name])
        is_sure = probabilities[label] >= self._min_probability
        return {
            "polarity": mean.value,
            "label": label if is_sure else None,
            "confidence": probabilities[label] if is_sure else None,
        }


@signal(
    name="text.sentiment",
    takes=Takes.PASSAGES,
    reads=frozenset({Part.TEXTS}),
    needs=("text.language",),
    models=("vader", VOCABULARY),
    companions=lambda card: (VOCABULARY,),
    reads_language=True,
    record_name="TextSentiment",
)
def text_sentiment(loading: Loading) -> SentimentScorer:
    """The scorer with VADER's lexicon."""
    vader = load_vader(
        loading.path("lexicon.txt"), loading.path("emoji.txt"), loading.path("calibration.json")
    )
    coverage = load_coverage(loading.store.path(loading.models[1], "vocabulary.json"))
    return SentimentScorer(vader, EnglishGate(coverage, loading.thresholds), loading.thresholds)


def _passage(text: Text) -> _Passage:
    found = tuple(text.text[s.start : s.end] for s in sentences(text.text))
    return _Passage(field=text.field, readings=found)


def _mean(polarities: Sequence[Polarity]) -> Polarity:
    return Polarity(
        value=fmean(polarity.value for polarity in polarities),
        wordless=all(polarity.wordless for polarity in polarities),
    )
