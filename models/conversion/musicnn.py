"""The musicnn networks: TensorFlow's variables under the names of `earmark.models.musicnn`.

Training state (`Adam`, `beta1_power`) stays behind. TensorFlow numbers its layers in the order in
which the package's `models.py` makes them.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from earmark.models.tensor_bundle import read_bundle

# name in the graph -> name of ours
_CONVOLUTIONS = {
    "conv2d": "timbral.0.conv",
    "conv2d_1": "timbral.1.conv",
    "conv2d_2": "temporal.0.conv",
    "conv2d_3": "temporal.1.conv",
    "conv2d_4": "temporal.2.conv",
}
_MIDDLE = {f"conv2d_{5 + layer}": f"middle.{layer}.conv" for layer in range(3)}
_DENSE = {"dense": "dense", "dense_1": "head"}
_NORMS = dict(
    zip(
        ["batch_normalization", *(f"batch_normalization_{number}" for number in range(1, 11))],
        ["input_norm"]
        + [f"{part}.norm" for part in ("timbral.0", "timbral.1")]
        + [f"temporal.{layer}.norm" for layer in range(3)]
        + [f"middle.{layer}.norm" for layer in range(3)]
        + ["pooled_norm", "dense_norm"],
        strict=True,
    )
)
_STATISTICS = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def convert(sources: Mapping[str, Path], made: Path) -> None:
    """`model.safetensors`, laid out as torch has it; raises ModelError, or KeyError for another
    network."""
    theirs = read_bundle(sources["musicnn.index"], sources["musicnn.data"])
    tensors: dict[str, NDArray[np.float32]] = {}
    for name, ours in _CONVOLUTIONS.items():  # time, frequency, in, out
        tensors[f"{ours}.weight"] = theirs[f"{name}/kernel"].transpose(3, 2, 0, 1)
        tensors[f"{ours}.bias"] = theirs[f"{name}/bias"]
    for name, ours in _MIDDLE.items():  # time, channels in, 1, out
        tensors[f"{ours}.weight"] = theirs[f"{name}/kernel"][:, :, 0].transpose(2, 1, 0)
        tensors[f"{ours}.bias"] = theirs[f"{name}/bias"]
    for name, ours in _DENSE.items():
        tensors[f"{ours}.weight"] = theirs[f"{name}/kernel"].T
        tensors[f"{ours}.bias"] = theirs[f"{name}/bias"]
    for name, ours in _NORMS.items():
        for part, its in _STATISTICS.items():
            tensors[f"{ours}.{its}"] = theirs[f"{name}/{part}"]
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    save_file(contiguous, made / "model.safetensors")
