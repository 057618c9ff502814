"""Damage to bytes, of the kinds that storage, networks and other people's programs do.

Every mutation takes any bytes, be they none, and gives bytes, at most `MOST_BYTES` of them. What it
does follows from the random numbers that it is given.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeVar

import numpy as np

Random = np.random.Generator
Mutation = Callable[[Random, bytes, bytes], bytes]  # random numbers, what is damaged, other bytes
T = TypeVar("T")

MOST_BYTES = 1_000_000  # of what comes out
MOST_AT_ONCE = 3  # mutations of one input
HEAD_BYTES = 128  # what most formats say of themselves stands there
FLIPPED = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)  # shares of the bits; never less than one bit
REPEATS = 8  # most copies of a repeated block

_TAG = re.compile(
    rb"[A-Za-z][A-Za-z0-9]{2}[A-Za-z0-9 ]"
)  # RIFF, MP4, AIFF and others name parts so
_MOST_TAGS = 200  # of a file that are looked at: further on, it is chance that looks like a tag
_EDGES = (
    0,
    1,
    2,
    *(2**bits + more for bits in (7, 8, 15, 16, 24, 31, 32, 63, 64) for more in (-1, 0)),
)
_ORDERS: tuple[Literal["little"], Literal["big"]] = ("little", "big")
_BYTES = (0, 0, 0xFF, 0xFF, 0x55)  # of which runs are
_FIELDS_BYTES = 200  # of an Avro event before its media, and behind them


def flip_bits(random: Random, data: bytes, _: bytes) -> bytes:
    """Single bits turned over, anywhere."""
    if not data:
        return data
    flipped = np.frombuffer(data, np.uint8).copy()
    count = max(1, int(8 * len(data) * pick(random, FLIPPED)))
    bits = random.integers(0, 8 * len(data), count)
    np.bitwise_xor.at(flipped, bits >> 3, (1 << (bits & 7)).astype(np.uint8))
    return flipped.tobytes()


def truncate(random: Random, data: bytes, _: bytes) -> bytes:
    """The end is missing."""
    return data[: random.integers(0, len(data) + 1)]


def behead(random: Random, data: bytes, _: bytes) -> bytes:
    """The beginning is missing."""
    return data[_length(random, len(data)) :]


def splice(random: Random, data: bytes, other: bytes) -> bytes:
    """It goes on as something else."""
    return data[: random.integers(0, len(data) + 1)] + other[random.integers(0, len(other) + 1) :]


def insert(random: Random, data: bytes, other: bytes) -> bytes:
    """A piece of something else stands in it."""
    at = random.integers(0, len(data) + 1)
    return data[:at] + _block(random, other) + data[at:]


def damage_head(random: Random, data: bytes, _: bytes) -> bytes:
    """A few bytes of its head are others."""
    damaged = bytearray(data)
    if damaged:
        places = random.integers(0, min(len(damaged), HEAD_BYTES), random.integers(1, 9))
        for place in places.tolist():
            damaged[place] = random.integers(0, 256)
    return bytes(damaged)


def lie_of_length(random: Random, data: bytes, _: bytes) -> bytes:
    """A number at the edge of its range, where a length may stand."""
    width = pick(random, (1, 2, 4, 4, 8))
    number: int = _edge(random, len(data)) % 256**width
    at = _place_of_length(random, data)
    return data[:at] + number.to_bytes(width, pick(random, _ORDERS)) + data[at + width :]


def fill(random: Random, data: bytes, _: bytes) -> bytes:
    """A run of zeros, of ones, or of one and the other in turn."""
    start, end = _span(random, len(data))
    return data[:start] + bytes([pick(random, _BYTES)]) * (end - start) + data[end:]


def blur(random: Random, data: bytes, _: bytes) -> bytes:
    """A piece of it is noise."""
    start, end = _span(random, len(data))
    noise: bytes = random.bytes(end - start)
    return data[:start] + noise + data[end:]


def repeat(random: Random, data: bytes, _: bytes) -> bytes:
    """A piece of it comes several times."""
    start, end = _span(random, len(data))
    return data[:end] + data[start:end] * int(random.integers(1, REPEATS + 1)) + data[end:]


def lose(random: Random, data: bytes, _: bytes) -> bytes:
    """A piece of it is missing."""
    start, end = _span(random, len(data))
    return data[:start] + data[end:]


def swap(random: Random, data: bytes, _: bytes) -> bytes:
    """Two pieces of it are in the wrong order."""
    a, b, c, d = np.sort(random.integers(0, len(data) + 1, 4)).tolist()
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def lie_of_count(random: Random, data: bytes, _: bytes) -> bytes:
    """A number as Avro writes lengths and counts, in place of a byte among the fields."""
    number = _edge(random, len(data)) * pick(random, (1, 1, -1))
    away = min(int(random.integers(0, _FIELDS_BYTES)), len(data))
    at = pick(random, (away, away, len(data) - away))  # the media stand between, if any
    return data[:at] + _zigzag(number) + data[at + 1 :]


ANYWHERE: Mapping[str, Mutation] = {
    "bit flips": flip_bits,
    "truncation": truncate,
    "lost beginning": behead,
    "splice": splice,
    "insertion": insert,
    "damaged head": damage_head,
    "false length": lie_of_length,
    "run of one byte": fill,
    "noise": blur,
    "repeated block": repeat,
    "lost block": lose,
    "swapped blocks": swap,
}
AVRO: Mapping[str, Mutation] = {**ANYWHERE, "false count": lie_of_count}


def mutated(
    random: Random, data: bytes, other: bytes, kinds: Mapping[str, Mutation] = ANYWHERE
) -> tuple[bytes, str]:
    """The data after one to three mutations of these kinds, and the names of them."""
    names = [pick(random, tuple(kinds)) for _ in range(random.integers(1, MOST_AT_ONCE + 1))]
    for name in names:
        data = kinds[name](random, data, other)[:MOST_BYTES]
    return data, ", ".join(names)


def pick(random: Random, among: Sequence[T]) -> T:
    """One of them, each as often as the others."""
    return among[int(random.integers(0, len(among)))]


def _length(random: Random, most: int) -> int:
    """From 0 to `most`, short ones as often as long ones."""
    return min(most, int(2 ** random.uniform(0, np.log2(most + 2))) - 1)


def _span(random: Random, size: int) -> tuple[int, int]:
    start = int(random.integers(0, size + 1))
    return start, start + _length(random, size - start)


def _block(random: Random, data: bytes) -> bytes:
    start, end = _span(random, len(data))
    return data[start:end]


def _edge(random: Random, size: int) -> int:
    """A number at the edge of what a field holds, or about the size of the whole."""
    return pick(random, (*_EDGES, size - 1, size, size + 1, 2 * size))


def _place_of_length(random: Random, data: bytes) -> int:
    """In the head, beside a tag (behind it as in RIFF, before it as in MP4), or anywhere."""
    tags = [tag.start() for _, tag in zip(range(_MOST_TAGS), _TAG.finditer(data), strict=False)]
    places = [int(random.integers(0, size + 1)) for size in (min(len(data), HEAD_BYTES), len(data))]
    if tags:
        tag = pick(random, tags)
        places += [tag + 4, max(0, tag - 4)]
    return pick(random, places)


def _zigzag(number: int) -> bytes:
    """As Avro writes a long: the sign in the lowest bit, then seven bits to a byte."""
    left = ((number << 1) ^ (number >> 63)) & (2**64 - 1)
    written = bytearray()
    while left >= 2**7:
        written.append(left % 2**7 + 2**7)
        left //= 2**7
    written.append(left)
    return bytes(written)
