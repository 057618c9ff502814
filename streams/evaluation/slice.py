"""Slices: the cases by language, type, length or any label, and which are worse than the rest.

A slice is worse where its loss is higher than that of all other cases by more than shuffling the
cases among the slices gives (a one-sided permutation test), after Holm's correction for all slices
that were looked at. Where every slice has several sources, sources are shuffled whole.

Shapes. N: cases, S: slices, R: permutations, U: what is shuffled
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np

from earmark.models.error import ConfigurationError
from earmark.streams.evaluation.language import canonical
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import Measured
from earmark.streams.evaluation.metric import Codes, Values

LEVEL = 0.05
PERMUTATIONS = 4_000
FEWEST = 5  # answered cases in a slice, for it to be tested
FEWEST_SOURCES = 5  # in each slice, for sources to be shuffled
DURATIONS = ((2.0, "under 2 s"), (10.0, "2 to 10 s"), (60.0, "10 to 60 s"))
LENGTHS = ((60, "to 60"), (140, "61 to 140"), (500, "141 to 500"))
NAMES = "language, content_type, duration, length, kind, data, source, or any label"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The cases that share a value; `p` is None where they are too few to be tested.

    `loss` is over the answered; `headline` is the task's main metric of them.
    """

    by: str
    value: str
    n: int
    answered: int
    headline: float
    loss: float
    rest_loss: float
    p: float | None
    worse: bool = False


def slice_value(row: Row, by: str, seconds: float | None) -> str | None:
    """Which slice the row is in; None where it has no such value."""
    match by:
        case "language":
            stated = row.labels.get("bcp47") or row.labels.get("language")
            return canonical(stated) if stated else None
        case "duration":
            return None if row.path is None or not seconds else _bucket(seconds)
        case "length":
            return None if row.text is None else _length(len(row.text))
        case "content_type" | "kind" | "data" | "source":
            return str(getattr(row, by)) or None
        case _:
            stated = row.labels.get(by)
            return None if stated is None else str(stated)


def check_slices(rows: Sequence[Row], by: Collection[str]) -> None:
    """Raises ConfigurationError for a name by which no row can be sliced."""
    for name in by:
        # how long recordings are, decoding tells
        if not any(slice_value(row, name, 1.0) is not None for row in rows):
            raise ConfigurationError(f"no row has {name!r}; slices go by {NAMES}")


def slices(
    measured: Measured,
    valued: Mapping[str, Sequence[str | None]],
    sources: Sequence[str],
    *,
    headline: str,
) -> Sequence[Slice]:
    """All slices of the cases, by the names in `valued`; the worse ones are marked."""
    found = [
        each
        for by, values in valued.items()
        for each in _of_one(measured, by, values, sources, headline)
    ]
    marked = holm([each.p for each in found])
    return tuple(
        replace(each, worse=is_marked) for each, is_marked in zip(found, marked, strict=True)
    )


def holm(ps: Sequence[float | None], level: float = LEVEL) -> Sequence[bool]:
    """Which of the tests hold together at the level (Holm 1979); None was not tested."""
    order = sorted((p, at) for at, p in enumerate(ps) if p is not None)
    marked = [False] * len(ps)
    for done, (p, at) in enumerate(order):
        if p > level / (len(order) - done):
            break
        marked[at] = True
    return marked


def _of_one(
    measured: Measured,
    by: str,
    values: Sequence[str | None],
    sources: Sequence[str],
    headline: str,
) -> Sequence[Slice]:
    there_N = np.array([value is not None for value in values], bool)
    names, code = np.unique([value for value in values if value is not None], return_inverse=True)
    if len(names) < 2:  # noqa: PLR2004  one slice has no rest
        return ()
    slice_N = np.full(len(values), -1, np.int64)
    slice_N[there_N] = code
    p_S = _p(measured, slice_N, len(names), sources, name=by)
    return [
        _slice(measured, slice_N, at, by=by, value=str(value), headline=headline, p=p_S[at])
        for at, value in enumerate(names)
    ]


