"""The baselines by FFmpeg do the work that ours is compared with."""

import numpy as np
import pytest
import torch

from earmark.models.loudness import measure
from earmark.streams.bench.corpus import RATE_HZ, programme
from earmark.streams.bench.ffmpeg import ebur128


def test_ebur128_measures_what_our_meter_measures() -> None:
    samples_CT = programme(15)
    theirs = ebur128(samples_CT, RATE_HZ)
    (ours,) = measure(torch.from_numpy(samples_CT)[None], RATE_HZ)
    assert ours.integrated_lufs == pytest.approx(theirs["I"], abs=0.1)
    assert ours.loudness_range_lu == pytest.approx(theirs["LRA"], abs=0.5)
    assert ours.true_peak_dbtp == pytest.approx(20 * np.log10(theirs["true_peak"]), abs=0.2)
