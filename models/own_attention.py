"""Self-attention on a CPU: of the positions of clips of several lengths, and of one more token.

In bf16 on a CPU, torch's fused kernel computes in fp32 what this computes in bf16, block by block:
scores that fit the cache, their softmax (fp32 inside), the product with the values. On one core
with AVX-512 bf16 that takes two thirds of the time for full windows, and what lies beyond a clip's
end is left out instead of masked. For one token after another, two small products take a quarter
of the kernel's time. Elsewhere the fused kernel is used, with a mask.

Shapes. B: clips, H: heads, P: positions, D: width of a head, Q: queries of one block,
N: tokens in one call
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
    if _is_narrow(queries_BHPD):
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


def token_attention(
    queries_BHND: Tensor, keys_BHPD: Tensor, values_BHPD: Tensor, mask: Tensor | None
) -> Tensor:
    """[B, H, N, D]: tokens attend to what `mask` (True: look; None: everything) allows."""
    if mask is None and _is_narrow(queries_BHND):
        scores_BHNP = (queries_BHND * queries_BHND.shape[-1] ** -0.5) @ keys_BHPD.mT
        attended_BHND: Tensor = scores_BHNP.softmax(dim=-1) @ values_BHPD
        return attended_BHND
    return functional.scaled_dot_product_attention(
        queries_BHND, keys_BHPD, values_BHPD, attn_mask=mask
    )


def _is_narrow(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype == torch.bfloat16
