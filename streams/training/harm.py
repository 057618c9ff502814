"""Trains the heads of `text.safety`: labelled texts in, weights and answers to held-out texts out.

The heads are fitted once to all rows. What they are worth is found before, fold by fold: heads that
are fitted without a fold answer its rows, once with rows dealt to folds one by one, and once with
whole sources. A curve through the first of these answers makes probabilities of them.

Shapes. N: rows, L: labels
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from earmark.models.error import ConfigurationError
from earmark.models.harm_head import PROFANITY_SCALE, HarmReader, HeadWeights
from earmark.processors.sentence import sentences, surroundings
from earmark.processors.signals.text_safety import CONTEXT
from earmark.streams.evaluation.calibration import calibration_error
from earmark.streams.evaluation.manifest import Row, row_key
from earmark.streams.evaluation.metric import Flags, area_under_curve, ranks
from earmark.streams.training.harm_fitting import Curve, Lesson, Recipe, fit, fitted_curve
from earmark.streams.training.harm_target import HARMS, Example, examples_of, targets_of
from earmark.streams.training.identity import rows_of_identity

FEWEST = 100  # texts with a harm, for a head to be fitted
FEWEST_SOURCES = 2  # that these come from
LEAST_AUC = 0.72  # of a head on rows held out, for it to be kept; a bar of ours
_LEAN = 0.5  # how far the label profanity leans on profanity-check alone
_YES = 0.5  # from this target on a row counts as having the harm

Watch = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Probabilities of rows that the heads had not seen, by the row's key, and how folds were made.

    `errors` is the calibration error of each label on the half of the rows that the curve of the
    other half was put on; NaN where there are too few.
    """

    folds: str
    probabilities: Mapping[str, Sequence[float]]
    errors: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The heads and what is known of them. `left_out` says of harms without a head why not."""

    labels: tuple[str, ...]
    weights: HeadWeights
    by_row: HeldOut
    by_source: HeldOut
    left_out: Mapping[str, str]
    positives: Mapping[str, int]


def train(
    rows: Sequence[Row], clean: Sequence[Row], reader: HarmReader, recipe: Recipe, watch: Watch
) -> Trained:
    """Heads for the harms that the rows say enough of; `clean` rows hold none of them."""
    torch.manual_seed(recipe.seed)
    texts = [row for row in rows if row.text]
    counts = positives(texts)
    left_out = dict(_too_few(texts, counts))
    kept = [at for at, harm in enumerate(HARMS) if harm not in left_out]
    course = _Course(examples_of([*texts, *rows_of_identity()], clean), texts, reader)
    while kept:
        watch(f"{len(texts)} rows; fitting {', '.join(HARMS[at] for at in kept)}")
        by_row = course.held_out(kept, recipe, [row_key(row) for row in texts], watch)
        weak = {at: auc for at, auc in course.areas(by_row, kept).items() if not auc >= LEAST_AUC}
        if not weak:
            break
        for at, auc in weak.items():
            left_out[HARMS[at]] = f"held-out area under the curve {auc:.2f}, under {LEAST_AUC}"
        kept = [at for at in kept if at not in weak]
    return _concluded(course, kept, recipe, by_row if kept else None, left_out, counts, watch)


def _concluded(
    course: "_Course",
    kept: Sequence[int],
    recipe: Recipe,
    by_row: Tensor | None,
    left_out: Mapping[str, str],
    counts: Mapping[str, int],
    watch: Watch,
) -> Trained:
    if by_row is None:
        reasons = "; ".join(f"{harm}: {why}" for harm, why in left_out.items())
        raise ConfigurationError(f"no harm to fit a head for: {reasons}")
    sources = [row.source or row_key(row) for row in course.rows]
    by_source = course.held_out(kept, recipe, sources, watch)
    curve = course.curve(by_row, kept)
    watch("fitting the heads to all rows")
    weights = _leaning(fit(course.lesson.part_of_labels(kept), recipe), kept)
    return Trained(
        labels=tuple(HARMS[at] for at in kept),
        weights=curve.put_into(weights),
        by_row=course.answers(by_row, curve, kept, "rows"),
        by_source=course.answers(by_source, curve, kept, "sources"),
        left_out=left_out,
        positives=counts,
    )


def positives(rows: Sequence[Row]) -> Mapping[str, int]:
    """How many of the rows have each harm."""
    return {harm: len(_having(rows, at)) for at, harm in enumerate(HARMS)}


def _having(rows: Sequence[Row], at: int) -> list[Row]:
    return [row for row in rows if (targets_of(row) or (math.nan,) * len(HARMS))[at] >= _YES]


def _too_few(rows: Sequence[Row], counts: Mapping[str, int]) -> list[tuple[str, str]]:
    found = []
    for at, harm in enumerate(HARMS):
        sources = len({row.source for row in _having(rows, at)})
        if counts[harm] < FEWEST or sources < FEWEST_SOURCES:
            found.append((harm, f"{counts[harm]} rows of {sources} sources have it"))
    return found


class _Course:
    """Examples with their features, and the rows that are answered fold by fold."""

    def __init__(
        self, examples: Sequence[Example], rows: Sequence[Row], reader: HarmReader
    ) -> None:
        self.rows = rows
        self._example_rows = [example.row for example in examples]
        self.lesson = Lesson(
            features=reader.features([example.text for example in examples]),
            targets_NL=torch.tensor([example.targets for example in examples]),
            weight_N=torch.tensor([example.weight for example in examples]),
        )
        readings = [(at, pair) for at, row in enumerate(rows) for pair in _readings(row.text or "")]
        self._row_S = torch.tensor([at for at, _ in readings], dtype=torch.int64)
        self._alone = reader.features([pair[0] for _, pair in readings])
        self._around = reader.features([pair[1] for _, pair in readings])
        nothing = (math.nan,) * len(HARMS)
        target_NL = torch.tensor([targets_of(row) or nothing for row in rows])
        self._truth_NL = torch.where(target_NL.isnan(), target_NL, (target_NL >= _YES).float())
        by_key = {e.row: e.weight for e in reversed(examples)}
        self._weight_N = torch.tensor([by_key.get(row_key(row), 0.0) for row in rows])

    def held_out(
        self, kept: Sequence[int], recipe: Recipe, groups: Sequence[str], watch: Watch
    ) -> Tensor:
        """Log odds of every row by heads that saw nothing of its group, (N, L)."""
        fold_N = folds(groups, recipe)
        of_row = {row_key(row): fold for row, fold in zip(self.rows, fold_N, strict=True)}
        logits_NL = torch.zeros(len(self.rows), len(kept))
        for fold in range(recipe.folds):
            watch(f"fold {fold + 1} of {recipe.folds}")
            seen = [at for at, row in enumerate(self._example_rows) if of_row.get(row, -1) != fold]
            weights = _leaning(fit(self.lesson.part(seen).part_of_labels(kept), recipe), kept)
            held_N = torch.from_numpy(fold_N == fold)
            logits_NL[held_N] = self._answered(weights)[held_N]
        return logits_NL

    def _answered(self, weights: HeadWeights) -> Tensor:
        """As the signal answers: the worst sentence, half by itself and half by its context."""
        logits_SL = (weights.logits(self._alone) + weights.logits(self._around)) / 2
        worst_NL = torch.full((len(self.rows), logits_SL.shape[1]), -torch.inf)
        index_SL = self._row_S[:, None].expand_as(logits_SL)
        return worst_NL.scatter_reduce(0, index_SL, logits_SL, "amax")

    def curve(self, logits_NL: Tensor, kept: Sequence[int], half: int | None = None) -> Curve:
        """The curve through the answers; of one half of the rows where that is asked for."""
        half_N = self._half()
        chosen_N = torch.ones_like(half_N, dtype=torch.bool) if half is None else half_N != half
        return fitted_curve(
            logits_NL[chosen_N],
            self._truth_NL[:, list(kept)][chosen_N],
            self._weight_N[chosen_N],
        )

    def _half(self) -> Tensor:
        keys = [row_key(row) for row in self.rows]
        return torch.tensor([crc32(key.encode(errors="replace")) % 2 for key in keys])

    def areas(self, logits_NL: Tensor, kept: Sequence[int]) -> Mapping[int, float]:
        """For each label the area under the curve over whole texts of which it is known."""
        found = {}
        for column, at in enumerate(kept):
            truth_N = self._truth_NL[:, at].numpy()
            there_N = self._there(truth_N)
            score_N = logits_NL[:, column].numpy()[there_N].astype(np.float64)
            found[at] = area_under_curve(
                truth_N[there_N] > 0, ranks(score_N), np.ones(len(score_N))
            )
        return found

    def _there(self, truth_N: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> Flags:
        """The whole texts of which the label is known; beginnings are not measured by."""
        there_N: Flags = ~np.isnan(truth_N) & (self._weight_N.numpy() >= 1)
        return there_N

    def answers(self, logits_NL: Tensor, curve: Curve, kept: Sequence[int], name: str) -> HeldOut:
        """The answers as probabilities."""
        probability_NL = torch.sigmoid(curve.applied(logits_NL).double()).numpy()
        keys = [row_key(row) for row in self.rows]
        return HeldOut(
            folds=name,
            probabilities={
                key: row.tolist() for key, row in zip(keys, probability_NL, strict=True)
            },
            errors=self._errors(logits_NL, kept),
        )

    def _errors(self, logits_NL: Tensor, kept: Sequence[int]) -> Mapping[str, float]:
        """Each half by the curve of the other, so that no row is measured by its own curve."""
        half_N = self._half()
        probability_NL = torch.zeros_like(logits_NL)
        for half in (0, 1):
            on_N = half_N == half
            curve = self.curve(logits_NL, kept, half)
            probability_NL[on_N] = torch.sigmoid(curve.applied(logits_NL[on_N]))
        errors = {}
        for column, at in enumerate(kept):
            truth_N = self._truth_NL[:, at].numpy()
            there_N = self._there(truth_N)
            errors[HARMS[at]] = calibration_error(
                probability_NL[:, column].numpy()[there_N].astype(np.float64), truth_N[there_N] > 0
            )
        return errors


def folds(groups: Sequence[str], recipe: Recipe) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """The fold of each group's rows: groups in an order that the seed gives, dealt in turn."""
    names = sorted(set(groups))
    order = np.random.default_rng(recipe.seed).permutation(len(names))
    fold = {names[int(at)]: number % recipe.folds for number, at in enumerate(order)}
    return np.array([fold[group] for group in groups], np.int64)


def _readings(text: str) -> list[tuple[str, str]]:
    parts = list(sentences(text)) or []
    around = surroundings(parts, CONTEXT)
    return [
        (text[a.start : a.end], text[b.start : b.end]) for a, b in zip(parts, around, strict=True)
    ]


def _leaning(weights: HeadWeights, kept: Sequence[int]) -> HeadWeights:
    """The heads, of which that of profanity is the mean of itself and of profanity-check."""
    lean_L = torch.tensor([_LEAN if HARMS[at] == "profanity" else 0.0 for at in kept])
    dense_KL = weights.dense_KL * (1 - lean_L)
    dense_KL[-1] += lean_L / PROFANITY_SCALE
    return replace(
        weights,
        grams_GL=weights.grams_GL * (1 - lean_L),
        dense_KL=dense_KL,
        bias_L=weights.bias_L * (1 - lean_L),
    )
