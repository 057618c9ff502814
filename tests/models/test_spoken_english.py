"""The head that finds whether it is English: pooling and fitting."""

import pytest
import torch
from safetensors.torch import save_file

from earmark.models.device import Device
from earmark.models.error import ModelError
from earmark.models.spoken_english import SpokenEnglish, fit, pooled


def states(clips: int, positions: int = 20, width: int = 4, *, seed: int = 0) -> torch.Tensor:
    return torch.randn(clips, positions, width, generator=torch.Generator().manual_seed(seed))


def test_pooling_sees_a_clips_own_positions_only():
    states_BPW = states(2)
    lengths_B = torch.tensor([20, 7])
    own_PW = states_BPW[1, :7]
    expected = torch.cat((own_PW.mean(dim=0), own_PW.std(dim=0, unbiased=False)))
    torch.testing.assert_close(pooled(states_BPW, lengths_B)[1], expected)


def test_a_fitted_head_tells_apart_what_differs(tmp_path):
    states_BPW, lengths_B = states(200), torch.full((200,), 20)
    english_B = torch.arange(200) % 4 == 0
    states_BPW[english_B, :, 2] += 1.0
    features_BK = pooled(states_BPW, lengths_B)
    head = fit(features_BK, english_B, torch.ones(200), penalty=1e-3)
    head.save(tmp_path / "head.safetensors")
    loaded = SpokenEnglish.load(tmp_path / "head.safetensors", Device())
    probs_B = loaded.probabilities(states_BPW, lengths_B)
    assert ((probs_B > 0.5) == english_B).float().mean() > 0.95
    again = fit(features_BK, english_B, torch.ones(200), penalty=1e-3)
    assert torch.equal(again.probabilities(states_BPW, lengths_B), probs_B)


def test_what_is_no_head_says_so(tmp_path):
    save_file({"other": torch.zeros(3)}, tmp_path / "head.safetensors")
    with pytest.raises(ModelError, match="other"):
        SpokenEnglish.load(tmp_path / "head.safetensors", Device())
