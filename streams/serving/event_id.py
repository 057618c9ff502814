"""The id of a server-sent event: the offsets to go on with, partition by partition.

`0:12,3:7` says that 12 comes next of partition 0 and 7 of partition 3, and that nothing was read
of the others.
"""

import re
from collections.abc import Mapping

from earmark.models.error import ConfigurationError
from earmark.streams.subscription.place import place

_FORM = re.compile(r"(\d{1,9}:\d{1,19}(,\d{1,9}:\d{1,19})*)?", re.ASCII)


def event_id(position: Mapping[str, int]) -> str:
    """The id that stands for a position in one topic."""
    pairs = sorted((int(at.rpartition(":")[2]), offset) for at, offset in position.items())
    return ",".join(f"{partition}:{offset}" for partition, offset in pairs)


def position_of(written: str, topic: str) -> dict[str, int]:
    """The position in the topic; raises ConfigurationError for what is no id of ours."""
    if not _FORM.fullmatch(written):
        raise ConfigurationError(f"Last-Event-ID {written[:80]!r} is none that was given here")
    pairs = (pair.split(":") for pair in written.split(",") if pair)
    return {place(topic, int(partition)): int(offset) for partition, offset in pairs}
