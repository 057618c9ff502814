"""Fits the head of text.sentiment to texts that people rated, and answers rows held out.

Shapes. N: texts, L: labels, K: dense features, G: grams
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from earmark.models.error import ConfigurationError
from earmark.models.harm_head import GRAMS, Features, HeadWeights
from earmark.models.sentiment_head import (
    LABELS,
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    VADER_FEATURES,
    features_of,
)
from earmark.models.static_embedding import StaticEmbedding
from earmark.models.vader import Polarity, Vader
from earmark.processors.sentence import sentences
from earmark.streams.evaluation.calibration import calibration_error
from earmark.streams.evaluation.manifest import Row, row_key
from earmark.streams.training.harm_fitting import part_of, rarity_of

NEUTRAL_BELOW = 0.5  # on the raters' scale of -4 to 4, either way
FEWEST = 100  # texts of each label
_STEPS = 120

Watch = Callable[[str], None]
Probabilities = Mapping[str, Mapping[str, float]]  # by the row's key, then by label


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """`penalty` is the weight of the squared norm against the summed loss of the texts."""

    penalty: float = 20.0
    folds: int = 5
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The head, what it says of rows and of sources held out, and how far that is off by source."""

    weights: HeadWeights
    by_row: Probabilities
    by_source: Probabilities
    errors: Mapping[str, Mapping[str, float]]


def rated_as(mean: float) -> str:
    """The label of a mean rating from -4 to 4."""
    if abs(mean) < NEUTRAL_BELOW:
        return NEUTRAL
    return POSITIVE if mean > 0 else NEGATIVE


def stated(row: Row) -> str | None:
    """What the row is labelled; None where it is no text with one of the labels."""
    label = str(row.labels.get("sentiment") or "").lower()
    return label if row.text and label in LABELS else None


def train(
    rows: Sequence[Row], vader: Vader, embedding: StaticEmbedding, recipe: Recipe, watch: Watch
) -> Trained:
    """The head for the rows that state a sentiment; every source of them weighs the same.

    Raises ConfigurationError where too few rows have a label.
    """
    rows = [row for row in rows if stated(row)]
    counts = Counter(map(stated, rows))
    for label in LABELS:
        if counts[label] < FEWEST:
            raise ConfigurationError(f"{counts[label]} texts are labelled {label}; {FEWEST} needed")
    course = _Course(rows, vader, embedding)
    watch(f"{len(rows)} rows of {len(set(course.sources))} sources")
    by_row = course.held_out([row_key(row) for row in rows], recipe, recipe.folds, watch)
    sources = len(set(course.sources))
    folds = min(sources, recipe.folds)
    by_source = course.held_out(course.sources, recipe, folds, watch) if folds > 1 else by_row
    watch("fitting the head to all rows")
    return Trained(
        weights=course.fitted(np.arange(len(rows)), recipe),
        by_row=course.named(by_row),
        by_source=course.named(by_source),
        errors={"rows": course.errors(by_row), "sources": course.errors(by_source)},
    )


