"""Language identification after py3langid: naive Bayes over byte n-grams, many texts at once.

An automaton reads a text's UTF-8 bytes and names the n-gram that ends at each. Its state depends
on the last few bytes only, so texts are cut into overlapping lanes that all advance together, and
the answer is exactly that of reading each text from end to end.

Sources: github.com/adbar/py3langid (BSD-3-Clause); Lui and Baldwin, langid.py: An Off-the-shelf
Language Identification Tool, ACL 2012.

Shapes. B: texts, L: languages, F: n-gram features, S: states, R: rows of transitions, N: lanes,
T: bytes of a lane, V: (text, feature) pairs that occur
"""

import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file

from earmark.models.error import ModelError

LANE_BYTES = 128
SLAB_BYTES = 1 << 21  # texts are read in slabs of about this size, which bounds memory to 100 MB

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lanes:
    """Bytes of many texts cut to one width; the first `warm_up` columns only set the state."""

    bytes_NT: NDArray[np.uint8]
    text_of_lane_N: Integers
    length_N: Integers  # bytes that count, after the warm-up
    is_first_N: NDArray[np.bool_]  # the lane begins its text: no bytes before it


class LanguageIdentifier:
    """Probabilities of languages for texts; `labels` are the model's codes, each once."""

    def __init__(self, tensors: dict[str, NDArray[np.generic]], codes: Sequence[str]) -> None:
        self.labels = tuple(dict.fromkeys(codes))
        self._label_of_column_L = np.array([self.labels.index(code) for code in codes])
        self._transitions = tensors["transitions_R256"].astype(np.int32).ravel()
        self._row_of_state_S = tensors["row_of_state_S"].astype(np.int32) << 8
        self._feature_of_state_S = tensors["feature_of_state_S"].astype(np.int32)
        self._prior_L = tensors["prior_log_probability_L"].astype(np.float32)
        table_FL = tensors["feature_log_probability_FL"].astype(np.float32)
        self._table_FL = torch.from_numpy(table_FL)
        self._memory = _longest_memory(self._transitions, self._row_of_state_S)

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """`(B, labels)`, rows summing to 1; uniform for a text in which no n-gram is known.

        Log-posteriors are divided by the square root of the length in bytes before the softmax,
        as in py3langid with `norm_probs`.
        """
        encoded = [_encode(text) for text in texts]
        rows = [self._read(slab) for slab in _slabs(encoded)]
        return np.concatenate(rows) if rows else np.zeros((0, len(self.labels)), np.float32)

    def _read(self, encoded: Sequence[bytes]) -> Floats:
        text_V, feature_V, count_V = self._count(_lanes(encoded, self._memory))
        evidence_BL = self._evidence(len(encoded), text_V, feature_V, count_V)
        length_B = np.array([max(len(text), 1) for text in encoded], np.float32)
        scores_BL = (evidence_BL + self._prior_L) / np.sqrt(length_B)[:, None]
        scores_BL[np.bincount(text_V, minlength=len(encoded)) == 0] = 0.0
        odds_BL = np.exp(scores_BL - scores_BL.max(axis=1, keepdims=True))
        merged_LB = np.zeros((len(self.labels), len(encoded)), np.float32)
        np.add.at(merged_LB, self._label_of_column_L, odds_BL.T)
        return np.ascontiguousarray((merged_LB / merged_LB.sum(axis=0)).T)

    def _count(self, lanes: _Lanes) -> tuple[Integers, Integers, Integers]:
        """Which features occur in which texts, and how often."""
        features_NT = self._walk(lanes)
        column_T = np.arange(features_NT.shape[1])
        found_NT = (features_NT >= 0) & (column_T < lanes.length_N[:, None])
        keys = lanes.text_of_lane_N[:, None] * len(self._table_FL) + features_NT
        key_V, count_V = np.unique(keys[found_NT], return_counts=True)
        text_V, feature_V = np.divmod(key_V, len(self._table_FL))
        return text_V, feature_V, count_V

    def _walk(self, lanes: _Lanes) -> NDArray[np.int32]:
        """The feature that ends at each byte after the warm-up, -1 where there is none."""
        width = lanes.bytes_NT.shape[1] - self._memory
        features_TN = np.empty((width, len(lanes.bytes_NT)), np.int32)
        bytes_TN = np.ascontiguousarray(lanes.bytes_NT.T)
        state_N = np.zeros(len(lanes.bytes_NT), np.int32)
        for column, bytes_N in enumerate(bytes_TN, start=-self._memory):
            if column == 0:
                state_N[lanes.is_first_N] = 0
            state_N = self._transitions[self._row_of_state_S[state_N] + bytes_N]
            if column >= 0:
                features_TN[column] = self._feature_of_state_S[state_N]
        return features_TN.T

    def _evidence(
        self, texts: int, text_V: Integers, feature_V: Integers, count_V: Integers
    ) -> Floats:
        """Sum over a text's features of log(1 + count) times their log-probabilities, `(B, L)`."""
        evidence_BL = torch.nn.functional.embedding_bag(
            torch.from_numpy(feature_V),
            self._table_FL,
            torch.from_numpy(np.searchsorted(text_V, np.arange(texts))),
            mode="sum",
            per_sample_weights=torch.from_numpy(np.log1p(count_V).astype(np.float32)),
        )
        return np.asarray(evidence_BL.numpy(), np.float32)


