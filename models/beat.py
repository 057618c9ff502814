"""The beats of an onset curve at a known tempo.

Ellis, "Beat Tracking by Dynamic Programming" (Journal of New Music Research 2007): the sequence of
frames that together have the strongest accents and the least uneven intervals.

N: frames
"""

import numpy as np
from numpy.typing import NDArray

from earmark.models.onset import FRAMES_PER_SECOND, Curve

TIGHTNESS = 100.0  # how much an interval's squared logarithm costs, in deviations of the accents
_SMOOTHING = 1 / 32  # of a period: within it an accent counts as on the beat
_FAINT = 0.5  # of the beats' root mean square: fainter ones are left out at both ends

Numbers = NDArray[np.float64]


def beats(accents_N: Curve, bpm: float) -> NDArray[np.int64]:
    """The frames of the beats, in order, from the first to the last that can be heard."""
    period = 60 * FRAMES_PER_SECOND / bpm
    score_N = _local_score(accents_N, period)
    if not score_N.any():
        return np.zeros(0, np.int64)
    total_N, before_N = _best_paths(score_N, period)
    frame = _last_beat(total_N, period)
    path: list[int] = []
    while frame >= 0:
        path.append(frame)
        frame = int(before_N[frame])
    return _audible(np.array(path[::-1], np.int64), score_N)


def _local_score(accents_N: Curve, period: float) -> Numbers:
    scale = accents_N.std(dtype=np.float64) if len(accents_N) else 0.0
    if not scale > 0:
        return np.zeros(len(accents_N))
    reach = np.arange(-round(period), round(period) + 1)
    bell = np.exp(-0.5 * (reach / period / _SMOOTHING) ** 2)
    smoothed_N = np.convolve(accents_N / scale, bell, "full")
    return smoothed_N[len(reach) // 2 :][: len(accents_N)]


def _best_paths(score_N: Numbers, period: float) -> tuple[Numbers, NDArray[np.int32]]:
    """The best total up to a beat on each frame, and the beat before it, -1 for none.

    The beat before lies half a period to two periods back, so as many frames at a time as half a
    period has depend only on frames that are done.
    """
    near, far = max(round(period / 2), 1), round(2 * period)
    step_N = np.arange(-far, -near + 1)
    cost_N = TIGHTNESS * np.log(-step_N / period) ** 2
    total_N, before_N = score_N.copy(), np.full(len(score_N), -1, np.int32)
    for start in range(near, len(score_N), near):
        frames = np.arange(start, min(start + near, len(score_N)))
        places = frames[:, None] + step_N
        reached = np.where(places >= 0, total_N[np.maximum(places, 0)], -np.inf) - cost_N
        best = reached.argmax(axis=1)
        gain = reached[np.arange(len(frames)), best]
        worth = gain > 0  # else a path begins here
        total_N[frames[worth]] += gain[worth]
        before_N[frames[worth]] = places[worth, best[worth]]
    return total_N, before_N


def _last_beat(total_N: Numbers, period: float) -> int:
    """The best frame of the last period."""
    start = max(len(total_N) - round(period), 0)
    return start + int(total_N[start:].argmax())


def _audible(path: NDArray[np.int64], score_N: Numbers) -> NDArray[np.int64]:
    heard = score_N[path]
    loud = np.flatnonzero(heard >= _FAINT * np.sqrt(np.mean(heard**2)))
    return path[loud[0] : loud[-1] + 1] if len(loud) else path[:0]
