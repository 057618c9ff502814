"""Files that are published as they are used."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import safe_open

from earmark.models.error import ModelError

_SAFE = {".safetensors", ".json", ".toml", ".txt"}  # formats that cannot carry code


def convert(sources: Mapping[str, Path], made: Path) -> None:
    """Move the files into place; raises ModelError for formats that can carry code."""
    for name, path in sources.items():
        if path.suffix not in _SAFE:
            raise ModelError(f"{name}: taken as it is, a model file must be safetensors or JSON")
        if path.suffix == ".safetensors":
            with safe_open(
                path, framework="pt"
            ) as tensors:  # reads the header, which must be right
                tensors.keys()
        path.rename(made / name)
