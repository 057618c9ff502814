"""A recording as it is drawn: lowest and highest sample, level and spectrum of each column of time.

However long it is, the columns stay few: when there are too many, each two become one.

T: samples, N: columns, F: bins of a spectrum, M: mel bands
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from earmark.processors.block import SAMPLE_RATE_HZ, Samples

COLUMN_SAMPLES = 256  # at first: 16 ms
COLUMNS = 4_096  # up to twice as many, then they are halved
WINDOW = 1_024  # 64 ms
BANDS = 96
HIGHEST_HZ = 8_000.0
FLOOR_DB = -80.0  # under full scale: black
LEVEL_POINTS = 1_000

_HANN = np.hanning(WINDOW).astype(np.float32)

Columns = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """The drawing: samples in [-1, 1], level in dBFS, `mel_NM` from 0 (floor) to 255 (full)."""

    seconds: float
    low_N: NDArray[np.float16]
    high_N: NDArray[np.float16]
    level_N: NDArray[np.float16]
    mel_NM: NDArray[np.uint8]

    def waveform(self, buckets: int) -> tuple[list[float], list[float]]:
        """Lowest and highest samples of so many stretches of equal length, or of all columns."""
        edges = _edges(len(self.low_N), buckets)
        low, high = (it.astype(np.float32) for it in (self.low_N, self.high_N))
        if not len(edges):
            return [], []
        lows, highs = np.minimum.reduceat(low, edges), np.maximum.reduceat(high, edges)
        return [round(float(x), 4) for x in lows], [round(float(x), 4) for x in highs]

    def level(self) -> list[list[float]]:
        """Points of time in seconds and level in dBFS."""
        count = len(self.level_N)
        step = max(1, math.ceil(count / LEVEL_POINTS))
        at_s = self.seconds / count if count else 0.0
        return [
            [round((at + step / 2) * at_s, 3), round(float(self.level_N[at : at + step].max()), 1)]
            for at in range(0, count, step)
        ]

    def picture(self, width: int, height: int) -> NDArray[np.uint8]:
        """The spectrogram, high sounds on top."""
        if not len(self.mel_NM):
            return np.zeros((height, width), np.uint8)
        columns = np.linspace(0, len(self.mel_NM) - 1, width).round().astype(int)
        bands = np.linspace(BANDS - 1, 0, height).round().astype(int)
        edges = _edges(len(self.mel_NM), width)
        pooled_NM = (
            np.maximum.reduceat(self.mel_NM, edges) if len(edges) == width else self.mel_NM[columns]
        )
        return np.ascontiguousarray(pooled_NM[:, bands].T)


class Sketching:
    """Folds over the samples of a recording, 16 kHz and mono."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)
        self._tail = np.zeros(WINDOW - COLUMN_SAMPLES, np.float32)
        self._merged = 1  # columns as they come that are one column by now
        self._waiting: list[Columns] = []
        self._done: list[Columns] = []  # [N, 3 + BANDS] each
        self._count = 0
        self._samples = 0

    def add(self, samples_T: Samples) -> None:
        """The next samples."""
        self._samples += len(samples_T)
        both = np.concatenate([self._rest, samples_T])
        whole = len(both) // COLUMN_SAMPLES * COLUMN_SAMPLES
        self._rest = both[whole:]
        if whole:
            self._put(both[:whole])

    def finish(self) -> Sketch:
        """The drawing of all that came."""
        if len(self._rest):
            self._put(np.pad(self._rest, (0, COLUMN_SAMPLES - len(self._rest))))
        self._done += [_merge(it, len(it)) for it in self._waiting]
        columns = np.concatenate(self._done) if self._done else np.zeros((0, 3 + BANDS), np.float32)
        level = 10 * np.log10(np.maximum(columns[:, 2], 1e-12))
        decibel = 10 * np.log10(np.maximum(columns[:, 3:], 1e-12))
        shades = np.clip((decibel - FLOOR_DB) / -FLOOR_DB, 0, 1) * 255
        return Sketch(
            seconds=self._samples / SAMPLE_RATE_HZ,
            low_N=columns[:, 0].astype(np.float16),
            high_N=columns[:, 1].astype(np.float16),
            level_N=np.maximum(level, -120).astype(np.float16),
            mel_NM=shades.round().astype(np.uint8),
        )

    def _put(self, samples_T: Samples) -> None:
        """Whole columns."""
        made = _columns(samples_T, np.concatenate([self._tail, samples_T]))
        self._tail = np.concatenate([self._tail, samples_T])[-(WINDOW - COLUMN_SAMPLES) :]
        pending = np.concatenate([*self._waiting, made])
        whole = len(pending) // self._merged * self._merged
        self._waiting = [pending[whole:]] if whole < len(pending) else []
        if whole:
            self._done.append(_merge(pending[:whole], self._merged))
            self._count += whole // self._merged
        if self._count >= 2 * COLUMNS:
            self._halve()

    def _halve(self) -> None:
        columns = np.concatenate(self._done)
        even = len(columns) // 2 * 2
        left = columns[even:]
        self._done = [_merge(columns[:even], 2), *([left] if len(left) else [])]
        self._count = sum(map(len, self._done))
        self._merged *= 2


def _columns(samples_T: Samples, windowed_T: Samples) -> Columns:
    """[N, 3 + BANDS]: lowest, highest, mean square, and power of each band."""
    parts_NT = samples_T.reshape(-1, COLUMN_SAMPLES)
    frames_NT = np.lib.stride_tricks.sliding_window_view(windowed_T, WINDOW)[::COLUMN_SAMPLES]
    power_NF = np.abs(np.fft.rfft(frames_NT * _HANN, axis=1)) ** 2 / (_HANN.sum() / 2) ** 2
    own = [parts_NT.min(axis=1), parts_NT.max(axis=1), (parts_NT**2).mean(axis=1)]
    return np.concatenate([np.stack(own, axis=1), power_NF @ _filters()], axis=1).astype(np.float32)


def _merge(columns: Columns, several: int) -> Columns:
    """Each so many columns as one."""
    if several == 1:
        return columns
    groups = columns.reshape(-1, several, columns.shape[1])
    merged: Columns = groups.mean(axis=1)
    merged[:, 0], merged[:, 1] = groups[:, :, 0].min(axis=1), groups[:, :, 1].max(axis=1)
    return merged


def _edges(count: int, buckets: int) -> NDArray[np.int64]:
    """Where each of at most so many stretches begins."""
    return np.unique(np.linspace(0, count, min(buckets, count), endpoint=False).astype(np.int64))


@cache
def _filters() -> Columns:
    """Triangles of equal width in mel (O'Shaughnessy 1987) over the bins of a spectrum."""
    hz_F = np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE_HZ)
    top = 2595 * math.log10(1 + HIGHEST_HZ / 700)
    corners = 700 * (10 ** (np.linspace(0, top, BANDS + 2) / 2595) - 1)
    widths = np.maximum(np.diff(corners), SAMPLE_RATE_HZ / WINDOW)
    up = (hz_F[:, None] - corners[1:-1]) / widths[:-1] + 1
    down = (corners[1:-1] - hz_F[:, None]) / widths[1:] + 1
    filters: Columns = np.maximum(0, np.minimum(np.minimum(up, down), 1)).astype(np.float32)
    return filters
