"""What tells languages apart on sight: scripts, and words and letters that only some of them have.

The table is `language_marker.toml`, which says how it is written.

Shapes. B: texts, L: languages
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"[^\s!-/:-@\[-`{-~«»“”„‚‘’…–—।،؟。、་།]+")
MOST = 3  # so many markers decide; more would only be the same text being longer
FOREIGN_SCRIPT = 10  # as good as decided, however many markers stand against it
_SUFFIXES = (2, 3, 4, 5)  # lengths of word endings, in code points


class MarkerReader:
    """Counts, by language, the markers of a text that the language does not have."""

    def __init__(self, table: Mapping[str, Any], labels: Sequence[str]) -> None:
        column = {label: at for at, label in enumerate(labels)}
        self._languages = len(labels)
        self._words = _strangers(table["group"], "words", column)
        self._letters = _strangers(table["group"], "letters", column)
        self._letter_set = frozenset(self._letters)
        self._scripts = [
            (_letters_in(script["block"]), [at for each, at in column.items() if each not in has])
            for script in table.get("script", ())
            for has in (frozenset(script["languages"]),)
        ]

    def strangeness(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`(B, labels)`: 0 to `MOST` markers; `FOREIGN_SCRIPT` for what another script is for."""
        counts_BL = np.zeros((len(texts), self._languages), np.float32)
        for row_L, text in zip(counts_BL, texts, strict=True):
            for columns in self._found(text.lower()):
                row_L[columns] += 1
            np.minimum(row_L, MOST, out=row_L)
            row_L[self._not_in_the_script(text)] = FOREIGN_SCRIPT
        return counts_BL

    def _not_in_the_script(self, text: str) -> list[int]:
        """The languages that are not written in the script of most letters; none where Latin is."""
        if text.isascii():
            return []
        most = sum(map(str.isalpha, text)) / 2
        for letters, strangers in self._scripts:
            if sum(map(len, letters.findall(text))) > most:
                return strangers
        return []

    def _found(self, text: str) -> Iterator[list[int]]:
        for letter in self._letter_set.intersection(text):
            yield self._letters[letter]
        for word in dict.fromkeys(_WORD.findall(text)):
            if columns := self._words.get(word):
                yield columns
                continue
            for size in _SUFFIXES:
                if size < len(word) and (columns := self._words.get(f"-{word[-size:]}")):
                    yield columns
                    break


def load_markers(labels: Sequence[str]) -> MarkerReader:
    """The reader of the shipped table for a model with the labels `labels`."""
    text = (files("earmark") / "models" / "language_marker.toml").read_text("utf-8")
    return MarkerReader(tomllib.loads(text), labels)


def _letters_in(blocks: Sequence[str]) -> re.Pattern[str]:
    """Finds runs of them."""
    return re.compile("[" + "".join(f"{block[0]}-{block[1]}" for block in blocks) + "]+")


def _strangers(
    groups: Sequence[Mapping[str, Any]], kind: str, column: Mapping[str, int]
) -> dict[str, list[int]]:
    """By marker, the columns of those who lack it, each once in however many groups it stands."""
    against: dict[str, set[int]] = {}
    for group in groups:
        for marker, having in _owners(group.get(kind, ())).items():
            lacking = (column[each] for each in group["members"] if each not in having)
            against.setdefault(marker, set()).update(lacking)
    return {marker: sorted(columns) for marker, columns in against.items()}


def _owners(lines: Sequence[str]) -> dict[str, set[str]]:
    """By marker, the languages that have it."""
    owners: dict[str, set[str]] = {}
    for line in lines:
        languages, _, markers = line.partition(":")
        for marker in markers.split():
            owners.setdefault(marker, set()).update(languages.split())
    return owners
