"""A converted bundle computes in torch what its layers mean in TensorFlow, by NumPy alone.

F: frames, M: mel bands, C: channels
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from earmark.models.conversion import musicnn as conversion
from earmark.models.convert import convert
from earmark.models.device import Device
from earmark.models.error import ModelError
from earmark.models.musicnn import MEL_BANDS, TAGS, load_musicnn

Arrays = dict[str, NDArray[np.float32]]
KERNELS = [(7, 38, 1, 204), (7, 67, 1, 204), (128, 1, 1, 51), (64, 1, 1, 51), (32, 1, 1, 51)]
KERNELS += [(7, 561, 1, 64), (7, 64, 1, 64), (7, 64, 1, 64)]
NORMS = [1, 204, 204, 51, 51, 51, 64, 64, 64, 1506, 200]


def numbered(name: str, number: int) -> str:
    return f"{name}_{number}" if number else name


def made_up() -> Arrays:
    """Weights that a trained network could have, norms with gains below zero among them."""
    random = np.random.default_rng(5)
    arrays: Arrays = {"beta1_power": np.array(0, np.float32)}
    for number, kernel in enumerate([*KERNELS, (1506, 200), (200, TAGS)]):
        name = numbered("conv2d", number) if number < 8 else numbered("dense", number - 8)
        arrays[f"{name}/kernel"] = random.normal(0, np.prod(kernel[:-1]) ** -0.5, kernel)
        arrays[f"{name}/bias"] = random.normal(0, 0.1, kernel[-1])
    for number, channels in enumerate(NORMS):
        name = numbered("batch_normalization", number)
        for part in ("gamma", "beta", "moving_mean"):
            arrays[f"{name}/{part}"] = random.normal(0, 1, channels)
        arrays[f"{name}/moving_variance"] = random.uniform(0.5, 2, channels)
    return {name: np.asarray(array, np.float32) for name, array in arrays.items()}


def tensorflow_says(arrays: Arrays, mel_FM: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities by the graph of the package's `models.py`, layer by layer in its layouts."""

    def norm(x: NDArray[np.float64], number: int) -> NDArray[np.float64]:
        gamma, beta, mean, variance = (
            arrays[f"{numbered('batch_normalization', number)}/{part}"].astype(np.float64)
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta

    def conv(
        x_FM: NDArray[np.float64], number: int, before: int, after: int
    ) -> NDArray[np.float64]:
        kernel = arrays[f"{numbered('conv2d', number)}/kernel"][:, :, 0].astype(np.float64)
        padded = np.pad(x_FM, ((before, after), (0, 0)))
        views = sliding_window_view(padded, kernel.shape[:2])  # type: ignore[call-overload]  # NumPy's stub wants one number
        bias = arrays[f"{numbered('conv2d', number)}/bias"]
        return np.maximum(np.tensordot(views, kernel, axes=2) + bias, 0)

    x_FM = norm(mel_FM[..., None], 0)[..., 0]
    pads = [(3, 3), (3, 3), (63, 64), (31, 32), (15, 16)]
    front = [norm(conv(x_FM, n, *pad), n + 1).max(axis=1) for n, pad in enumerate(pads)]
    layers = [np.concatenate(front, axis=1)]
    layers.append(norm(conv(layers[0], 5, 3, 3)[:, 0], 6))
    layers.append(norm(conv(layers[1], 6, 3, 3)[:, 0], 7) + layers[1])
    layers.append(norm(conv(layers[2], 7, 3, 3)[:, 0], 8) + layers[2])
    features_FC = np.concatenate(layers, axis=1)
    pooled = np.stack([features_FC.max(axis=0), features_FC.mean(axis=0)], axis=1).reshape(-1)
    hidden = norm(pooled, 9) @ arrays["dense/kernel"] + arrays["dense/bias"]
    logits = norm(np.maximum(hidden, 0), 10) @ arrays["dense_1/kernel"] + arrays["dense_1/bias"]
    probabilities: NDArray[np.float64] = 1 / (1 + np.exp(-logits))
    return probabilities


def test_torch_says_what_the_graph_means(write_bundle, tmp_path: Path) -> None:
    arrays = made_up()
    index, data = write_bundle(tmp_path, arrays)
    conversion.convert({index.name: index, data.name: data}, tmp_path)
    network = load_musicnn(tmp_path / "model.safetensors", Device())
    mel_FM = np.random.default_rng(6).uniform(0, 4, (24, MEL_BANDS))
    heard = network.hear(torch.tensor(mel_FM[None], dtype=torch.float32))
    expected = tensorflow_says(arrays, mel_FM)
    assert np.ptp(expected) > 0.5
    np.testing.assert_allclose(heard.tags_BK[0].numpy(), expected, atol=1e-4)


def test_a_bundle_of_another_network_is_refused(write_bundle, tmp_path: Path) -> None:
    index, data = write_bundle(tmp_path, {"conv2d/kernel": np.ones((7, 38, 1, 204), np.float32)})
    with pytest.raises(ModelError, match="conversion musicnn cannot read"):
        convert("musicnn", {index.name: index, data.name: data}, tmp_path)
