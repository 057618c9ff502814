"""Models of fastText, which its own reader takes as they are published.

The format holds numbers and strings and cannot carry code. Its reader trusts the numbers, so only
files whose hash is known come here.
"""

import struct
from collections.abc import Mapping
from pathlib import Path

from earmark.models.error import ModelError

_HEADER = struct.Struct("<ii")
_MAGIC, _VERSION = 793_712_314, 12


def convert(sources: Mapping[str, Path], made: Path) -> None:
    """Move the files into place; raises ModelError for what is not a model of fastText."""
    for name, path in sources.items():
        with path.open("rb") as file:
            head = file.read(_HEADER.size)
        if head != _HEADER.pack(_MAGIC, _VERSION):
            raise ModelError(f"{name} does not begin as a model of fastText, version {_VERSION}")
        path.rename(made / name)