def _slice(
    measured: Measured,
    slice_N: Codes,
    at: int,
    *,
    by: str,
    value: str,
    headline: str,
    p: float | None,
) -> Slice:
    in_N = (slice_N == at).astype(np.float64)
    rest_N = ((slice_N != at) & (slice_N >= 0)).astype(np.float64)
    return Slice(
        by=by,
        value=value,
        n=int(in_N.sum()),
        answered=int((in_N * (measured.size_N > 0)).sum()),
        headline=measured.metrics(in_N)[headline],
        loss=_loss(measured, in_N),
        rest_loss=_loss(measured, rest_N),
        p=p,
    )


def _loss(measured: Measured, in_N: Values) -> float:
    size = float(in_N @ measured.size_N)
    return float(in_N @ measured.loss_N) / size if size else float("nan")


def _p(
    measured: Measured, slice_N: Codes, count: int, sources: Sequence[str], *, name: str
) -> Sequence[float | None]:
    """How likely each slice's excess of loss is where slices mean nothing."""
    kept_N = (slice_N >= 0) & (measured.size_N > 0)
    unit_U, loss_U, size_U, cases_U = _units(measured, slice_N, kept_N, count, sources)
    answered_S = np.bincount(unit_U, cases_U, count)
    tested_S = (answered_S >= FEWEST) & (answered_S.sum() - answered_S >= FEWEST)
    if not tested_S.any():
        return [None] * count
    seen_S = _excess(unit_U, loss_U, size_U, count)
    random = np.random.default_rng(crc32(name.encode(errors="replace")))
    larger_S = np.zeros(count)
    for _ in range(PERMUTATIONS):
        larger_S += _excess(random.permutation(unit_U), loss_U, size_U, count) >= seen_S - 1e-12
    p_S = (1 + larger_S) / (1 + PERMUTATIONS)
    return [float(p) if is_tested else None for p, is_tested in zip(p_S, tested_S, strict=True)]


def _units(
    measured: Measured,
    slice_N: Codes,
    kept_N: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
    count: int,
    sources: Sequence[str],
) -> tuple[Codes, Values, Values, Values]:
    """What is shuffled: the slice, the loss, the size and the number of cases of each."""
    of_N = slice_N[kept_N]
    loss_N, size_N = measured.loss_N[kept_N], measured.size_N[kept_N]
    _, source_N = np.unique(np.array(sources)[kept_N], return_inverse=True)
    pairs = {(int(s), int(g)) for s, g in zip(of_N, source_N, strict=True)}
    sources_S = np.bincount([s for s, _ in pairs], minlength=count) if pairs else np.zeros(count)
    groups = len({g for _, g in pairs})
    is_nested = groups == len(pairs)
    if not is_nested or not pairs or sources_S[sources_S > 0].min() < FEWEST_SOURCES:
        return of_N, loss_N, size_N, np.ones(len(of_N))
    slice_G = np.zeros(groups, np.int64)
    slice_G[source_N] = of_N
    return (
        slice_G,
        np.bincount(source_N, loss_N, groups).astype(np.float64),
        np.bincount(source_N, size_N, groups).astype(np.float64),
        np.bincount(source_N, minlength=groups).astype(np.float64),
    )


def _excess(unit_U: Codes, loss_U: Values, size_U: Values, count: int) -> Values:
    """The loss of each slice less that of all others."""
    loss_S, size_S = np.bincount(unit_U, loss_U, count), np.bincount(unit_U, size_U, count)
    rest_S = (loss_S.sum() - loss_S) / np.maximum(size_S.sum() - size_S, 1e-12)
    return np.asarray(loss_S / np.maximum(size_S, 1e-12) - rest_S, np.float64)


def _bucket(seconds: float) -> str:
    return next((name for limit, name in DURATIONS if seconds < limit), "over 60 s")


def _length(code_points: int) -> str:
    return next((name for limit, name in LENGTHS if code_points <= limit), "over 500")
