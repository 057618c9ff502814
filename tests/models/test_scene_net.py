"""Claims about the network that tells scenes, with untrained weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from earmark.models.device import Device
from earmark.models.error import ModelError
from earmark.models.scene_net import (
    SILENT_DBFS,
    WINDOW_SAMPLES,
    SceneNet,
    SceneTrunk,
    levels,
    load_scene_net,
    scene_mel,
)


@pytest.fixture
def windows_BT() -> np.ndarray:
    random = np.random.default_rng(1)
    return (0.1 * random.standard_normal((5, WINDOW_SAMPLES))).astype(np.float32)


def untrained() -> SceneNet:
    torch.manual_seed(1)
    return SceneNet().eval()


def test_gain_changes_no_frame(windows_BT: np.ndarray) -> None:
    loud_BT = torch.from_numpy(windows_BT)
    assert torch.allclose(scene_mel(loud_BT), scene_mel(loud_BT * 0.01), atol=1e-3)


def test_what_a_window_is_called_does_not_depend_on_its_neighbours(windows_BT: np.ndarray) -> None:
    network = untrained()
    together = network.probabilities(scene_mel(torch.from_numpy(windows_BT)))
    alone = [network.probabilities(scene_mel(torch.from_numpy(row[None]))) for row in windows_BT]
    assert torch.allclose(together, torch.cat(alone), atol=1e-5)


def test_it_has_fewer_than_a_hundred_and_fifty_thousand_weights() -> None:
    assert sum(weight.numel() for weight in SceneNet().parameters()) < 150_000


def test_saved_weights_load_again(tmp_path: Path, windows_BT: np.ndarray) -> None:
    network, mel_BMF = untrained(), scene_mel(torch.from_numpy(windows_BT))
    network.save(tmp_path / "model.safetensors")
    loaded = load_scene_net(tmp_path / "model.safetensors", Device())
    assert torch.equal(network.probabilities(mel_BMF), loaded.probabilities(mel_BMF))


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    save_file({"bias": torch.zeros(3)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"model\.safetensors does not hold the scene network"):
        load_scene_net(tmp_path / "model.safetensors", Device())


def test_the_level_of_a_second_is_that_of_its_loudest_tenth() -> None:
    window_T = np.zeros(WINDOW_SAMPLES, np.float32)
    window_T[20_000:24_000] = 0.1  # 0.25 s of the second one
    assert levels(window_T, WINDOW_SAMPLES) == pytest.approx((SILENT_DBFS, -20.0))
    assert levels(window_T, 18_000) == pytest.approx((SILENT_DBFS, SILENT_DBFS))


def test_features_say_how_much_of_a_window_is_real(windows_BT: np.ndarray) -> None:
    features = SceneTrunk(Device()).features(windows_BT[:2], [WINDOW_SAMPLES, 100])
    assert [window.length for window in features] == [WINDOW_SAMPLES, 100]
    assert features[0].mel_MF.shape == (64, 100)
