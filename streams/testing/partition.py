"""The partition of a key, as Kafka's clients choose it: murmur2 over its bytes.

Source: Apache Kafka, `org.apache.kafka.common.utils.Utils.murmur2`, which is MurmurHash2 (Austin
Appleby) with a seed of its own.
"""

_SEED = 0x9747B28C
_FACTOR = 0x5BD1E995
_WORD = 4
_MASK = 0xFFFFFFFF


def partition_of(key: bytes, partitions: int) -> int:
    """Where records of the key go."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def murmur2(data: bytes) -> int:
    """The hash as an unsigned number of 32 bits."""
    value = (_SEED ^ len(data)) & _MASK
    whole = len(data) - len(data) % _WORD
    for at in range(0, whole, _WORD):
        word = int.from_bytes(data[at : at + _WORD], "little") * _FACTOR & _MASK
        word = (word ^ word >> 24) * _FACTOR & _MASK
        value = (value * _FACTOR & _MASK) ^ word
    if rest := data[whole:]:
        value = (value ^ int.from_bytes(rest, "little")) * _FACTOR & _MASK
    value = (value ^ value >> 13) * _FACTOR & _MASK
    return value ^ value >> 15
