"""TensorFlow's tensor bundles (`Saver` checkpoints) as arrays, read without TensorFlow.

A bundle is two files. The data file holds the raw numbers, tensor after tensor. The index is a
LevelDB table from tensor names to protobuf records that say where each begins.

Sources: tensorflow/core/protobuf/tensor_bundle.proto; tensorflow/core/lib/io/format.h; LevelDB,
doc/table_format.md
"""

from collections.abc import Iterator
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.models.error import ModelError

_FOOTER_BYTES = 48
_MAGIC = bytes.fromhex("57fb808b247547db")
_UNCOMPRESSED = 0
_FLOAT = 1  # DT_FLOAT of tensorflow/core/framework/types.proto

# wire types of protobuf; the last is checksums, which the card's hash has settled
_VARINT, _LENGTH_DELIMITED, _FIXED32 = 0, 2, 5
_MORE = 0x80  # in a byte of a varint: another one follows

# field numbers of BundleEntryProto, and of TensorShapeProto and its Dim
_DTYPE, _SHAPE, _SHARD, _OFFSET, _SIZE = 1, 2, 3, 4, 5
_DIM, _DIM_SIZE = 2, 1


def read_bundle(index: Path, data: Path) -> dict[str, NDArray[np.float32]]:
    """The float32 tensors of a bundle of one data file, by name.

    Raises ModelError for an index that is none, or that is not of this data file.
    """
    table, numbers = index.read_bytes(), data.read_bytes()
    try:
        entries = dict(_entries(table))
        entries.pop("", None)  # the header: how many data files, which byte order
        return {name: _tensor(name, entry, numbers) for name, entry in entries.items()}
    except IndexError as error:
        raise ModelError(f"{index.name} ends in the middle of a number") from error


def _entries(table: bytes) -> Iterator[tuple[str, bytes]]:
    """All keys and values, by way of the index block that the footer points to."""
    footer = table[-_FOOTER_BYTES:]
    if footer[-len(_MAGIC) :] != _MAGIC:
        raise ModelError("not the index of a tensor bundle: another footer")
    _, at = _handle(footer, 0)  # of the block of filters, which is empty
    index, _ = _handle(footer, at)
    for _, value in _block(table, *index):
        handle, _ = _handle(value, 0)
        yield from ((key.decode(), entry) for key, entry in _block(table, *handle))


def _handle(raw: bytes, at: int) -> tuple[tuple[int, int], int]:
    """Where a block begins and how long it is; and the position behind."""
    offset, at = _varint(raw, at)
    size, at = _varint(raw, at)
    return (offset, size), at


def _block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The pairs of one block: each key says how much of the key before it goes on with."""
    if table[offset + size] != _UNCOMPRESSED:
        raise ModelError("a compressed index, which TensorFlow does not write")
    block = table[offset : offset + size]
    restarts = int.from_bytes(block[-4:], "little")
    end, at, key = len(block) - 4 * (restarts + 1), 0, b""
    while at < end:
        shared, at = _varint(block, at)
        fresh, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + fresh]
        at += fresh
        yield key, block[at : at + length]
        at += length


def _tensor(name: str, entry: bytes, numbers: bytes) -> NDArray[np.float32]:
    fields = dict(_fields(entry))
    if fields.get(_DTYPE) != _FLOAT or fields.get(_SHARD, 0) != 0:
        raise ModelError(f"{name}: not float32 in the first data file")
    offset, size = fields.get(_OFFSET, 0), fields.get(_SIZE, 0)
    raw = numbers[offset : offset + size]
    shape = tuple(dict(_fields(dim))[_DIM_SIZE] for dim in _dims(entry))
    if len(raw) != 4 * prod(shape):
        raise ModelError(f"{name}: {len(raw)} bytes for shape {shape}")
    return np.frombuffer(raw, "<f4").reshape(shape)


def _dims(entry: bytes) -> Iterator[bytes]:
    shape = dict(_messages(entry)).get(_SHAPE, b"")
    yield from (message for number, message in _messages(shape) if number == _DIM)


def _fields(message: bytes) -> Iterator[tuple[int, int]]:
    """The fields that are varints."""
    yield from ((number, value) for number, value in _all_fields(message) if isinstance(value, int))


def _messages(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields that are messages themselves."""
    for number, value in _all_fields(message):
        if isinstance(value, bytes):
            yield number, value


def _all_fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value
        elif kind == _LENGTH_DELIMITED:
            size, at = _varint(message, at)
            yield number, message[at : at + size]
            at += size
        elif kind == _FIXED32:
            at += 4
        else:
            raise ModelError(f"a protobuf field of kind {kind}, which an index does not have")


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the low ones first; and the position behind."""
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & ~_MORE) << shift
        shift += 7
        if not byte & _MORE:
            return value, at
