"""Pictures as PNG files, of one value per point, coloured from dark to light.

Source: PNG (Third Edition), W3C 2025: an indexed image of 8 bits.
"""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

# of even steps in lightness, dark blue to pale yellow; read well by those who see no red or green
_STOPS = (
    (13, 8, 40),
    (59, 25, 110),
    (122, 35, 121),
    (187, 55, 84),
    (237, 105, 37),
    (252, 255, 164),
)


def png(values_HW: NDArray[np.uint8]) -> bytes:
    """The picture with the first row on top."""
    height, width = values_HW.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), values_HW], axis=1)  # no filter
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = [
        (b"IHDR", header),
        (b"PLTE", _palette()),
        (b"IDAT", zlib.compress(rows.tobytes(), 6)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _palette() -> bytes:
    stops = np.linspace(0, 255, len(_STOPS))
    colours = [np.interp(np.arange(256), stops, channel) for channel in zip(*_STOPS, strict=True)]
    return np.stack(colours, axis=1).round().astype(np.uint8).tobytes()


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)
