"""VADER: the polarity of English sentences by a lexicon and rules.

The rules are those of the package vaderSentiment (MIT). Its compound score is no probability: what
it is worth, `models.sentiment_head` has learned.

Source: Hutto and Gilbert, VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social
Media Text, ICWSM 2014.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from earmark.models.error import ModelError

MOST_EMOJI = 20  # of a sentence that count: each becomes words, and time grows with their square


@dataclass(frozen=True, slots=True, kw_only=True)
class Polarity:
    """The compound score, -1 to 1; `wordless` where no word of the lexicon was found.

    `praise` and `blame` are the shares of the sentence that speak well and ill, of its `words`.
    """

    value: float
    wordless: bool
    praise: float = 0.0
    blame: float = 0.0
    words: float = 0.0

    @classmethod
    def mean(cls, polarities: Sequence["Polarity"]) -> "Polarity":
        """That of several sentences, which count alike."""
        return cls(
            value=fmean(each.value for each in polarities),
            wordless=all(each.wordless for each in polarities),
            praise=fmean(each.praise for each in polarities),
            blame=fmean(each.blame for each in polarities),
            words=fmean(each.words for each in polarities),
        )


class Vader:
    """Reads sentences one by one."""

    def __init__(self, analyzer: SentimentIntensityAnalyzer) -> None:
        self._analyzer = analyzer

    def polarities(self, sentences: Sequence[str]) -> list[Polarity]:
        """The polarity of each sentence."""
        return [self._polarity(sentence) for sentence in sentences]

    def _polarity(self, sentence: str) -> Polarity:
        scores = self._analyzer.polarity_scores(self._without_surplus(sentence))
        return Polarity(
            value=float(scores["compound"]),
            wordless=not (scores["neg"] or scores["pos"]),
            praise=float(scores["pos"]),
            blame=float(scores["neg"]),
            words=float(len(sentence.split())),
        )

    def _without_surplus(self, sentence: str) -> str:
        places = [at for at, each in enumerate(sentence) if each in self._analyzer.emojis]
        surplus = frozenset(places[MOST_EMOJI:])
        return "".join(each for at, each in enumerate(sentence) if at not in surplus)


def load_vader(lexicon: Path, emoji: Path) -> Vader:
    """The rules over these files; raises ModelError."""
    try:
        return Vader(SentimentIntensityAnalyzer(str(lexicon.resolve()), str(emoji.resolve())))
    except ValueError as error:
        raise ModelError(f"{lexicon} and its neighbour do not hold VADER: {error}") from error
