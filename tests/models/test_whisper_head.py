"""The int8 head chooses as the fp32 one does, clip by clip, and never what may not follow."""

import pytest
import torch

from earmark.models.whisper_head import FullHead, Int8Head

WIDTH, VOCABULARY = 64, 3_000


@pytest.fixture(scope="module")
def weight_VW() -> torch.Tensor:
    return torch.randn(VOCABULARY, WIDTH, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def states_BW() -> torch.Tensor:
    return torch.randn(40, WIDTH, generator=torch.Generator().manual_seed(2))


def test_the_int8_head_chooses_what_the_fp32_head_chooses(weight_VW, states_BW):
    (tokens, logprobs), (full_tokens, full_logprobs) = (
        head.best(states_BW, head.logits(states_BW))
        for head in (Int8Head(weight_VW), FullHead(weight_VW))
    )
    assert torch.equal(tokens, full_tokens)
    torch.testing.assert_close(logprobs, full_logprobs, atol=0.1, rtol=0)


def test_the_logits_of_a_clip_do_not_depend_on_the_others(weight_VW, states_BW):
    head = Int8Head(weight_VW)
    alone = torch.cat([head.logits(state_W[None]) for state_W in states_BW])
    torch.testing.assert_close(head.logits(states_BW), alone, atol=1e-5, rtol=1e-5)


def test_what_may_not_follow_is_not_chosen(weight_VW, states_BW):
    head = Int8Head(weight_VW)
    logits_BV = head.logits(states_BW)
    logits_BV[:, 2:] = -torch.inf
    tokens_B, logprobs_B = head.best(states_BW, logits_BV)
    assert int(tokens_B.max()) < 2
    assert logprobs_B.isfinite().all()
