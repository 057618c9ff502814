"""Copies of recordings: whether they find what they are copies of, and nothing else.

Shapes. N: cases
"""

from collections.abc import Sequence

import numpy as np

from earmark.models.alignment import aligned
from earmark.models.fingerprint import Fingerprint
from earmark.streams.evaluation.case import Case
from earmark.streams.evaluation.measure import Measured
from earmark.streams.evaluation.metric import Values, mean, share

COPY = "copy"  # the label that a copy has and the recording itself has not


def copies(cases: Sequence[Case]) -> Measured:
    """Truth is the recording's name, shared with its copies; the answer is a `Fingerprint`.

    `found` is the share of copies that match their recording, `false_match_rate` that of pairs of
    different recordings that match.
    """
    given_N = np.array([case.answer is not None for case in cases], bool)
    copy_N = np.array([COPY in case.row.labels for case in cases], bool)
    found_N = np.array([bool(it) for it in _found(cases)], bool)
    false_N, pairs_N = (np.array(counts, float) for counts in _false(cases))
    everything_N = np.ones(len(cases), bool)

    def metrics(weight_N: Values) -> dict[str, float]:
        return {
            "found": share(found_N, copy_N & given_N, weight_N),
            "found_of_all": share(found_N, copy_N, weight_N),
            "false_match_rate": mean(false_N, pairs_N, weight_N),
            "coverage": share(given_N, everything_N, weight_N),
        }

    return Measured(
        metrics=metrics,
        loss="copies missed",
        loss_N=(copy_N & given_N & ~found_N).astype(np.float64),
        size_N=(copy_N & given_N).astype(np.float64),
        order_N=false_N,
        lines=[
            (str(case.truth), "found" if found else case.outcome)
            for case, found in zip(cases, found_N, strict=True)
        ],
        shares={
            "found": copy_N & given_N,
            "found_of_all": copy_N,
            "coverage": everything_N,
        },
    )


def _found(cases: Sequence[Case]) -> list[bool]:
    """Whether the copy matches its recording; of the recordings themselves no."""
    originals = {case.truth: case.answer for case in cases if COPY not in case.row.labels}
    return [
        COPY in case.row.labels and _matches(case.answer, originals.get(case.truth))
        for case in cases
    ]


def _false(cases: Sequence[Case]) -> tuple[list[int], list[int]]:
    """For each case the others of another recording that match, and how many there are."""
    false, pairs = [0] * len(cases), [0] * len(cases)
    for at, one in enumerate(cases):
        for to in range(at):
            other = cases[to]
            if one.truth != other.truth and one.answer is not None and other.answer is not None:
                pairs[at] += 1
                false[at] += _matches(one.answer, other.answer)
    return false, pairs


def _matches(one: Fingerprint | None, other: Fingerprint | None) -> bool:
    return one is not None and other is not None and aligned(one, other) is not None
