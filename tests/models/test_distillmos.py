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
def test_half_the_precision_moves_no_score_by_a_hundredth(network: DistillMos, jfk: Tensor) -> None:
    halved = load_distillmos(ModelStore().path("distillmos"), Device(precision="bf16"))
    stretches = [jfk[:50_000], jfk[:WINDOW_SAMPLES], jfk[100_000:130_000]]
    assert halved.scores(stretches) == pytest.approx(network.scores(stretches), abs=0.01)


def test_other_weights_are_refused(tmp_path) -> None:
    save_file({"weights": torch.zeros(3)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="does not hold the network of distillmos"):
        load_distillmos(tmp_path / "model.safetensors", Device())
