"""Texts as batches of tokens, so that little is computed for padding.

Long texts become windows of the longest input that overlap; which rows share a batch is decided
by their length alone.

Shapes. B: texts or pairs, R: rows, one per window, T: tokens
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from earmark.models.bucket import Buckets
from earmark.models.padding import note_padding
from earmark.models.piece import pieces
from earmark.models.transfer import Sent, Transfer
from earmark.models.transformer import Transformer, load_tokenizer

BATCH_TOKENS = {"cpu": 4_096, "cuda": 65_536}  # with padding
BUCKETS = {  # a call costs about as much as so many tokens more
    "cpu": Buckets(first=16, step=4, call=32),
    "cuda": Buckets(first=16, step=8, call=2_048),
}
OVERLAP = 4  # a window begins one in so many of its tokens before the last one ends
_SPECIAL_POSITIONS = 2  # those of RoBERTa and its kin begin behind the one for padding


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Windows of texts, and which text each is of."""

    text_R: NDArray[np.int64]
    lengths_R: NDArray[np.int64]
    inputs: dict[str, list[list[int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some of the rows, padded: their numbers, and what the network is called with."""

    rows: NDArray[np.int64]
    inputs: dict[str, torch.Tensor]


class Reader:
    """Makes batches of texts for one checkpoint."""

    def __init__(self, transformer: Transformer) -> None:
        self._tokenizer = load_tokenizer(transformer)
        self._device = transformer.device
        self._transfer = Transfer(transformer.device.torch)
        self._max_tokens = _longest(transformer, self._tokenizer)

    def rows(self, texts: Sequence[str], *, prefix: str = "") -> Rows:
        """The windows of each text, in order; none for a text without anything in it."""
        cut = [(i, prefix + piece) for i, text in enumerate(texts) for piece in pieces(text)]
        return self._encoded([i for i, _ in cut], [piece for _, piece in cut], None)

    def paired_rows(self, texts: Sequence[str], others: Sequence[str]) -> Rows:
        """The windows of each text, each with the other one of its pair after it."""
        cut = [(i, piece) for i, text in enumerate(texts) for piece in pieces(text)]
        return self._encoded(
            [i for i, _ in cut], [piece for _, piece in cut], [others[i] for i, _ in cut]
        )

    def batches(self, rows: Rows) -> Iterator[Batch]:
        """All rows, those of like length together; each is sent off while the last is read."""
        ahead: tuple[NDArray[np.int64], dict[str, Sent]] | None = None
        for sent in chain(self._sent(rows), [None]):  # the last one has none after it
            if ahead is not None:
                chosen, inputs = ahead
                yield Batch(rows=chosen, inputs={n: each.arrived() for n, each in inputs.items()})
            ahead = sent

    def _sent(self, rows: Rows) -> Iterator[tuple[NDArray[np.int64], dict[str, Sent]]]:
        kind = self._device.kind
        for chosen in BUCKETS[kind].batches(rows.lengths_R, BATCH_TOKENS[kind]):
            inputs = {name: [values[i] for i in chosen] for name, values in rows.inputs.items()}
            padded = self._tokenizer.pad(inputs, padding=True, return_tensors="pt")
            note_padding(used=int(rows.lengths_R[chosen].sum()), whole=padded["input_ids"].numel())
            yield chosen, {name: self._transfer.send(padded[name]) for name in inputs}

    def _encoded(
        self, text_of: Sequence[int], texts: Sequence[str], others: Sequence[str] | None
    ) -> Rows:
        if not texts:
            nothing = np.zeros(0, np.int64)
            return Rows(text_R=nothing, lengths_R=nothing, inputs={})
        pair = () if others is None else (list(others),)
        encoded = self._tokenizer(
            list(texts),
            *pair,
            truncation=True if others is None else "only_first",
            max_length=self._max_tokens,
            stride=self._max_tokens // OVERLAP,
            return_overflowing_tokens=True,
        )
        names = [name for name in self._tokenizer.model_input_names if name in encoded]
        return Rows(
            text_R=np.array([text_of[i] for i in encoded["overflow_to_sample_mapping"]], np.int64),
            lengths_R=np.array([len(ids) for ids in encoded["input_ids"]], np.int64),
            inputs={name: encoded[name] for name in names},
        )


def _longest(transformer: Transformer, tokenizer: Any) -> int:
    """The most tokens of one input: the card's word, or what the checkpoint's own files allow."""
    positions = getattr(transformer.network.config, "max_position_embeddings", None)
    allowed = min(
        int(tokenizer.model_max_length),  # a huge number where the tokenizer does not say
        positions - _SPECIAL_POSITIONS if isinstance(positions, int) else 512,
    )
    return min(transformer.reading.max_tokens or allowed, allowed)
