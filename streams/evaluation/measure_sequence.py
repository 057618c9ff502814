"""Measures of what has parts: words, spans, stretches of time, and neighbours among vectors.

Shapes. N: cases, D: dimensions
"""

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from earmark.streams.evaluation.case import Case
from earmark.streams.evaluation.measure import Measured, Span
from earmark.streams.evaluation.metric import Flags, Values, f1, mean, ratio, share

Names = NDArray[np.str_]

NEIGHBOURS = 5
SAID = 160  # code points of a text in a list of items


def words(cases: Sequence[Case]) -> Measured:
    """Word error: truth and answer are texts, `labels.language` says how they are normalised.

    English by openai-whisper's normaliser, others by its basic one (Radford et al. 2022, C).
    Nothing said of a row counts all of its words in `word_error_of_all`.
    """
    given_N = np.array([case.answer is not None for case in cases], bool)
    pairs = [_normal(case) for case in cases]
    edits_N = np.array([float(edits(wanted, said)) for wanted, said in pairs], float)
    size_N = np.array([float(len(wanted)) for wanted, _ in pairs], float)
    exact_N = given_N & (edits_N == 0)
    everything_N = np.ones(len(cases), bool)
    silent_N = np.where(given_N, edits_N, size_N)

    def metrics(weight_N: Values) -> dict[str, float]:
        kept_N = weight_N * given_N
        return {
            "word_error": mean(edits_N, size_N, kept_N),
            "exact": share(exact_N, given_N, weight_N),
            "word_error_of_all": mean(silent_N, size_N, weight_N),
            "coverage": share(given_N, everything_N, weight_N),
        }

    return Measured(
        metrics=metrics,
        loss="word error",
        loss_N=edits_N * given_N,
        size_N=size_N * given_N,
        order_N=edits_N,
        lines=[
            (" ".join(wanted), " ".join(said) or case.outcome)
            for case, (wanted, said) in zip(cases, pairs, strict=True)
        ],
        shares={"exact": given_N, "coverage": everything_N},
    )


def spans(
    *, kinds: Mapping[str, str] | None = None, overlap: float = 0.5
) -> Callable[[Sequence[Case]], Measured]:
    """Truth and answer are lists of `Span`; a span is found by one of its kind that overlaps it.

    `overlap` is the shared length over the length of both together. Only `kinds`, which maps the
    truth's names to the answer's, are looked at; None looks at all, by their names.
    """

    def measure(cases: Sequence[Case]) -> Measured:
        given_N = np.array([case.answer is not None for case in cases], bool)
        counts = [_found(case, kinds, overlap) for case in cases]
        hit_N, true_N, said_N = np.array(counts, float).reshape(-1, 3).T
        everything_N = np.ones(len(cases), bool)

        def metrics(weight_N: Values) -> dict[str, float]:
            precision = mean(hit_N, said_N, weight_N)
            recall = mean(hit_N, true_N, weight_N)
            return {
                "f1": f1(precision, recall),
                "precision": precision,
                "recall": recall,
                "coverage": share(given_N, everything_N, weight_N),
            }

        return Measured(
            metrics=metrics,
            loss="spans missed or made up",
            loss_N=true_N + said_N - 2 * hit_N,
            size_N=np.maximum(true_N + said_N, 1.0),
            order_N=said_N - hit_N,
            lines=[(_written(case.truth), _written(case.answer or ())) for case in cases],
            shares={"coverage": everything_N},
        )

    return measure


def stretches(cases: Sequence[Case]) -> Measured:
    """Segment error: time missed and time made up, over the time that is there.

    Truth and answer are lists of `Span` in milliseconds.
    """
    given_N = np.array([case.answer is not None for case in cases], bool)
    found = [_time(case.truth, case.answer or ()) for case in cases]
    missed_N, made_up_N, there_N = np.array(found, float).reshape(-1, 3).T
    size_N = there_N * given_N
    everything_N = np.ones(len(cases), bool)

    def metrics(weight_N: Values) -> dict[str, float]:
        kept_N = weight_N * given_N
        return {
            "segment_error": mean(missed_N + made_up_N, there_N, kept_N),
            "missed": mean(missed_N, there_N, kept_N),
            "made_up": mean(made_up_N, there_N, kept_N),
            "coverage": share(given_N, everything_N, weight_N),
        }

    return Measured(
        metrics=metrics,
        loss="segment error",
        loss_N=(missed_N + made_up_N) * given_N,
        size_N=size_N,
        order_N=missed_N + made_up_N,
        lines=[(_written(case.truth), _written(case.answer or ())) for case in cases],
        shares={"coverage": everything_N},
    )


def neighbours(cases: Sequence[Case]) -> Measured:
    """Hit rate: truth is the name of a family, the answer a vector.

    `hit_rate_1` is how often the nearest other vector by cosine is of the family, `hit_rate_5` how
    often one of the nearest five is; `chance` is what a random neighbour would give for the first.
    """
    given_N = np.array([case.answer is not None for case in cases], bool)
    family_N = np.array([str(case.truth) for case in cases], np.str_)
    nearest = _nearest(cases, given_N)
    sizes = Counter(family_N[given_N].tolist())
    kin_N = given_N & np.array([sizes[str(name)] > 1 for name in family_N], bool)
    first_N = kin_N & _hits(family_N, nearest, 1)
    any_N = kin_N & _hits(family_N, nearest, NEIGHBOURS)
    others = max(1, int(given_N.sum()) - 1)
    chance_N = np.array([(sizes[str(name)] - 1) / others for name in family_N], float)
    everything_N = np.ones(len(cases), bool)

    def metrics(weight_N: Values) -> dict[str, float]:
        return {
            "hit_rate_1": share(first_N, kin_N, weight_N),
            "hit_rate_5": share(any_N, kin_N, weight_N),
            "chance": ratio(float(weight_N @ (chance_N * kin_N)), float(weight_N @ kin_N)),
            "coverage": share(given_N, everything_N, weight_N),
        }

    said = [str(family_N[near[0]]) if len(near) else "-" for near in nearest]
    return Measured(
        metrics=metrics,
        loss="nearest is of another family",
        loss_N=(kin_N & ~first_N).astype(np.float64),
        size_N=kin_N.astype(np.float64),
        order_N=(kin_N & ~any_N).astype(np.float64),
        lines=list(zip(family_N.tolist(), said, strict=True)),
        shares={"hit_rate_1": kin_N, "hit_rate_5": kin_N, "coverage": everything_N},
    )


