"""Attention clip by clip is the fused kernel's, but for rounding."""

import torch

from earmark.models.own_attention import by_clip, own_attention, token_attention


def test_each_clip_attends_to_itself_as_the_fused_kernel_says():
    chance = torch.Generator().manual_seed(3)
    triple = [torch.randn(3, 2, 600, 16, generator=chance) for _ in range(3)]
    lengths = [600, 25, 311]
    expected = own_attention(*triple, lengths)
    blocks = by_clip(*triple, lengths)
    narrow = own_attention(*(each.bfloat16() for each in triple), lengths)
    for clip, length in enumerate(lengths):
        torch.testing.assert_close(blocks[clip, :, :length], expected[clip, :, :length])
        torch.testing.assert_close(
            narrow[clip, :, :length].float(), expected[clip, :, :length], atol=0.02, rtol=0.05
        )


def test_one_more_token_attends_as_the_fused_kernel_says():
    chance = torch.Generator().manual_seed(4)
    query, keys, values = (torch.randn(2, 2, n, 16, generator=chance) for n in (1, 40, 40))
    narrow = token_attention(query.bfloat16(), keys.bfloat16(), values.bfloat16(), None)
    torch.testing.assert_close(
        narrow.float(), token_attention(query, keys, values, None), atol=0.02, rtol=0.05
    )
