"""Which token of the vocabulary follows: all logits in int8, the few best again in fp32.

Whisper's head is its embedding of 52,000 tokens: in fp32, it was more than half of a step of the
decoder. On a CPU with int8 dot products the logits come from weights in int8 (a scale per token)
and states in int8 (a scale per clip, so that a clip's logits do not depend on the others); those
of the `CANDIDATES` likeliest are then computed in fp32, and the choice is made among these.

Shapes. B: clips, W: width, V: vocabulary, K: candidates
"""

from typing import Protocol

import torch
from torch import Tensor

CANDIDATES = 4
LARGEST = 127  # of int8, on both sides of zero


class Head(Protocol):
    """Logits of all tokens, and the best of them."""

    def logits(self, states_BW: Tensor) -> Tensor:
        """[B, V] in fp32."""
        ...

    def best(self, states_BW: Tensor, logits_BV: Tensor) -> tuple[Tensor, Tensor]:
        """The likeliest token and its log-probability, [B]; what may not follow is at -inf."""
        ...


class FullHead:
    """In fp32, whatever the precision of the blocks."""

    def __init__(self, weight_VW: Tensor) -> None:
        self._weight_VW = weight_VW

    def logits(self, states_BW: Tensor) -> Tensor:
        """[B, V]."""
        return states_BW @ self._weight_VW.T

    def best(self, states_BW: Tensor, logits_BV: Tensor) -> tuple[Tensor, Tensor]:
        """The largest of the logits."""
        found_B = logits_BV.log_softmax(dim=-1).max(dim=-1)
        return found_B.indices, found_B.values


class Int8Head:
    """In int8 for all tokens, in fp32 for those that can be the one."""

    def __init__(self, weight_VW: Tensor) -> None:
        self._weight_VW = weight_VW
        scaled_VW, scale_V1 = quantised(weight_VW)
        self._int8_VW, self._scale_V = scaled_VW, scale_V1[:, 0]

    def logits(self, states_BW: Tensor) -> Tensor:
        """[B, V]; off by about a hundredth of their spread."""
        scaled_BW, scale_B1 = quantised(states_BW)
        sums_BV = torch._int_mm(scaled_BW, self._int8_VW.T)
        return (sums_BV * self._scale_V).mul_(scale_B1)

    def best(self, states_BW: Tensor, logits_BV: Tensor) -> tuple[Tensor, Tensor]:
        """The likeliest by the fp32 logits of the candidates, those at -inf left out."""
        logprobs_BK, tokens_BK = logits_BV.log_softmax(dim=-1).topk(CANDIDATES, dim=-1)
        exact_BK = (self._weight_VW[tokens_BK] @ states_BW[:, :, None])[..., 0]
        change_BK = exact_BK - logits_BV.gather(1, tokens_BK)
        change_BK.masked_fill_(logprobs_BK.isneginf(), 0.0)
        # what they add up to with all others changes with them
        grown_B1 = (logprobs_BK.exp() * change_BK.expm1()).sum(dim=-1, keepdim=True).log1p()
        found_B = (logprobs_BK + change_BK - grown_B1).max(dim=-1)
        return tokens_BK.gather(1, found_B.indices[:, None])[:, 0], found_B.values


def head_for(weight_VW: Tensor) -> Head:
    """The one that is fast where the weights are."""
    if weight_VW.device.type == "cpu" and torch.cpu._is_vnni_supported():
        return Int8Head(weight_VW)
    return FullHead(weight_VW)


def quantised(x_NW: Tensor) -> tuple[Tensor, Tensor]:
    """Rows in int8, and the scale [N, 1] by which each is to be multiplied."""
    scale_N1 = x_NW.abs().amax(dim=-1, keepdim=True).clamp(min=1e-9) / LARGEST
    return (x_NW / scale_N1).round_().to(torch.int8), scale_N1
