"""Torch checkpoints: the tensors, by their own names and in their own number formats."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from earmark.models.error import ModelError

# where training code keeps the tensors among steps, losses and optimiser states
_WRAPPERS = ("model_state_dict", "state_dict", "model")


def convert(sources: Mapping[str, Path], made: Path) -> None:
    """The one source file as `model.safetensors`; raises ModelError where it holds no tensors."""
    (path,) = sources.values()
    save_tensors(read_checkpoint(path), made / "model.safetensors")


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a checkpoint holds, on the CPU; only tensors and plain values are ever unpickled."""
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(checkpoint, dict):
        raise ModelError(f"a checkpoint is a dictionary, not {type(checkpoint).__name__}")
    return checkpoint


def save_tensors(checkpoint: Mapping[str, Any], target: Path) -> None:
    """Write the tensors of a checkpoint, whatever they are wrapped in, as safetensors."""
    wrapper = next((name for name in _WRAPPERS if isinstance(checkpoint.get(name), dict)), None)
    values = checkpoint if wrapper is None else checkpoint[wrapper]
    # clone: safetensors refuses tensors that share their memory, as tied weights do
    tensors = {k: v.clone().contiguous() for k, v in values.items() if isinstance(v, Tensor)}
    if not tensors:
        raise ModelError("the checkpoint holds no tensors")
    save_file(tensors, target)
