"""Tensor bundles as TensorFlow writes them, for tests of what reads them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

WriteBundle = Callable[[Path, Mapping[str, NDArray[np.float32]]], tuple[Path, Path]]


def _varint(value: int) -> bytes:
    low = value & 0x7F
    return bytes([low]) if value < 0x80 else bytes([low | 0x80]) + _varint(value >> 7)


def _message(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _entry(array: NDArray[np.float32], offset: int) -> bytes:
    dims = b"".join(_message(2, b"\x08" + _varint(size)) for size in array.shape)
    places = b"\x20" + _varint(offset) if offset else b""  # protobuf leaves zeros out
    return b"\x08\x01" + _message(2, dims) + places + b"\x28" + _varint(array.nbytes) + b"\x35CRC!"


def _block(pairs: Mapping[bytes, bytes]) -> bytes:
    body, before = b"", b""
    for key, value in pairs.items():
        shared = next((i for i, (a, b) in enumerate(zip(before, key)) if a != b), len(before))  # noqa: B905  # the shorter one ends it
        body += _varint(shared) + _varint(len(key) - shared) + _varint(len(value))
        body, before = body + key[shared:] + value, key
    return body + bytes(4) + b"\x01\x00\x00\x00"  # one restart, at 0


@pytest.fixture(scope="session")
def write_bundle() -> WriteBundle:
    """Writes arrays as a bundle into a folder; its index and its data file."""

    def write(folder: Path, arrays: Mapping[str, NDArray[np.float32]]) -> tuple[Path, Path]:
        pairs, numbers = {b"": b"\x08\x01"}, b""
        for name in sorted(arrays):
            pairs[name.encode()] = _entry(arrays[name], len(numbers))
            numbers += arrays[name].astype("<f4").tobytes()
        block = _block(pairs)
        index = _block({b"~": _varint(0) + _varint(len(block))})
        at = len(block) + 5  # behind each block stand one byte and a checksum
        footer = (_varint(0) * 2 + _varint(at) + _varint(len(index))).ljust(40, b"\0")
        table = block + bytes(5) + index + bytes(5) + footer + bytes.fromhex("57fb808b247547db")
        (folder / "musicnn.index").write_bytes(table)
        (folder / "musicnn.data").write_bytes(numbers)
        return folder / "musicnn.index", folder / "musicnn.data"

    return write
