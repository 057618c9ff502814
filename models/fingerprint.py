"""Landmarks of recordings: pairs of spectral peaks, as numbers that a copy of the recording shares.

After Wang 2003, "An Industrial-Strength Audio Search Algorithm" (ISMIR): a peak of the spectrogram
stands out in a copy too, whatever the codec, the gain or what was cut off before it, and two peaks
with the time between them are rare enough to be looked up. Other than there, no peak picks its
nearest neighbours: every pair in its zone counts, and of all pairs those are kept whose hash falls
below a share of all hashes. Two copies keep the same ones, though one of them has peaks of its own
in between, and what a long recording keeps is among what an excerpt of it keeps.

T: samples, N: frames, F: frequencies, P: peaks, H: landmarks
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import max_pool1d

RATE_HZ = 8_000  # what a telephone carries is what is heard: up to 3.5 kHz
WINDOW = 1_024  # 128 ms
HOP = 256
HOP_MS = HOP * 1000 // RATE_HZ  # 32
CHUNK = 128 * HOP  # samples folded at once: 4.1 s

LOWEST_BIN = 26  # 203 Hz
BINS = 422  # of 7.8 Hz, up to 3.5 kHz

FLOOR_DB = -100.0  # of a sine at full scale; the noise of 16 bits lies 30 dB below
GATE_DB = 45.0  # below the loudest frequency near by: what a codec may leave out
GATE_FRAMES = 31  # near by: one second before and after
PEAK_FRAMES = 10  # a peak is the loudest for 0.3 s before and after
PEAK_BINS = 10  # and for 78 Hz below and above

LEAST_STEP = 2  # frames from one peak of a pair to the other
MOST_STEP = 65  # 2 s; 6 bits
LEAST_LEAP = 2  # bins: a tone that is held, or the hum of a machine, makes no pairs
MOST_LEAP = 127  # up or down, 992 Hz; 8 bits
MOST_PAIRS = 64  # peaks behind the first one that are looked at

MIX = 2_654_435_769  # 2^32 / golden ratio: spreads numbers that lie close together (Knuth)
THINNER = 0.8  # the share is lessened by so much at a time
PER_SECOND = 24  # landmarks kept, at most: 192 bytes a second, 11.5 kB a minute
ALWAYS = 600  # kept however short it is
MOST_LANDMARKS = 108_000  # kept however long it is: 864 kB, ten a second for three hours

Hashes = NDArray[np.uint32]
Times = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """The landmarks of a recording, in the order of their times.

    hashes_H: 23 bits each (frequency of the first peak, leap to and steps until the second).
    times_H: of the first peak, in frames of `HOP_MS`. `share` says which of all pairs were kept,
    in (0, 1]: those whose hash is `mixed` to less. Two recordings compare by what both would keep.
    """

    hashes_H: Hashes
    times_H: Times
    share: float = 1.0

    def __len__(self) -> int:
        return len(self.hashes_H)

    @property
    def covered_ms(self) -> int:
        """How much of the recording there are landmarks of, in whole seconds."""
        return len(np.unique(self.times_H * np.uint32(HOP_MS) // np.uint32(1000))) * 1000

    def thinned(self, share: float) -> "Fingerprint":
        """What is kept of it at a share that may be smaller."""
        if share >= self.share:
            return self
        kept_H = mixed(self.hashes_H) < share
        return Fingerprint(
            hashes_H=self.hashes_H[kept_H], times_H=self.times_H[kept_H], share=share
        )

    def packed(self) -> bytes:
        """The landmarks as little-endian uint32, hash and time in turn: 8 bytes each."""
        return np.stack((self.hashes_H, self.times_H), axis=1).astype("<u4").tobytes()

    @classmethod
    def unpacked(cls, landmarks: bytes, *, share: float = 1.0) -> "Fingerprint":
        """The fingerprint that was `packed`; raises ValueError for other bytes."""
        pairs_H2 = np.frombuffer(landmarks, "<u4").reshape(-1, 2).astype(np.uint32)
        return cls(hashes_H=pairs_H2[:, 0].copy(), times_H=pairs_H2[:, 1].copy(), share=share)


def mixed(hashes_H: Hashes) -> NDArray[np.float64]:
    """Where each hash falls in [0, 1), the same for the same hash and evenly spread."""
    return (hashes_H * np.uint32(MIX)).astype(np.float64) / 2**32


class LandmarkFold:
    """Finds the landmarks of one recording, chunk after chunk, in bounded memory.

    Holds the frames of two seconds and at most `most` landmarks: when there are more, the share
    is lessened until they fit, and what has come before is thinned by it too.
    """

    def __init__(self, *, most: int = MOST_LANDMARKS) -> None:
        self._most = most
        self._samples_T = torch.zeros(0)
        self._frames = 0
        self._levels_NF = _nothing()
        self._first = -GATE_FRAMES  # the frame that the first of the levels is
        self._peaks_P2 = np.zeros((0, 2), np.int64)  # whose zone is not over: frame, bin
        self._kept = Fingerprint(hashes_H=np.zeros(0, np.uint32), times_H=np.zeros(0, np.uint32))
        self._new: list[Fingerprint] = []
        self.heard = False  # whether anything was louder than the floor

    def step(self, chunk_T: NDArray[np.float32]) -> None:
        """Take the next `CHUNK` samples at `RATE_HZ`; only the last chunk may be shorter."""
        self._samples_T = torch.cat((self._samples_T, torch.from_numpy(chunk_T)))
        whole = (len(self._samples_T) - WINDOW) // HOP + 1
        if whole > 0:
            self._frames += whole
            self._look(levels(self._samples_T[: (whole - 1) * HOP + WINDOW]))
            self._samples_T = self._samples_T[whole * HOP :]

    def finish(self) -> Fingerprint:
        """The landmarks of all that came."""
        self._look(_nothing())
        self._pair(self._first + len(self._levels_NF) + MOST_STEP)
        self._keep(max(ALWAYS, self._frames * HOP_MS * PER_SECOND // 1000))
        return self._kept

    def _look(self, new_NF: Tensor) -> None:
        """Find the peaks of those frames around which all is known now."""
        self._levels_NF = torch.cat((self._levels_NF, new_NF))
        self.heard = self.heard or bool((new_NF > FLOOR_DB).any())
        known = len(self._levels_NF) - 2 * GATE_FRAMES
        if known <= 0:
            return
        found_P2 = peaks(self._levels_NF).numpy()
        found_P2[:, 0] += self._first + GATE_FRAMES
        self._peaks_P2 = np.concatenate((self._peaks_P2, found_P2))
        self._levels_NF = self._levels_NF[known:]
        self._first += known
        self._pair(self._first + GATE_FRAMES)

    def _pair(self, until: int) -> None:
        """Make the pairs of those peaks whose zone lies before the frame `until`."""
        ready = int(np.searchsorted(self._peaks_P2[:, 0], until - MOST_STEP))
        hashes_H, times_H = pairs(self._peaks_P2, ready)
        self._peaks_P2 = self._peaks_P2[ready:]
        self._new.append(Fingerprint(hashes_H=hashes_H, times_H=times_H).thinned(self._kept.share))
        if sum(map(len, self._new)) > self._most // 8:
            self._keep(self._most)

    def _keep(self, limit: int) -> None:
        """Put what is new behind what is kept, and thin both until they fit."""
        parts = [self._kept, *self._new]
        kept = Fingerprint(
            hashes_H=np.concatenate([part.hashes_H for part in parts]),
            times_H=np.concatenate([part.times_H for part in parts]),
            share=self._kept.share,
        )
        while len(kept) > min(limit, self._most):
            kept = kept.thinned(kept.share * THINNER)
        self._kept, self._new = kept, []


def fingerprint(samples_T: NDArray[np.float32]) -> Fingerprint:
    """The fingerprint of a recording at `RATE_HZ`, mono, that lies in memory."""
    fold = LandmarkFold()
    for at in range(0, len(samples_T), CHUNK):
        fold.step(samples_T[at : at + CHUNK])
    return fold.finish()


def levels(samples_T: Tensor) -> Tensor:
    """[N, BINS]: the level of each frequency in each frame, in dB of a sine at full scale."""
    frames_NT = samples_T.unfold(0, WINDOW, HOP) * _window()
    power_NF = torch.view_as_real(torch.fft.rfft(frames_NT)).square().sum(-1)
    return 10 * torch.log10(power_NF[:, LOWEST_BIN : LOWEST_BIN + BINS] + 1e-12)


def peaks(levels_NF: Tensor) -> Tensor:
    """[P, 2]: frame and bin of the peaks, in order; not of the first and last `GATE_FRAMES`.

    Frames count from there. A peak is the loudest of its neighbourhood, above the floor, and not
    far below the loudest frequency of the two seconds around it.
    """
    loudest_N = max_pool1d(levels_NF.amax(1)[None], 2 * GATE_FRAMES + 1, stride=1)[0]
    across_NF = max_pool1d(levels_NF[None], 2 * PEAK_BINS + 1, stride=1, padding=PEAK_BINS)[0]
    near_NF = across_NF[GATE_FRAMES - PEAK_FRAMES : PEAK_FRAMES - GATE_FRAMES]
    around_NF = max_pool1d(near_NF.T[None], 2 * PEAK_FRAMES + 1, stride=1)[0].T
    inner_NF = levels_NF[GATE_FRAMES:-GATE_FRAMES]
    least_N1 = (loudest_N - GATE_DB).clamp(min=FLOOR_DB)[:, None]
    return ((inner_NF == around_NF) & (inner_NF > least_N1)).nonzero()


def pairs(peaks_P2: NDArray[np.int64], anchors: int) -> tuple[Hashes, Times]:
    """The pairs of the first `anchors` peaks with those in their zone: hashes and times."""
    found = [_pairs_over(peaks_P2, anchors, over) for over in range(1, MOST_PAIRS + 1)]
    hashes_H, times_H = (np.concatenate([part[i] for part in found]) for i in (0, 1))
    order_H = np.lexsort((hashes_H, times_H))
    return hashes_H[order_H].astype(np.uint32), times_H[order_H].astype(np.uint32)


def _pairs_over(
    peaks_P2: NDArray[np.int64], anchors: int, over: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of each anchor with the peak so many places behind it."""
    second_P2 = peaks_P2[over : over + anchors]
    first_P2 = peaks_P2[: min(anchors, len(second_P2))]
    step_P, leap_P = (second_P2 - first_P2).T
    size_P = np.abs(leap_P)
    inside_P = (step_P >= LEAST_STEP) & (step_P <= MOST_STEP)
    inside_P &= (size_P >= LEAST_LEAP) & (size_P <= MOST_LEAP)
    time_P, bin_P = first_P2[inside_P].T
    hashes_P = (
        (bin_P << 14) | ((leap_P + MOST_LEAP)[inside_P] << 6) | (step_P - LEAST_STEP)[inside_P]
    )
    return hashes_P, time_P


def _nothing() -> Tensor:
    """The second before the first frame, or behind the last."""
    return torch.full((GATE_FRAMES, BINS), -torch.inf)


@cache
def _window() -> Tensor:
    # scaled so that a sine at full scale has a level of 0 dB
    return torch.hann_window(WINDOW) * (4 / WINDOW)