class _Course:
    """The rows with their features."""

    def __init__(self, rows: Sequence[Row], vader: Vader, embedding: StaticEmbedding) -> None:
        self.rows = rows
        self.sources = [row.source or row_key(row) for row in rows]
        self._features = _joined([_features(row.text or "", vader, embedding) for row in rows])
        self._truth_N = torch.tensor([LABELS.index(stated(row) or "") for row in rows])

    def fitted(
        self, kept: "np.ndarray[tuple[int], np.dtype[np.int64]]", recipe: Recipe
    ) -> HeadWeights:
        """The head that is likeliest for these rows."""
        size = Counter(self.sources[at] for at in kept)
        weight_N = torch.tensor(
            [len(kept) / len(size) / size[self.sources[at]] for at in kept], dtype=torch.float32
        )
        features = part_of(self._features, kept.tolist())
        return fit(features, self._truth_N[torch.from_numpy(kept)], weight_N, recipe.penalty)

    def held_out(
        self, groups: Sequence[str], recipe: Recipe, folds: int, watch: Watch
    ) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
        """Probabilities of every row by a head that saw nothing of its group, (N, L)."""
        names = sorted(set(groups))
        order = np.random.default_rng(recipe.seed).permutation(len(names))
        fold_of = {names[int(at)]: number % folds for number, at in enumerate(order)}
        fold_N = np.array([fold_of[group] for group in groups])
        found_NL = np.zeros((len(groups), len(LABELS)))
        for fold in range(folds):
            watch(f"fold {fold + 1} of {folds}")
            weights = self.fitted(np.flatnonzero(fold_N != fold), recipe)
            held = np.flatnonzero(fold_N == fold)
            logits_NL = weights.logits(part_of(self._features, held.tolist()))
            found_NL[held] = logits_NL.double().softmax(dim=1).numpy()
        return found_NL

    def named(self, found_NL: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> Probabilities:
        """The probabilities by row and label."""
        return {
            row_key(row): dict(zip(LABELS, of_row, strict=True))
            for row, of_row in zip(self.rows, found_NL.tolist(), strict=True)
        }

    def errors(
        self, found_NL: "np.ndarray[tuple[int, int], np.dtype[np.float64]]"
    ) -> Mapping[str, float]:
        """The calibration error of the likeliest label, over each source."""
        sure_N, right_N = found_NL.max(axis=1), found_NL.argmax(axis=1) == self._truth_N.numpy()
        source_N = np.array(self.sources)
        return {
            source: calibration_error(sure_N[source_N == source], right_N[source_N == source])
            for source in sorted(set(self.sources))
        }


def fit(features: Features, truth_N: Tensor, weight_N: Tensor, penalty: float) -> HeadWeights:
    """The head that is likeliest for weighted texts, by L-BFGS; the same each time.

    Dense features are fitted standardised.
    """
    mean_K = features.dense_BK.mean(dim=0)
    spread_K = features.dense_BK.std(dim=0).clamp(min=1e-3)
    spread_K[:-VADER_FEATURES] = 1.0  # those of the embedding are of one scale
    standard = replace(features, dense_BK=(features.dense_BK - mean_K) / spread_K)
    head = HeadWeights(
        grams_GL=torch.zeros(GRAMS, len(LABELS), requires_grad=True),
        rarity_G=rarity_of(features),
        dense_KL=torch.zeros(len(mean_K), len(LABELS), requires_grad=True),
        bias_L=torch.zeros(len(LABELS), requires_grad=True),
    )
    learned = [head.grams_GL, head.dense_KL, head.bias_L]
    optimiser = torch.optim.LBFGS(learned, max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        norm = head.grams_GL.square().sum() + head.dense_KL.square().sum()
        loss_N = cross_entropy(head.logits(standard), truth_N, reduction="none")
        total = (loss_N * weight_N).sum() + penalty * norm
        total.backward()  # type: ignore[no-untyped-call]  # torch leaves it without annotations
        return total

    optimiser.step(loss)  # type: ignore[no-untyped-call]  # likewise
    dense_KL = head.dense_KL.detach() / spread_K[:, None]
    return HeadWeights(
        grams_GL=head.grams_GL.detach(),
        rarity_G=head.rarity_G,
        dense_KL=dense_KL,
        bias_L=head.bias_L.detach() - mean_K @ dense_KL,
    )


def _features(text: str, vader: Vader, embedding: StaticEmbedding) -> Features:
    parts = [text[part.start : part.end] for part in sentences(text)] or [text]
    return features_of([text], [Polarity.mean(vader.polarities(parts))], embedding)


def _joined(features: Sequence[Features]) -> Features:
    ends = np.cumsum([len(each.grams_M) for each in features])
    return Features(
        grams_M=torch.cat([each.grams_M for each in features]),
        begins_B=torch.from_numpy(np.concatenate(([0], ends[:-1])).astype(np.int64)),
        dense_BK=torch.cat([each.dense_BK for each in features]),
    )
