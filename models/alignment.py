"""Whether two recordings share a passage, and where: by the landmarks that both have at one offset.

Wang 2003 takes the offset at which most landmarks coincide. Here it is also asked where, along that
offset, they lie so close together that chance is no answer: a jingle within an hour of talk is
found by itself, and an hour of chance is not.

Q: landmarks of the query, C: coincidences, S: seconds
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.models.fingerprint import HOP_MS, RATE_HZ, WINDOW, Fingerprint, Hashes

LEAST_VOTES = 6.0  # different landmarks that must coincide; of 400,000 pairs none had 4 by chance
LEAST_SCORE = 0.1  # and their share of those that the query has in the passage

EXPECTED = 0.06  # share of landmarks above which a second belongs to the passage
OFFSETS = 8  # tried, those with most coincidences
REPEATS = 64  # a landmark that a recording has more often says nothing of where

_SECOND = 1000 // HOP_MS  # 31 frames, in which coincidences are counted together

Places = NDArray[np.int64]
Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """A passage that the query shares with another recording.

    `score` is the share of the query's landmarks there that the other has too, in (0, 1]; `votes`
    how many they are, each hash once. `offset_ms` is where the query begins in the other recording
    (negative where the other begins in the query), `start_ms` where the passage begins in the
    query, and `matched_ms` its length.
    """

    score: float
    votes: float
    offset_ms: int
    start_ms: int
    matched_ms: int


def aligned(query: Fingerprint, other: Fingerprint) -> Alignment | None:
    """The best passage that both share; None where what they share may be chance.

    At least `LEAST_VOTES` different landmarks must coincide at one offset, and be at least
    `LEAST_SCORE` of those that the query has in the passage.
    """
    share = min(query.share, other.share)
    query, other = query.thinned(share), other.thinned(share)
    asked_C, found_C = coincidences(query.hashes_H, other.hashes_H)
    times_Q = query.times_H.astype(np.int64)
    offsets_C = other.times_H.astype(np.int64)[found_C] - times_Q[asked_C]
    weights_Q = rarity(query.hashes_H)
    found: list[Alignment] = []
    for offset in likely(offsets_C):
        at_it_C = (offsets_C == offset) | (offsets_C == offset + 1)
        hit_Q = np.unique(asked_C[at_it_C])
        found += _passage(times_Q, weights_Q, hit_Q, int(offset))
    sure = filter(_is_sure, found)
    return max(sure, key=lambda passage: passage.votes * passage.score, default=None)


def coincidences(asked_Q: Hashes, other_H: Hashes) -> tuple[Places, Places]:
    """Where both have the same hash: places in the first and in the second, all combinations.

    Hashes that the second has more than `REPEATS` times are left out.
    """
    order_H = np.argsort(other_H, kind="stable")
    sorted_H = other_H[order_H]
    first_Q = np.searchsorted(sorted_H, asked_Q, "left")
    count_Q = np.searchsorted(sorted_H, asked_Q, "right") - first_Q
    count_Q[count_Q > REPEATS] = 0
    asked_C = np.repeat(np.arange(len(asked_Q)), count_Q)
    within_C = np.arange(len(asked_C)) - np.repeat(np.cumsum(count_Q) - count_Q, count_Q)
    return asked_C, order_H[first_Q[asked_C] + within_C]


def likely(offsets_C: Places) -> Places:
    """The offsets at which most coincide, together with the next one, where a frame may fall."""
    offset_O, count_O = np.unique(offsets_C, return_counts=True)
    if not len(offset_O):
        return offset_O
    follows_O = np.diff(offset_O, append=offset_O[-1] + 2) == 1
    both_O = count_O + np.where(follows_O, np.append(count_O[1:], 0), 0)
    best_O = np.argsort(-both_O, kind="stable")[:OFFSETS]
    best: Places = offset_O[best_O]
    return best


def rarity(hashes_Q: Hashes) -> Weights:
    """One over how often each hash is there: what is repeated counts once in all."""
    _, inverse_Q, count_U = np.unique(hashes_Q, return_inverse=True, return_counts=True)
    weights_Q: Weights = 1.0 / count_U[inverse_Q]
    return weights_Q


def _passage(
    times_Q: Places, weights_Q: Weights, hit_Q: Places, offset: int
) -> Iterator[Alignment]:
    """The run of seconds in which most of the query's landmarks coincide, beyond `EXPECTED`."""
    seconds_Q = times_Q // _SECOND
    all_S = np.bincount(seconds_Q, weights_Q)
    hit_S = np.bincount(seconds_Q[hit_Q], weights_Q[hit_Q], minlength=len(all_S))
    first, last = _best_run(hit_S - EXPECTED * all_S)
    inside_Q = hit_Q[(seconds_Q[hit_Q] >= first) & (seconds_Q[hit_Q] < last)]
    if not len(inside_Q):  # everywhere fewer than expected
        return
    votes, of = float(hit_S[first:last].sum()), float(all_S[first:last].sum())
    start, end = int(times_Q[inside_Q].min()), int(times_Q[inside_Q].max())
    yield Alignment(
        score=votes / of,
        votes=votes,
        offset_ms=offset * HOP_MS,
        start_ms=start * HOP_MS,
        matched_ms=(end - start) * HOP_MS + WINDOW * 1000 // RATE_HZ,
    )


def _best_run(gain_S: Weights) -> tuple[int, int]:
    """Where the sum over consecutive entries is largest (Kadane): first, and behind the last."""
    total_S = np.concatenate(([0.0], np.cumsum(gain_S)))
    low_S = np.minimum.accumulate(total_S)
    last = int(np.argmax(total_S[1:] - low_S[:-1])) + 1
    return int(np.argmin(total_S[:last])), last


def _is_sure(found: Alignment) -> bool:
    return found.votes >= LEAST_VOTES and found.score >= LEAST_SCORE
