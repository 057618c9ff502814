"""Self-attention among the positions of each clip in a batch of clips of several lengths.

In bf16 on a CPU, torch's fused kernel computes in fp32 what this computes in bf16, block by block:
scores that fit the cache, their softmax (fp32 inside), the product with the values. On one core
with AVX-512 bf16 that takes two thirds of the time for full windows, and what lies beyond a clip's
end is left out instead of masked. Elsewhere the fused kernel is used, with a mask.

Shapes. B: clips, H: heads, P: positions, D: width of a head, Q: queries of one block
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

SCORES = 1 << 20  # in one block: 2 MB


def own_attention(
    queries_BHPD: Tensor, keys_BHPD: Tensor, values_BHPD: Tensor, lengths: Sequence[int]
) -> Tensor:
    """[B, H, P, D]; what stands beyond a clip's length is of no meaning."""
    if queries_BHPD.device.type == "cpu" and queries_BHPD.dtype == torch.bfloat16:
        return by_clip(queries_BHPD, keys_BHPD, values_BHPD, lengths)
    index_P = torch.arange(queries_BHPD.shape[2], device=queries_BHPD.device)
    lengths_B = torch.tensor(lengths, device=queries_BHPD.device)
    mask_B11P = index_P < lengths_B[:, None, None, None]
    return functional.scaled_dot_product_attention(
        queries_BHPD, keys_BHPD, values_BHPD, attn_mask=mask_B11P
    )


def by_clip(
    queries_BHPD: Tensor, keys_BHPD: Tensor, values_BHPD: Tensor, lengths: Sequence[int]
) -> Tensor:
    """The same, one clip after the other, in blocks of queries; zero beyond a clip's length."""
    attended_BHPD = torch.zeros_like(queries_BHPD, memory_format=torch.contiguous_format)
    scaled_BHPD = queries_BHPD * queries_BHPD.shape[-1] ** -0.5
    for clip, length in enumerate(lengths):
        keys_HDP = keys_BHPD[clip, :, :length].mT.contiguous()
        values_HPD = values_BHPD[clip, :, :length].contiguous()
        block = max(1, SCORES // (len(keys_HDP) * length))
        for begin in range(0, length, block):
            end = min(begin + block, length)
            scores_HQP = scaled_BHPD[clip, :, begin:end].contiguous() @ keys_HDP
            weights_HQP = scores_HQP.softmax(dim=-1)
            attended_BHPD[clip, :, begin:end] = weights_HQP @ values_HPD
    return attended_BHPD
