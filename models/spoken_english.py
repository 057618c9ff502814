"""Whether it is English that is spoken: a linear head on what a Whisper encoder hears.

A checkpoint of English alone writes down invented English when it hears another language. Its
encoder can tell: the mean and the spread of its states over a clip go through a logistic
regression. The card `spoken-english` says what the shipped one was fitted on and how well it does.

Shapes. B: clips, P: encoder positions of 20 ms, W: width, K: features, twice the width,
N: clips to fit on
"""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from earmark.models.device import Device
from earmark.models.error import ModelError


class SpokenEnglish:
    """The head with its weights, in fp32."""

    def __init__(self, weights_K: Tensor, bias: Tensor) -> None:
        self._weights_K = weights_K
        self._bias = bias

    @classmethod
    def load(cls, path: Path, device: Device) -> "SpokenEnglish":
        """From a file that `save` wrote; raises ModelError for another."""
        tensors = load_file(path, device.kind)
        if set(tensors) != {"weights", "bias"}:
            raise ModelError(f"{path.name} holds {sorted(tensors)}, not a head's weights and bias")
        return cls(tensors["weights"], tensors["bias"])

    def save(self, path: Path) -> None:
        """Write the head as safetensors."""
        save_file({"weights": self._weights_K, "bias": self._bias}, path)

    @torch.inference_mode()
    def probabilities(self, states_BPW: Tensor, positions_B: Tensor) -> Tensor:
        """For each clip of `positions_B` positions the probability that it is English, [B]."""
        return torch.sigmoid(pooled(states_BPW, positions_B) @ self._weights_K + self._bias)


def pooled(states_BPW: Tensor, positions_B: Tensor) -> Tensor:
    """Mean and standard deviation of the states over each clip's own positions, [B, K]."""
    index_P = torch.arange(states_BPW.shape[1], device=states_BPW.device)
    own_BP1 = (index_P < positions_B[:, None])[:, :, None]
    states_BPW = states_BPW.float()
    count_B1 = positions_B[:, None]
    mean_BW = (states_BPW * own_BP1).sum(dim=1) / count_B1
    deviations_BPW = (states_BPW - mean_BW[:, None]) * own_BP1
    spread_BW = (deviations_BPW.square().sum(dim=1) / count_B1).sqrt()
    return torch.cat((mean_BW, spread_BW), dim=-1)


def fit(
    features_NK: Tensor, english_N: Tensor, importance_N: Tensor, *, penalty: float
) -> SpokenEnglish:
    """The head that is likeliest for labelled clips, by L-BFGS; the same each time.

    `importance_N` is scaled so that English and the rest count alike. `penalty` is the weight of
    the squared norm on standardised features, against a mean loss per clip.
    """
    mean_K, spread_K = features_NK.mean(dim=0), features_NK.std(dim=0).clamp(min=1e-6)
    standard_NK = (features_NK - mean_K) / spread_K
    target_N = english_N.float()
    english, other = (importance_N * target_N).sum(), (importance_N * (1 - target_N)).sum()
    importance_N = importance_N * torch.where(english_N, 0.5 / english, 0.5 / other)
    weights_K = torch.zeros(features_NK.shape[1], requires_grad=True)
    bias = torch.zeros((), requires_grad=True)
    optimiser = torch.optim.LBFGS([weights_K, bias], max_iter=500, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        logits_N = standard_NK @ weights_K + bias
        error_N = binary_cross_entropy_with_logits(logits_N, target_N, reduction="none")
        total = (importance_N * error_N).sum() + penalty * weights_K.square().sum()
        total.backward()  # type: ignore[no-untyped-call]  # torch leaves it without annotations
        return total

    optimiser.step(loss)  # type: ignore[no-untyped-call]  # likewise
    raw_K = weights_K.detach() / spread_K
    return SpokenEnglish(raw_K, bias.detach() - raw_K @ mean_K)
