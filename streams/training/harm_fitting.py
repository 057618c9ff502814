"""Fits heads of harm to labelled texts: always the same heads for the same texts.

Shapes. N: examples, L: labels, others as in `models.harm_head`
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from earmark.models.harm_head import GRAMS, Features, HeadWeights

_STEPS = 150
_CURVE_STEPS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """`penalty` is the weight of the squared norm against the summed loss of the examples."""

    penalty: float = 1.0
    folds: int = 5
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """Features of examples with their targets (NaN: not known) and weights."""

    features: Features
    targets_NL: Tensor
    weight_N: Tensor

    def part(self, kept: Sequence[int]) -> "Lesson":
        """The lesson of some of the examples, in the order given."""
        index_N = torch.tensor(kept, dtype=torch.int64)
        return Lesson(
            features=part_of(self.features, kept),
            targets_NL=self.targets_NL[index_N],
            weight_N=self.weight_N[index_N],
        )

    def part_of_labels(self, kept: Sequence[int]) -> "Lesson":
        """The same lesson for some of the labels."""
        return replace(self, targets_NL=self.targets_NL[:, list(kept)])


def part_of(features: Features, kept: Sequence[int]) -> Features:
    """The features of some of the texts."""
    ends = [*features.begins_B.tolist(), len(features.grams_M)]
    grams = [features.grams_M[ends[at] : ends[at + 1]] for at in kept]
    begins = np.cumsum([0, *map(len, grams)])[:-1]
    return Features(
        grams_M=torch.cat(grams) if grams else features.grams_M[:0],
        begins_B=torch.from_numpy(begins.astype(np.int64)),
        dense_BK=features.dense_BK[torch.tensor(kept, dtype=torch.int64)],
    )


def rarity_of(features: Features) -> Tensor:
    """The inverse document frequency of every gram over these texts, smoothed."""
    count_G = torch.bincount(features.grams_M, minlength=GRAMS).float()
    return torch.log((1 + len(features.begins_B)) / (1 + count_G)) + 1


def fit(lesson: Lesson, recipe: Recipe) -> HeadWeights:
    """The heads that are likeliest for the lesson under the penalty, by L-BFGS."""
    labels = lesson.targets_NL.shape[1]
    start = HeadWeights(
        grams_GL=torch.zeros(GRAMS, labels, requires_grad=True),
        rarity_G=rarity_of(lesson.features),
        dense_KL=torch.zeros(lesson.features.dense_BK.shape[1], labels, requires_grad=True),
        bias_L=torch.zeros(labels, requires_grad=True),
    )
    learned = [start.grams_GL, start.dense_KL, start.bias_L]
    optimiser = torch.optim.LBFGS(learned, max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        norm = start.grams_GL.square().sum() + start.dense_KL.square().sum()
        total = _loss(start.logits(lesson.features), lesson) + recipe.penalty * norm
        total.backward()  # type: ignore[no-untyped-call]  # torch leaves it without annotations
        return total

    optimiser.step(loss)  # type: ignore[no-untyped-call]  # likewise
    return HeadWeights(
        grams_GL=start.grams_GL.detach(),
        rarity_G=start.rarity_G,
        dense_KL=start.dense_KL.detach(),
        bias_L=start.bias_L.detach(),
    )


def _loss(logits_NL: Tensor, lesson: Lesson) -> Tensor:
    known_NL = ~lesson.targets_NL.isnan()
    loss_NL = binary_cross_entropy_with_logits(
        logits_NL, lesson.targets_NL.nan_to_num(), reduction="none"
    )
    return (loss_NL * known_NL * lesson.weight_N[:, None]).sum()


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A straight line through log odds per label (Platt 1999): what makes them probabilities."""

    slope_L: Tensor
    offset_L: Tensor

    def applied(self, logits_NL: Tensor) -> Tensor:
        """The log odds that the curve says, (N, L)."""
        return logits_NL * self.slope_L + self.offset_L

    def put_into(self, weights: HeadWeights) -> HeadWeights:
        """Heads whose log odds are those of the curve."""
        return replace(
            weights,
            grams_GL=weights.grams_GL * self.slope_L,
            dense_KL=weights.dense_KL * self.slope_L,
            bias_L=weights.bias_L * self.slope_L + self.offset_L,
        )


def fitted_curve(logits_NL: Tensor, targets_NL: Tensor, weight_N: Tensor) -> Curve:
    """The curve that is likeliest for answers to examples that were held out."""
    labels = logits_NL.shape[1]
    slope_L = torch.ones(labels, requires_grad=True)
    offset_L = torch.zeros(labels, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [slope_L, offset_L], max_iter=_CURVE_STEPS, line_search_fn="strong_wolfe"
    )
    known_NL = ~targets_NL.isnan()

    def loss() -> Tensor:
        optimiser.zero_grad()
        loss_NL = binary_cross_entropy_with_logits(
            logits_NL * slope_L + offset_L, targets_NL.nan_to_num(), reduction="none"
        )
        total = (loss_NL * known_NL * weight_N[:, None]).sum()
        total.backward()  # type: ignore[no-untyped-call]  # torch leaves it without annotations
        return total

    optimiser.step(loss)  # type: ignore[no-untyped-call]  # likewise
    return Curve(slope_L=slope_L.detach(), offset_L=offset_L.detach())
