"""The step in fixed places computes what the eager one does, also when clips end."""

import pytest
import torch

from earmark.models.device import Device
from earmark.models.whisper import DecoderState, Whisper, compact, load_whisper
from earmark.models.whisper_checkpoint import Dimensions
from earmark.models.whisper_graph import GRID, FixedDecoder, rows_for

CONFIG = {
    **{"n_mels": 80, "n_audio_ctx": 200, "n_audio_state": 32, "n_audio_head": 2},
    **{"n_audio_layer": 1, "n_vocab": 51_864, "n_text_ctx": 40, "n_text_state": 32},
    **{"n_text_head": 2, "n_text_layer": 2},
}


@pytest.fixture(scope="module")
def network() -> Whisper:
    return whisper(Device())


def whisper(device: Device) -> Whisper:
    chance = torch.Generator().manual_seed(7)
    with torch.device("meta"):
        shapes = Whisper(Dimensions.from_config(CONFIG)).state_dict()
    tensors = {
        name: torch.randn(each.shape, generator=chance) * 0.2 for name, each in shapes.items()
    }
    return load_whisper(CONFIG, tensors, device)


@torch.inference_mode()
def begun(network: Whisper) -> DecoderState:
    """Three clips of different lengths, one token read of each."""
    device = network.decoder.positional_embedding.device
    mel_BMF = torch.randn(3, 80, 300, generator=torch.Generator().manual_seed(8)).to(device)
    frames_B = torch.tensor([300, 120, 200], device=device)
    state = network.listen(network.encode(mel_BMF, frames_B))
    network.decoder.states(torch.tensor([[5], [6], [7]], device=device), state)
    return state


@torch.inference_mode()
def test_the_step_in_fixed_places_is_the_eager_one(network):
    eager, fixed = begun(network), FixedDecoder(network, rows=4)
    fixed.begin(begun(network))
    for tokens, kept in (((11, 12, 13), [1, 2]), ((14, 15), [0, 1]), ((16, 17), [1]), ((18,), [0])):
        tokens_B = torch.tensor(tokens)
        expected_BW = network.decoder.states(tokens_B[:, None], eager)[:, -1]
        torch.testing.assert_close(fixed.states(tokens_B), expected_BW, atol=1e-4, rtol=1e-4)
        eager.keep(compact(kept))
        fixed.keep(compact(kept))


@torch.inference_mode()
def test_places_are_used_again_without_a_trace(network):
    fixed, tokens_B = FixedDecoder(network, rows=4), torch.tensor([11, 12, 13])
    fixed.begin(begun(network))
    first_BW = fixed.states(tokens_B)
    fixed.states(tokens_B)
    fixed.begin(begun(network))
    torch.testing.assert_close(fixed.states(tokens_B), first_BW)


def test_a_small_network_has_places_for_all_of_the_grid(network):
    assert rows_for(network) == GRID[-1]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@torch.inference_mode()
def test_a_recorded_step_is_the_eager_one():
    network = whisper(Device(kind="cuda"))
    eager, fixed = begun(network), FixedDecoder(network, rows=4)
    fixed.begin(begun(network))
    for tokens in ((11, 12, 13), (14, 15, 16)):
        tokens_B = torch.tensor(tokens, device="cuda")
        expected_BW = network.decoder.states(tokens_B[:, None], eager)[:, -1]
        torch.testing.assert_close(fixed.states(tokens_B), expected_BW, atol=1e-3, rtol=1e-3)