def load_langid(weights: Path, labels: Path) -> LanguageIdentifier:
    """The identifier from `model.safetensors` and `labels.json`; raises ModelError."""
    try:
        return LanguageIdentifier(load_file(weights), json.loads(labels.read_text("utf-8")))
    except (KeyError, ValueError) as error:
        raise ModelError(f"{weights} does not hold a language identifier: {error}") from error


def _encode(text: str) -> bytes:
    folded = text.lower() if text.isupper() else text
    return unicodedata.normalize("NFC", folded).encode()


def _slabs(encoded: Sequence[bytes]) -> Iterator[list[bytes]]:
    slab: list[bytes] = []
    size = 0
    for text in encoded:
        if slab and size + len(text) > SLAB_BYTES:
            yield slab
            slab, size = [], 0
        slab.append(text)
        size += len(text)
    if slab:
        yield slab


def _lanes(encoded: Sequence[bytes], memory: int) -> _Lanes:
    """Every text in lanes of equal width, each preceded by the `memory` bytes before it."""
    width = min(LANE_BYTES, max(1, *map(len, encoded)))
    starts = [(i, at) for i, text in enumerate(encoded) for at in range(0, len(text), width)]
    bytes_NT = np.zeros((len(starts), memory + width), np.uint8)
    lengths = np.zeros(len(starts), np.int64)
    for lane, (i, at) in enumerate(starts):
        piece = encoded[i][max(0, at - memory) : at + width]
        before = min(memory, at)
        bytes_NT[lane, memory - before : memory - before + len(piece)] = np.frombuffer(
            piece, np.uint8
        )
        lengths[lane] = len(piece) - before
    table = np.array(starts, np.int64).reshape(-1, 2)
    return _Lanes(
        bytes_NT=bytes_NT,
        text_of_lane_N=table[:, 0],
        length_N=lengths,
        is_first_N=table[:, 1] == 0,
    )


def _longest_memory(transitions: NDArray[np.int32], row_of_state_S: NDArray[np.int32]) -> int:
    """After how many bytes the state is the same, whatever it was before: the trie's depth."""
    next_R256 = transitions.reshape(-1, 256)
    depth_S = np.full(len(row_of_state_S), -1)
    depth_S[0] = depth = 0
    reached = np.array([0])
    while len(reached):
        depth += 1
        reached = np.unique(next_R256[row_of_state_S[reached] >> 8])
        reached = reached[depth_S[reached] < 0]
        depth_S[reached] = depth
    return int(depth_S.max())
