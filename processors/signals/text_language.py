"""The language of each text of an item, and of the item as a whole.

What is declared is not looked at: so the two can be compared. Links, addresses, handles and
hashtags are not read. A text needs `min_letter_bytes` bytes of letters in UTF-8, which asks for a
dozen Latin letters but only four Chinese characters; words said again do not count.

Two models are blended with what tells close languages apart on sight (`models/language_blend.py`).
It cannot tell what has no mark to be told by: a line that reads the same in Bosnian and Croatian or
in Danish and Norwegian, or two words that five languages share. Texts in a language that it does
not know, or romanised, come out as a neighbour or as `LOW_CONFIDENCE`. Chinese is `zh` in either
script.

Shapes. P: passages of one item, L: languages
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.models.langid import load_langid
from earmark.models.language_blend import BlendedIdentifier, Identifier
from earmark.models.lid import load_subword_identifier
from earmark.processors.content import Text
from earmark.processors.outcome import Result
from earmark.processors.signal import ItemView, Loading, Part, Takes, signal
from earmark.processors.threshold import Thresholds

_NO_LANGUAGE = "zxx"  # ISO 639: no linguistic content

_NOT_PROSE = re.compile(
    r"(?:https?://|www\.)\S+|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+|[@#]\w+"
)
_NOT_A_LETTER = re.compile(r"[\W\d_]+")

Probabilities = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passage:
    """One text as far as it is prose; the bytes of its letters are its weight."""

    field: str
    prose: str
    letter_bytes: int
    is_long_enough: bool


class LanguageScorer:
    """Finds languages; a `PassageScorer`."""

    def __init__(self, identifier: Identifier, thresholds: Thresholds) -> None:
        self._identifier = identifier
        self._languages = identifier.labels
        self._min_letter_bytes = thresholds["min_letter_bytes"]
        self._min_probability = thresholds["min_probability"]

    def score(self, items: Sequence[ItemView]) -> Sequence[Result]:
        """One result per item: languages above the threshold, or an abstention."""
        passages = [[self._passage(text) for text in item.event.texts] for item in items]
        prose = [p.prose for of_item in passages for p in of_item if p.is_long_enough]
        rows = iter(self._identifier.probabilities(prose))
        return [
            self._conclude([(p, next(rows) if p.is_long_enough else None) for p in of_item])
            for of_item in passages
        ]

    def _passage(self, text: Text) -> _Passage:
        text_of_utf8 = text.text.encode("utf-8", "replace").decode()  # JSON can hold half a pair
        prose = _NOT_PROSE.sub(" ", text_of_utf8)
        said_once = " ".join(dict.fromkeys(prose.casefold().split()))  # la la la is no text
        return _Passage(
            field=text.field,
            prose=prose,
            letter_bytes=_letter_bytes(prose),
            is_long_enough=_letter_bytes(said_once) >= self._min_letter_bytes,
        )

    def _conclude(self, rows: Sequence[tuple[_Passage, Probabilities | None]]) -> Result:
        """The item's language is that of the mean over its texts, weighed by their letters."""
        fields = [self._field(passage, probability_L) for passage, probability_L in rows]
        read = [(p.letter_bytes, row_L) for p, row_L in rows if row_L is not None]
        if not read:
            return Result.abstained("TOO_LITTLE_TEXT", fields=fields)
        weights_P = np.array([letter_bytes for letter_bytes, _ in read], np.float64)
        mean_L = np.average([row_L for _, row_L in read], axis=0, weights=weights_P)
        language, probability = self._best(mean_L)
        if language is None:
            return Result.abstained("LOW_CONFIDENCE", fields=fields)
        return Result.ok(language=language, probability=probability, fields=fields)

    def _field(self, passage: _Passage, probability_L: Probabilities | None) -> dict[str, object]:
        language, probability = (None, None) if probability_L is None else self._best(probability_L)
        return {"field": passage.field, "language": language, "probability": probability}

    def _best(self, probability_L: Probabilities) -> tuple[str | None, float | None]:
        """The most probable language and its probability; nothing where that is too low."""
        at = int(np.argmax(probability_L))
        language, probability = self._languages[at], float(probability_L[at])
        if language == _NO_LANGUAGE or probability < self._min_probability:
            return None, None
        return language, probability


def _letter_bytes(prose: str) -> int:
    return len(_NOT_A_LETTER.sub("", prose).encode())


@signal(
    name="text.language",
    takes=Takes.PASSAGES,
    reads=frozenset({Part.TEXTS}),
    models=("py3langid", "lid-176"),
    preprocessing_version="2",  # raised with the blend's numbers and its markers
    record_name="TextLanguage",
)
def text_language(loading: Loading) -> LanguageScorer:
    """The scorer with the models of py3langid and of fastText."""
    of_bytes = load_langid(loading.path(), loading.path("labels.json"))
    card = loading.store.card(loading.models[1])
    of_subwords = load_subword_identifier(loading.store.path(card.name), card.labels)
    return LanguageScorer(BlendedIdentifier(of_bytes, of_subwords), loading.thresholds)
