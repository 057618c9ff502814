"""The Silero network: the 16 kHz weights out of the package's TorchScript file."""

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file

from earmark.models.silero import weights_of_jit


def convert(sources: Mapping[str, Path], made: Path) -> None:
    """`model.safetensors`, named as in the package's own safetensors file; raises ModelError."""
    (path,) = sources.values()
    save_file(weights_of_jit(path), made / "model.safetensors")
