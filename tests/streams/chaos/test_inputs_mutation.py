"""Mutations take any bytes, follow from their random numbers, and do something."""

from io import BytesIO

import fastavro
import numpy as np
import pytest

from earmark.streams.chaos.inputs_mutation import AVRO, MOST_BYTES, lie_of_count, mutated

SOME = bytes(range(256)) * 8 + b"RIFF\0\0\0\0data\0\0\0\0" + bytes(100)
OTHER = b"something else, of which a piece may come in " * 20


@pytest.mark.parametrize("name", AVRO)
@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"RIFF", SOME], ids=len)
@pytest.mark.parametrize("other", [b"", b"a", OTHER], ids=len)
def test_any_bytes_can_be_damaged_and_the_same_way_twice(
    name: str, data: bytes, other: bytes
) -> None:
    for seed in range(40):
        first, again = (AVRO[name](np.random.default_rng(seed), data, other) for _ in range(2))
        assert first == again
        assert isinstance(first, bytes)


@pytest.mark.parametrize("name", AVRO)
def test_every_kind_of_damage_does_harm_in_more_than_one_way(name: str) -> None:
    damaged = {AVRO[name](np.random.default_rng(seed), SOME, OTHER) for seed in range(30)}
    assert len(damaged - {SOME}) > 5


def test_what_comes_of_all_kinds_together_is_named_and_bounded() -> None:
    large = bytes(MOST_BYTES - 1)
    for seed in range(60):
        data, names = mutated(np.random.default_rng(seed), large, large, AVRO)
        assert len(data) <= MOST_BYTES
        assert set(names.split(", ")) <= set(AVRO)


def test_a_false_count_is_a_number_as_avro_writes_it() -> None:
    found = set()
    for seed in range(200):
        damaged = lie_of_count(np.random.default_rng(seed), b"", b"")
        found.add(fastavro.schemaless_reader(BytesIO(damaged), "long", None))
    assert {0, -1, 127, 2**31, -(2**31), 2**62 + 2**62 - 1} <= found
