"""The matrices of musicnn's front say what its convolutions say, within what 16 bits hold."""

from copy import deepcopy

import pytest
import torch
from torch import Tensor

from earmark.models.musicnn import FRAMES, MEL_BANDS, Musicnn


@pytest.fixture(scope="module")
def network() -> Musicnn:
    """With channels of both orders: normalisation reverses half of them."""
    torch.manual_seed(5)
    made = Musicnn().eval()
    for part in (*made.timbral, *made.temporal):
        torch.nn.init.normal_(part.norm.weight)
        torch.nn.init.normal_(part.norm.bias)
    return made


@pytest.fixture(scope="module")
def mel_BFM() -> Tensor:
    return 2 * torch.randn(2, FRAMES, MEL_BANDS)


@pytest.mark.parametrize(("dtype", "off"), [(torch.float32, 1e-5), (torch.bfloat16, 1e-2)])
def test_the_tags_of_matrices_are_those_of_convolutions(
    network: Musicnn, mel_BFM: Tensor, dtype: torch.dtype, off: float
) -> None:
    narrow = deepcopy(network)
    narrow.narrow(dtype)
    found, expected = narrow.hear(mel_BFM).tags_BK, network.hear(mel_BFM).tags_BK
    torch.testing.assert_close(found, expected, atol=off, rtol=0)


def test_windows_of_another_length_are_heard_too(network: Musicnn, mel_BFM: Tensor) -> None:
    narrow = deepcopy(network)
    narrow.narrow(torch.float32)
    short_BFM = mel_BFM[:, :40]
    torch.testing.assert_close(
        narrow.hear(short_BFM).tags_BK, network.hear(short_BFM).tags_BK, atol=1e-5, rtol=0
    )
