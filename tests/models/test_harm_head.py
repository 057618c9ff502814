"""Claims about the heads of harm: what they read of a text, and which file they are read from."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from earmark.models.error import ModelError
from earmark.models.harm_head import (
    BUCKETS,
    GRAM_SCALE,
    GRAMS,
    Features,
    HeadWeights,
    grams_of,
    weights_of,
)


def features(*texts: str) -> Features:
    """Features without dense ones that mean anything."""
    grams = [grams_of(text) for text in texts]
    begins = np.cumsum([0, *map(len, grams)])[:-1]
    return Features(
        grams_M=torch.from_numpy(np.concatenate(grams)),
        begins_B=torch.from_numpy(begins),
        dense_BK=torch.zeros(len(texts), 1),
    )


def heads() -> HeadWeights:
    random = torch.Generator().manual_seed(1)
    return HeadWeights(
        grams_GL=torch.randn(GRAMS, 2, generator=random).half().float(),
        rarity_G=torch.ones(GRAMS),
        dense_KL=torch.zeros(1, 2),
        bias_L=torch.tensor([0.5, -0.5]),
    )


def test_stars_leave_pieces_of_the_word_to_be_known_by() -> None:
    whole, starred, other = map(set, map(grams_of, ("motherfucker", "motherf*cker", "gardening")))
    assert len(whole & starred) > 5 * len(whole & other)


def test_type_and_case_tell_nothing() -> None:
    assert np.array_equal(grams_of("Don\u2019t  SHOUT"), grams_of("don't shout"))


@given(st.text(max_size=200))
def test_grams_are_sorted_different_and_within_bounds(text: str) -> None:
    grams = grams_of(text)
    assert (np.diff(grams) > 0).all()
    assert ((grams >= 0) & (grams < GRAMS)).all()


def test_words_and_pieces_weigh_alike_however_long_the_text() -> None:
    found = features("a b c d", "one sentence that is much longer than the other", "")
    squares_M = weights_of(found, torch.ones(GRAMS)) ** 2
    first_M = squares_M[: int(found.begins_B[1])]
    is_piece_M = found.grams_M[: len(first_M)] >= BUCKETS
    for part_M in (first_M[is_piece_M], first_M[~is_piece_M]):
        assert float(part_M.sum()) == pytest.approx(GRAM_SCALE**2)


@given(st.lists(st.sampled_from(["", "so it goes", "you!", "...", "x" * 99]), min_size=1))
def test_batches_do_not_change_log_odds(texts: list[str]) -> None:
    together = heads().logits(features(*texts))
    alone = torch.cat([heads().logits(features(text)) for text in texts])
    assert torch.allclose(together, alone, atol=1e-4)


def test_heads_are_read_as_they_were_saved(tmp_path: Path) -> None:
    heads().save(tmp_path / "model.safetensors")
    read = HeadWeights.load(tmp_path / "model.safetensors")
    assert read.logits(features("as ever")).equal(heads().logits(features("as ever")))


def test_another_file_is_refused(tmp_path: Path) -> None:
    save_file({"weights": torch.zeros(3)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="not heads of harm"):
        HeadWeights.load(tmp_path / "model.safetensors")
