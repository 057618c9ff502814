"""VADER: the polarity of English sentences by a lexicon and rules, and what it is worth.

The rules are those of the package vaderSentiment (MIT). Its compound score is no probability: four
numbers, fitted on rated snippets, turn it into how raters would have it.

Source: Hutto and Gilbert, VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social
Media Text, ICWSM 2014.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from pathlib import Path

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from earmark.models.error import ModelError

NEGATIVE, NEUTRAL, POSITIVE = "negative", "neutral", "positive"
MOST_EMOJI = 20  # of a sentence that count: each becomes words, and time grows with their square


@dataclass(frozen=True, slots=True, kw_only=True)
class Polarity:
    """The compound score, -1 to 1; `wordless` where no word of the lexicon was found."""

    value: float
    wordless: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A multinomial logit over the polarity, the same for both signs.

    The logit of positive is `slope` p + `strength` |p| + `offset`, that of negative the same of
    -p, that of neutral `wordless` where no word was found and else 0.
    """

    slope: float
    strength: float
    offset: float
    wordless: float

    def probabilities(self, polarity: Polarity) -> Mapping[str, float]:
        """How probably raters find it negative, neutral and positive."""
        base = self.strength * abs(polarity.value) + self.offset
        weights = {
            NEGATIVE: exp(base - self.slope * polarity.value),
            NEUTRAL: exp(self.wordless if polarity.wordless else 0.0),
            POSITIVE: exp(base + self.slope * polarity.value),
        }
        total = sum(weights.values())
        return {label: weight / total for label, weight in weights.items()}


class Vader:
    """Reads sentences one by one."""

    def __init__(self, analyzer: SentimentIntensityAnalyzer, calibration: Calibration) -> None:
        self._analyzer = analyzer
        self.calibration = calibration

    def polarities(self, sentences: Sequence[str]) -> list[Polarity]:
        """The polarity of each sentence."""
        return [self._polarity(sentence) for sentence in sentences]

    def _polarity(self, sentence: str) -> Polarity:
        scores = self._analyzer.polarity_scores(self._without_surplus(sentence))
        return Polarity(
            value=float(scores["compound"]), wordless=not (scores["neg"] or scores["pos"])
        )

    def _without_surplus(self, sentence: str) -> str:
        places = [at for at, each in enumerate(sentence) if each in self._analyzer.emojis]
        surplus = frozenset(places[MOST_EMOJI:])
        return "".join(each for at, each in enumerate(sentence) if at not in surplus)


def load_vader(lexicon: Path, emoji: Path, calibration: Path) -> Vader:
    """The rules over these files; raises ModelError."""
    try:
        numbers = Calibration(**json.loads(calibration.read_text("utf-8")))
        analyzer = SentimentIntensityAnalyzer(str(lexicon.resolve()), str(emoji.resolve()))
    except (TypeError, ValueError) as error:
        raise ModelError(f"{lexicon} and its neighbours do not hold VADER: {error}") from error
    return Vader(analyzer, numbers)
