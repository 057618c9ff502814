"""How surprising the letters of a text are to one who knows many languages in its script.

For each script a table of trigrams (bigrams where the alphabet is large and languages are few) over
folded letters: lower case, without accents where accents vary (Latin, Cyrillic, Greek), without
points (Arabic, Hebrew). All languages of a script share its table, each with the same weight; after
Shannon 1951, "Prediction and entropy of printed English". Random letters and mashed keys surprise,
words of a language which the table has not seen do less. What is no letter ends a word.

A text is read by the table of the script that most of its letters are in; where that is none of
these (Chinese, Japanese, Korean and others), nothing is said.

Shapes. T: code points of a text, N: symbols of a script with the end of a word first
"""

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from earmark.models.error import ModelError

STEP = 1 / 20  # nats: tables hold surprise in steps, 255 of them at most
_DROPPED = 255
_CODES = 0x3000  # alphabets end below; beyond are Chinese, Japanese, Korean, and signs
_OTHER_LETTERS = ((0x3040, 0xD7FF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
_ACCENTS_FOLD = frozenset({"LATIN", "CYRILLIC", "GREEK"})
_POINTS_DROP = frozenset({"ARABIC", "HEBREW"})

Codes = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surprise:
    """What the table of `script` says: nats per letter, and the `letters` it has read.

    `gibberish` is a logistic function of the nats, fitted to real against random text in equal
    shares; it is not calibrated to any traffic.
    """

    script: str
    letters: int
    nats: float
    gibberish: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One script: its letters, its table of `STEP`s, and the logistic function over nats."""

    name: str
    alphabet: str
    table_NN: NDArray[np.uint8]
    midpoint: float
    slope: float
    symbols: NDArray[np.uint8] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "symbols", symbols_of(self.name, self.alphabet))


class LetterModel:
    """The tables of several scripts."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        self._scripts = tuple(scripts)
        self._script_of = np.zeros(_CODES, np.uint8)
        for number, script in enumerate(self._scripts, start=1):
            is_letter = (script.symbols > 0) & (script.symbols != _DROPPED)
            self._script_of[is_letter] = number

    @classmethod
    def load(cls, path: Path) -> "LetterModel":
        """From a file that `save` wrote; raises ModelError for another."""
        tensors = load_file(path)
        try:
            facts = json.loads(bytes(tensors.pop("facts")))
            return cls([Script(table_NN=tensors[entry["name"]], **entry) for entry in facts])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{path.name} is no letter model: {error}") from error

    def save(self, path: Path) -> None:
        """Write tables and alphabets as safetensors."""
        facts = [
            {"name": s.name, "alphabet": s.alphabet, "midpoint": s.midpoint, "slope": s.slope}
            for s in self._scripts
        ]
        tensors = {script.name: script.table_NN for script in self._scripts}
        tensors["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        save_file(tensors, path)

    def surprise(self, text: str) -> Surprise | None:
        """What the script's table says of it; None for another script, or no letters."""
        codes_T = _codes(text)
        script = self._dominant(codes_T)
        if script is None:
            return None
        symbols_T = _symbols(script, codes_T)
        letters = int(np.count_nonzero(symbols_T))
        nats = float(_steps(script.table_NN, symbols_T).mean()) * STEP
        gibberish = 1 / (1 + np.exp(-script.slope * (nats - script.midpoint)))
        return Surprise(script=script.name, letters=letters, nats=nats, gibberish=float(gibberish))

    def _dominant(self, codes_T: Codes) -> Script | None:
        known_T = codes_T[codes_T < _CODES]
        counts = np.bincount(self._script_of[known_T], minlength=len(self._scripts) + 1)
        counts[0] = sum(
            np.count_nonzero((codes_T >= low) & (codes_T <= high)) for low, high in _OTHER_LETTERS
        ) if len(known_T) < len(codes_T) else 0  # fmt: skip
        best = int(np.argmax(counts))
        return self._scripts[best - 1] if best and counts[best] else None


def fit(
    name: str, alphabet: str, languages: Iterable[str], *, order: int, weight: float = 50.0
) -> NDArray[np.uint8]:
    """The table of a script: each language, one long text, counts alike.

    Probabilities of an order are drawn towards those of the order below by `weight` counts
    (Dirichlet smoothing), the lowest towards equal ones.
    """
    size = len(alphabet) + 1
    counts = np.zeros((size,) * order)
    script = Script(
        name=name, alphabet=alphabet, table_NN=np.zeros(0, np.uint8), midpoint=0.0, slope=1.0
    )
    for text in languages:
        symbols_T = _symbols(script, _codes(text))
        own = np.zeros_like(counts)
        np.add.at(own, _windows(symbols_T, order), 1)
        counts += own * (1e4 / max(own.sum(), 1.0))
    probability = np.full(size, 1 / size)
    for lower in range(1, order + 1):
        kept = counts.sum(axis=tuple(range(order - lower)))
        probability = (kept + weight * probability) / (kept.sum(axis=-1, keepdims=True) + weight)
    steps = np.rint(-np.log(probability) / STEP)
    table: NDArray[np.uint8] = np.clip(steps, 0, 255).astype(np.uint8)
    return table


def symbols_of(name: str, alphabet: str) -> NDArray[np.uint8]:
    """For each code point its symbol in the script: 0 no letter of it, `_DROPPED` not read."""
    places = {letter: place for place, letter in enumerate(alphabet, start=1)}
    symbols = np.zeros(_CODES, np.uint8)
    for code in range(_CODES):
        sign = chr(code)
        if unicodedata.combining(sign) and sign not in places:
            symbols[code] = _DROPPED
        else:
            symbols[code] = places.get(folded(name, sign), 0)
    return symbols


def folded(script: str, sign: str) -> str:
    """The letter that stands for the sign in the alphabet of the script."""
    lower = sign.casefold()[:1]
    if script in _ACCENTS_FOLD:
        return unicodedata.normalize("NFD", lower)[:1]
    return unicodedata.normalize("NFKC", lower)[:1] if script in _POINTS_DROP else lower


def alphabets(scripts: Mapping[str, Iterable[str]], *, share: float = 2e-4) -> dict[str, str]:
    """For each script the letters that make up at least `share` of one of its languages' texts."""
    found: dict[str, set[str]] = {name: set() for name in scripts}
    for name, languages in scripts.items():
        for text in languages:
            counts: dict[str, int] = {}
            for sign in text:
                letter = folded(name, sign)
                if ord(letter or "\0") < _CODES and _is_in(name, letter):
                    counts[letter] = counts.get(letter, 0) + 1
            total = sum(counts.values())
            found[name] |= {letter for letter, n in counts.items() if n >= share * total}
    return {name: "".join(sorted(letters)) for name, letters in found.items()}


def _is_in(script: str, sign: str) -> bool:
    if unicodedata.combining(sign) and script in _ACCENTS_FOLD | _POINTS_DROP:
        return False
    is_letter = unicodedata.category(sign) in {"Ll", "Lo", "Mn", "Mc"}
    return is_letter and unicodedata.name(sign, "").startswith(f"{script} ")


def _codes(text: str) -> Codes:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def _symbols(script: Script, codes_T: Codes) -> Codes:
    """Symbols of the text, ends of words single, letters at most twice in a row."""
    within_T = np.where(codes_T < _CODES, codes_T, 0)
    symbols_T = script.symbols[within_T]
    symbols_T = np.concatenate(([0], symbols_T[symbols_T != _DROPPED], [0])).astype(np.intp)
    again_T = symbols_T[1:] == symbols_T[:-1]
    is_kept_T = np.ones(len(symbols_T), bool)
    is_kept_T[1:] = ~(again_T & (symbols_T[1:] == 0))
    is_kept_T[2:] &= ~(again_T[1:] & again_T[:-1])
    kept_T: Codes = symbols_T[is_kept_T]
    return kept_T


def _windows(symbols_T: Codes, order: int) -> tuple[Codes, ...]:
    """For each window of `order` symbols its indices into a table."""
    count = max(len(symbols_T) - order + 1, 0)
    return tuple(symbols_T[at : at + count] for at in range(order))


def _steps(table_NN: NDArray[np.uint8], symbols_T: Codes) -> NDArray[np.uint8]:
    """The table's entry for each window of the text; a lone letter is no window of three."""
    steps: NDArray[np.uint8] = table_NN[_windows(symbols_T, table_NN.ndim)]
    return steps if len(steps) else np.full(1, 255, np.uint8)