def edits(wanted: Sequence[str], said: Sequence[str]) -> int:
    """Words to insert, delete or replace (Levenshtein distance)."""
    row = np.arange(len(said) + 1)
    code = {word: at for at, word in enumerate({*wanted, *said})}
    said_M = np.array([code[word] for word in said], np.int64)
    for count, word in enumerate(wanted, start=1):
        best = np.minimum(row[:-1] + (said_M != code[word]), row[1:] + 1)
        # each place may also be reached from its left: a running minimum, the steps taken off
        steps = np.arange(len(said) + 1)
        row = np.minimum.accumulate(np.concatenate(([count], best)) - steps) + steps
    return int(row[-1])


@cache
def _normaliser(language: str) -> Callable[[str], str]:
    from whisper.normalizers import BasicTextNormalizer, EnglishTextNormalizer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its list of spellings open
        made: Callable[[str], str] = (
            EnglishTextNormalizer() if language == "en" else BasicTextNormalizer()
        )
    return made


def _normal(case: Case) -> tuple[list[str], list[str]]:
    language = str(case.row.labels.get("language") or "en").split("-")[0]
    normal = _normaliser("en" if language == "en" else "")
    return _words(normal(str(case.truth))), _words(normal(str(case.answer or "")))


def _words(text: str) -> list[str]:
    """The words; of an ellipsis the normaliser leaves a dot, which is none."""
    return [word for word in text.split() if word.strip(".")]


def _found(case: Case, kinds: Mapping[str, str] | None, overlap: float) -> tuple[int, int, int]:
    """How many spans agree, are true, are said."""
    truth = [_renamed(span, kinds) for span in case.truth if kinds is None or span.kind in kinds]
    ours = None if kinds is None else set(kinds.values())
    said = [span for span in case.answer or () if ours is None or span.kind in ours]
    left, hits = list(said), 0
    for span in truth:
        match = next((it for it in left if _agree(span, it, overlap)), None)
        if match is not None:
            left.remove(match)
            hits += 1
    return hits, len(truth), len(said)


def _renamed(span: Span, kinds: Mapping[str, str] | None) -> Span:
    kind = span.kind if kinds is None else kinds[span.kind]
    return Span(kind=kind, start=span.start, end=span.end)


def _agree(a: Span, b: Span, overlap: float) -> bool:
    shared = min(a.end, b.end) - max(a.start, b.start)
    both = max(a.end, b.end) - min(a.start, b.start)
    return a.kind == b.kind and shared > 0 and shared >= overlap * both


def _time(truth: Sequence[Span], said: Sequence[Span]) -> tuple[int, int, int]:
    """Milliseconds missed, made up, and there."""
    true_T, said_T = _marked(truth, said), _marked(said, truth)
    return int((true_T & ~said_T).sum()), int((said_T & ~true_T).sum()), int(true_T.sum())


def _marked(spans: Sequence[Span], others: Sequence[Span]) -> Flags:
    length = max((span.end for span in (*spans, *others)), default=0)
    marked_T = np.zeros(length, bool)
    for span in spans:
        marked_T[max(0, span.start) : span.end] = True
    return marked_T


def _nearest(cases: Sequence[Case], given_N: Flags) -> list[list[int]]:
    """For each case the cases with the nearest vectors, nearest first; ties in their order."""
    nearest: list[list[int]] = [[] for _ in cases]
    places = np.flatnonzero(given_N)
    if len(places) < 2:  # noqa: PLR2004  a vector alone has no neighbour
        return nearest
    vectors_ND = np.stack([np.asarray(cases[at].answer, np.float64) for at in places])
    vectors_ND /= np.maximum(np.linalg.norm(vectors_ND, axis=1, keepdims=True), 1e-12)
    cosine_NN = vectors_ND @ vectors_ND.T
    np.fill_diagonal(cosine_NN, -np.inf)
    order_NN = np.argsort(-cosine_NN, axis=1, kind="stable")[:, :NEIGHBOURS]
    for at, order in zip(places, order_NN, strict=True):
        nearest[at] = [int(places[it]) for it in order if places[it] != at]
    return nearest


def _hits(family_N: Names, nearest: Sequence[Sequence[int]], depth: int) -> Flags:
    """Whether any of the first `depth` neighbours is of the case's family."""
    return np.array(
        [
            any(family_N[it] == family_N[at] for it in near[:depth])
            for at, near in enumerate(nearest)
        ],
        bool,
    )


def _written(spans: Sequence[Span]) -> str:
    text = ", ".join(f"{span.kind} {span.start}-{span.end}" for span in spans) or "none"
    return text if len(text) <= SAID else text[: SAID - 1] + "…"
