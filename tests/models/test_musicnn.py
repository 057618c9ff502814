"""Claims about musicnn's front end, and about windows in a batch."""

import numpy as np
import pytest
import torch
from torch import Tensor

from earmark.models.device import Device
from earmark.models.error import ModelError
from earmark.models.musicnn import (
    FFT_SAMPLES,
    FRAME_HOP_SAMPLES,
    FRAMES,
    HOP_SAMPLES,
    MEL_BANDS,
    SAMPLE_RATE_HZ,
    WINDOW_SAMPLES,
    Musicnn,
    load_musicnn,
    log_mel,
)
from earmark.models.store import ModelStore


@pytest.fixture(scope="module")
def noise() -> Tensor:
    torch.manual_seed(3)
    return 0.3 * torch.randn(2 * HOP_SAMPLES + FFT_SAMPLES)


def test_frames_are_those_of_librosa(noise: Tensor) -> None:
    librosa = pytest.importorskip("librosa")
    mel_MF = librosa.feature.melspectrogram(
        y=noise.numpy(),
        sr=SAMPLE_RATE_HZ,
        n_fft=FFT_SAMPLES,
        hop_length=FRAME_HOP_SAMPLES,
        n_mels=MEL_BANDS,
        center=False,
    )
    expected_FM = np.log10(10_000 * mel_MF.T + 1)
    np.testing.assert_allclose(log_mel(noise[None])[0].numpy(), expected_FM, atol=1e-4)


def test_windows_are_cut_so_that_no_frame_is_lost_or_read_twice(noise: Tensor) -> None:
    windows_BT = torch.stack([noise[:WINDOW_SAMPLES], noise[HOP_SAMPLES:][:WINDOW_SAMPLES]])
    frames_FM = log_mel(windows_BT).flatten(0, 1)
    assert len(frames_FM) == 2 * FRAMES
    torch.testing.assert_close(frames_FM, log_mel(noise[None])[0][: 2 * FRAMES], atol=1e-5, rtol=0)


def test_windows_in_a_batch_do_not_influence_each_other() -> None:
    torch.manual_seed(4)
    network = Musicnn().eval()
    mel_BFM = 4 * torch.rand(5, 40, MEL_BANDS)
    alone_BH = torch.cat([network.hear(mel_FM[None]).vectors_BH for mel_FM in mel_BFM])
    torch.testing.assert_close(network.hear(mel_BFM).vectors_BH, alone_BH, atol=1e-5, rtol=0)


@pytest.mark.weights
def test_weights_of_another_model_are_refused() -> None:
    with pytest.raises(ModelError, match="does not hold a musicnn network"):
        load_musicnn(ModelStore().path("spoken-english"), Device())
