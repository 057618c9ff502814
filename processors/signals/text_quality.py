"""How the texts of an item are written: length, readability, and what makes text poor.

`scores` from 0 to 1, each where it can be said, of a text and, the highest, of the item:

shouting    share of capitals among letters with case, where at least two words are all capitals
repetitive  the largest share of: rows of one sign, words that follow themselves, strings of twelve
            signs that stood before
spam_like   logistic function, weights set by hand, of links, contacts, calls to act, offers, sums
            of money, exclamation marks and capitals (see `earmark.processors.quality.spam`)
gibberish   logistic function of how surprising the letters are, by tables of letter pairs and
            triples in 17 scripts (see `earmark.models.letter_model`); other and short texts have
            none
template    unfilled slots such as `{name}`, lorem ipsum, texts that only hold a place
mojibake    text decoded by the wrong encoding
markup      tags and entities
disguised   invisible signs within words, letters of two scripts in one word, letters of mathematics

None is a probability that was calibrated to real traffic. `labels` are those that reach their
threshold. Chorus after chorus makes lyrics repetitive, which they are; a newsletter reads like
spam; a long name in capitals shouts.

Readability is computed where text.language has found a language that has a formula, from
`min_readability_words` on (see `earmark.processors.quality.readability`). Transcripts are not read:
their form is the recogniser's. Of long texts the style is judged by the first 20,000 code points.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from earmark.models.letter_model import LetterModel
from earmark.processors.content import Text
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.quality.damage import disguise, markup, mojibake, template
from earmark.processors.quality.prose import Prose, prose, word_count
from earmark.processors.quality.readability import Readability, readability
from earmark.processors.quality.spam import spam
from earmark.processors.quality.style import repetition, shouting
from earmark.processors.sentence import sentences
from earmark.processors.signal import ItemView, Loading, Part, Relabelling, Takes, signal
from earmark.processors.threshold import Thresholds

LABELS = (
    *("shouting", "repetitive", "spam_like", "gibberish"),
    *("template", "mojibake", "markup", "disguised"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """One text and what was measured of it."""

    field: str
    characters: int
    words: int
    sentences: int
    flesch_reading_ease: float | None
    lix: float | None
    scores: Mapping[str, float]

    def entry(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


class QualityScorer:
    """Measures texts; a `PassageScorer`."""

    def __init__(self, letters: LetterModel, thresholds: Thresholds) -> None:
        self._letters = letters
        self._min_letters = thresholds["min_gibberish_letters"]
        self._min_words = thresholds["min_readability_words"]
        self._thresholds = thresholds

    def score(self, items: Sequence[ItemView]) -> Sequence[Result]:
        """One result per item."""
        return [self._conclude(item) for item in items]

    def _conclude(self, item: ItemView) -> Result:
        if not any(text.text.strip() for text in item.event.texts):
            return Result.skipped("NO_TEXT")
        languages = _languages(item)
        measured = [self._measured(text, languages.get(text.field)) for text in item.event.texts]
        scores = _highest(one.scores for one in measured)
        return Result.ok(
            characters=sum(one.characters for one in measured),
            words=sum(one.words for one in measured),
            sentences=sum(one.sentences for one in measured),
            flesch_reading_ease=_mean(measured, "flesch_reading_ease"),
            lix=_mean(measured, "lix"),
            scores=scores,
            labels=quality_labels(scores, self._thresholds),
            fields=[one.entry() for one in measured],
        )

    def _measured(self, text: Text, language: str | None) -> _Measured:
        read = prose(text.text)
        count = _sentence_count(text.text)
        within = count if read.rest == text.text else _sentence_count(read.rest)
        ease = self._readability(read, language, within)
        return _Measured(
            field=text.field,
            characters=len(text.text),
            words=word_count(text.text),
            sentences=count,
            flesch_reading_ease=ease.flesch_reading_ease,
            lix=ease.lix,
            scores=self._scores(read),
        )

    def _scores(self, read: Prose) -> dict[str, float]:
        if not read.text.strip():
            return {}
        found = (
            *(shouting(read), repetition(read), spam(read), self._gibberish(read)),
            *(template(read), mojibake(read), markup(read), disguise(read)),
        )
        return {
            label: score for label, score in zip(LABELS, found, strict=True) if score is not None
        }

    def _gibberish(self, read: Prose) -> float | None:
        surprise = self._letters.surprise(read.rest)
        if surprise is None or surprise.letters < self._min_letters:
            return None
        return surprise.gibberish

    def _readability(self, read: Prose, language: str | None, sentences: int) -> Readability:
        if language is None or len(read.words) < self._min_words:
            return Readability(flesch_reading_ease=None, lix=None)
        return readability(read, language, sentences)


def _sentence_count(text: str) -> int:
    return sum(1 for _ in sentences(text))


def quality_labels(scores: Mapping[str, float], thresholds: Thresholds) -> list[str]:
    """What the scores reach their thresholds for."""
    return [label for label in LABELS if scores.get(label, 0.0) >= thresholds[f"{label}_score"]]


def _relabelled(result: Result, old: Thresholds, new: Thresholds) -> Result:
    """The labels are all that follows from the thresholds, and every score is published."""
    del old
    if result.outcome != OutcomeKind.OK:
        return result
    fields: dict[str, Any] = dict(result.fields)
    return Result.ok(**{**fields, "labels": quality_labels(fields["scores"], new)})


@signal(
    name="text.quality",
    takes=Takes.PASSAGES,
    reads=frozenset({Part.TEXTS}),
    needs=("text.language",),
    models=("letter-surprise",),
    taxonomy=("earmark.text-quality", "1"),
    record_name="TextQuality",
    relabelling=Relabelling(
        thresholds=tuple(f"{label}_score" for label in LABELS), apply=_relabelled
    ),
)
def text_quality(loading: Loading) -> QualityScorer:
    """The scorer with its tables of letters."""
    return QualityScorer(LetterModel.load(loading.path()), loading.thresholds)


def _languages(item: ItemView) -> dict[str, str]:
    """Primary subtags that text.language has found, by field."""
    result = item.results.get("text.language")
    entries: Any = result.fields.get("fields", ()) if result is not None else ()
    return {
        entry["field"]: entry["language"].split("-")[0]
        for entry in entries
        if entry["language"] is not None
    }


def _highest(scores: Iterable[Mapping[str, float]]) -> dict[str, float]:
    best: dict[str, float] = {}
    for of_text in scores:
        for label, score in of_text.items():
            best[label] = max(best.get(label, 0.0), score)
    return best


def _mean(measured: Sequence[_Measured], name: str) -> float | None:
    """Over the texts that have it, weighed by their words."""
    have = [one for one in measured if getattr(one, name) is not None and one.words]
    words = sum(one.words for one in have)
    return sum(getattr(one, name) * one.words for one in have) / words if words else None
