"""The network of distillmos says through us what it says by itself."""

from importlib.resources import files

import pytest
import soundfile
import torch
from safetensors.torch import save_file
from torch import Tensor

from earmark.models.device import Device
from earmark.models.distillmos import WINDOW_SAMPLES, DistillMos, load_distillmos
from earmark.models.error import ModelError
from earmark.models.padding import noting
from earmark.models.store import ModelStore


@pytest.fixture(scope="module")
def network() -> DistillMos:
    return load_distillmos(ModelStore().path("distillmos"), Device())


@pytest.fixture(scope="module")
def jfk() -> Tensor:
    samples_T, _ = soundfile.read(
        str(files("earmark") / "streams/samples/jfk.wav"), dtype="float32"
    )
    return torch.from_numpy(samples_T)


@pytest.mark.weights
def test_short_and_full_windows_score_as_in_the_package(network: DistillMos, jfk: Tensor) -> None:
    from distillmos import ConvTransformerSQAModel

    package = ConvTransformerSQAModel().eval()
    stretches = [jfk[:50_000], jfk[:WINDOW_SAMPLES], jfk[100_000:130_000]]
    with torch.inference_mode():
        expected = [package(stretch_T[None]).item() for stretch_T in stretches]
    assert network.scores(stretches) == pytest.approx(expected, abs=1e-4)


@pytest.mark.weights
@pytest.mark.parametrize("samples", [1, 159, 1_681, 20_000, 40_077, 119_000, WINDOW_SAMPLES - 1])
def test_silence_behind_a_stretch_is_heard_without_being_computed(
    network: DistillMos, jfk: Tensor, samples: int
) -> None:
    padded_T = torch.zeros(WINDOW_SAMPLES)
    padded_T[:samples] = jfk[9_000 : 9_000 + samples]
    alone = network.scores([jfk[9_000 : 9_000 + samples]])
    assert alone == pytest.approx(network.scores([padded_T]), abs=1e-4)


@pytest.mark.weights
def test_stretches_of_unlike_lengths_score_as_alone(network: DistillMos, jfk: Tensor) -> None:
    stretches = [jfk[: 16_000 * seconds] for seconds in (5, 1, 7, 2, 1)]
    alone = [network.scores([stretch_T])[0] for stretch_T in stretches]
    with noting() as padding:
        assert network.scores(stretches) == pytest.approx(alone, abs=1e-4)
    assert padding.ratio is not None
    assert padding.ratio < 0.12


@pytest.mark.weights
def test_half_the_precision_moves_no_score_by_a_hundredth(network: DistillMos, jfk: Tensor) -> None:
    halved = load_distillmos(ModelStore().path("distillmos"), Device(precision="bf16"))
    stretches = [jfk[:50_000], jfk[:WINDOW_SAMPLES], jfk[100_000:130_000]]
    assert halved.scores(stretches) == pytest.approx(network.scores(stretches), abs=0.01)


def test_other_weights_are_refused(tmp_path) -> None:
    save_file({"weights": torch.zeros(3)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="does not hold the network of distillmos"):
        load_distillmos(tmp_path / "model.safetensors", Device())
