"""Recordings with faults that were put in, and the same without.

Tunes from seeds; what is clipped, silent, offset, turned or cut off is counted as it is made.

Shapes. C: channels, T: samples
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from earmark.streams.evaluation.construction.recording import LARGEST, Recording, Samples, wav
from earmark.streams.synthesiser import RATE_HZ, tune

SECONDS = 6.0
SEEDS = range(700, 704)
_GAINS = (1.0, 1.5, 3.0, 8.0)
_SILENT_SHARES = (0.0, 0.25, 0.5, 0.9)
_OFFSETS = (0.0, 0.02, -0.1, 0.25)
_TURNS = (-1.0, -0.5, 0.0, 0.5, 1.0)
_KEPT_SHARES = (0.3, 0.6, 0.95)


def recordings() -> Iterator[Recording]:
    """All of them, the same each time."""
    for seed in SEEDS:
        for gain in _GAINS:
            yield _clipped(seed, gain)
        for share in _SILENT_SHARES:
            yield _silent(seed, share)
        for offset in _OFFSETS:
            yield _offset(seed, offset)
        for correlation in _TURNS:
            yield _turned(seed, correlation)
        for kept in _KEPT_SHARES:
            yield _cut(seed, kept)


def _made(name: str, samples_CT: Samples, **labels: object) -> Recording:
    exact = {"sample_rate": RATE_HZ, "duration_s": samples_CT.shape[1] / RATE_HZ}
    data = partial(wav, samples_CT, RATE_HZ)
    return Recording(id=name, labels={**exact, "truncated": False, **labels}, data=data)


def _clipped(seed: int, gain: float) -> Recording:
    loud_CT = gain * tune(seed=seed, seconds=SECONDS)
    share = float(np.mean(np.abs(loud_CT) * LARGEST >= LARGEST))
    return _made(f"clipped-{seed}-{gain:g}", loud_CT, clipped_share=share)


def _silent(seed: int, share: float) -> Recording:
    """What is silent comes at the end, after a note that is loud to its end."""
    tune_CT = tune(seed=seed, seconds=SECONDS)
    from_T = round((1 - share) * tune_CT.shape[1])
    hum_T = 0.1 * np.sin(2 * np.pi * 110 * np.arange(from_T) / RATE_HZ)  # so that no pause counts
    tune_CT[:, :from_T] = 0.8 * tune_CT[:, :from_T] + hum_T
    tune_CT[:, from_T:] = 0
    return _made(f"silent-{seed}-{share:g}", tune_CT, silence_share=share)


def _offset(seed: int, offset: float) -> Recording:
    tune_CT = 0.6 * tune(seed=seed, seconds=SECONDS)
    centred_CT = tune_CT - tune_CT.mean(axis=1, keepdims=True)
    return _made(f"offset-{seed}-{offset:g}", centred_CT + offset, dc_offset=offset)


def _turned(seed: int, correlation: float) -> Recording:
    """Two noises of equal power, the second made of the first and of what is orthogonal to it."""
    random = np.random.default_rng(seed)
    first_T, other_T = random.standard_normal((2, int(SECONDS * RATE_HZ)))
    other_T -= first_T * (first_T @ other_T) / (first_T @ first_T)
    other_T *= np.sqrt((first_T @ first_T) / (other_T @ other_T))
    second_T = correlation * first_T + np.sqrt(1 - correlation**2) * other_T
    noise_CT = 0.05 * np.stack([first_T, second_T])
    return _made(f"turned-{seed}-{correlation:g}", noise_CT, stereo_correlation=correlation)


def _cut(seed: int, kept: float) -> Recording:
    """A file that ends before its header says that it does."""
    whole = wav(tune(seed=seed, seconds=SECONDS), RATE_HZ)
    return Recording(
        id=f"cut-{seed}-{kept:g}",
        labels={"truncated": True},
        data=lambda: whole[: int(kept * len(whole))],
    )
