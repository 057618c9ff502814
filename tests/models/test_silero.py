"""Claims about the Silero network: with random weights, and with those of the package."""

import warnings
from importlib.resources import files
from pathlib import Path

import pytest
import soundfile
import torch
from safetensors.torch import save_file
from torch import Tensor

from earmark.models.device import Device
from earmark.models.silero import FRAME_SAMPLES, SileroVad, load_silero, weights_of_jit
from earmark.models.store import ModelStore

PUBLISHED = Path(str(files("silero_vad") / "data" / "silero_vad.jit"))


@pytest.fixture(scope="module")
def untrained() -> SileroVad:
    torch.manual_seed(3)
    return SileroVad().eval()


@pytest.fixture(scope="module")
def jfk() -> Tensor:
    samples_T, _ = soundfile.read(
        str(files("earmark") / "streams/samples/jfk.wav"), dtype="float32"
    )
    return torch.from_numpy(samples_T[: len(samples_T) // FRAME_SAMPLES * FRAME_SAMPLES])


def probabilities(network: SileroVad, samples_BT: Tensor) -> Tensor:
    return network.step(samples_BT, [network.initial_state()] * len(samples_BT))[0]


def published_probabilities(samples_T: Tensor) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch.jit.load has a successor
        network = torch.jit.load(PUBLISHED)  # type: ignore[no-untyped-call]  # torch publishes no annotation
        frames = samples_T.split(FRAME_SAMPLES)  # type: ignore[no-untyped-call]  # likewise
        return torch.tensor([network(frame, 16_000).item() for frame in frames])


def test_one_probability_per_frame(untrained: SileroVad) -> None:
    scores_BF = probabilities(untrained, torch.randn(3, 7 * FRAME_SAMPLES))
    assert scores_BF.shape == (3, 7)
    assert ((scores_BF >= 0) & (scores_BF <= 1)).all()


def test_recordings_in_a_batch_do_not_influence_each_other(
    untrained: SileroVad, jfk: Tensor
) -> None:
    samples_BT = jfk[: 300 * FRAME_SAMPLES].view(3, -1)
    alone = torch.cat([probabilities(untrained, row_T[None]) for row_T in samples_BT])
    torch.testing.assert_close(probabilities(untrained, samples_BT), alone, atol=1e-5, rtol=0)


def test_state_carries_over_chunks(untrained: SileroVad, jfk: Tensor) -> None:
    states, parts = [untrained.initial_state()], []
    for frames in (1, 40, 2, 57):
        done = sum(part.shape[1] for part in parts) * FRAME_SAMPLES
        chunk_T = jfk[done : done + frames * FRAME_SAMPLES]
        scores_BF, states = untrained.step(chunk_T[None], states)
        parts.append(scores_BF)
    whole_BF = probabilities(untrained, jfk[None, : 100 * FRAME_SAMPLES])
    torch.testing.assert_close(torch.cat(parts, dim=1), whole_BF, atol=1e-5, rtol=0)


def test_a_recording_that_ends_sooner_is_read_as_alone(untrained: SileroVad, jfk: Tensor) -> None:
    states, frames = [untrained.initial_state()] * 3, (7, 40, 1)
    samples_BT = jfk[: 120 * FRAME_SAMPLES].view(3, -1)
    scores_BF, after = untrained.step(samples_BT, states, frames)
    for row, count in enumerate(frames):
        alone_T = samples_BT[row, : count * FRAME_SAMPLES]
        expected, (state,) = untrained.step(alone_T[None], states[:1])
        torch.testing.assert_close(scores_BF[row, :count], expected[0], atol=1e-5, rtol=0)
        if count == max(frames):
            torch.testing.assert_close(after[row].cell_H, state.cell_H, atol=1e-5, rtol=0)


def test_weights_of_the_published_file_give_its_probabilities(jfk: Tensor, tmp_path: Path) -> None:
    save_file(weights_of_jit(PUBLISHED), tmp_path / "model.safetensors")
    network = load_silero(tmp_path / "model.safetensors", Device())
    ours_F = probabilities(network, jfk[None])[0]
    torch.testing.assert_close(ours_F, published_probabilities(jfk), atol=1e-4, rtol=0)


@pytest.mark.weights
def test_weights_of_the_store_give_the_probabilities_of_the_package(jfk: Tensor) -> None:
    network = load_silero(ModelStore().path("silero-vad"), Device())
    ours_F = probabilities(network, jfk[None])[0]
    torch.testing.assert_close(ours_F, published_probabilities(jfk), atol=1e-4, rtol=0)
