"""What stands on a topic of profiles, item by item, and where two of them differ."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from earmark.models.source import Progress
from earmark.processors.schema import PROFILES, schema_of
from earmark.processors.wire import Codec
from earmark.streams.local.report import silent
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic_records import read_topic

EXAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How two topics of profiles compare: items on each, and what differs, with some examples."""

    live: int
    rebuilt: int
    differing: int
    examples: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether each item has the same profile on both."""
        return self.differing == 0


def agreement(live: Mapping[str, bytes], rebuilt: Mapping[str, bytes]) -> Agreement:
    """How what `standing` gave of two topics compares."""
    items = sorted(live.keys() | rebuilt.keys())
    differing = [item for item in items if live.get(item) != rebuilt.get(item)]
    return Agreement(
        live=len(live),
        rebuilt=len(rebuilt),
        differing=len(differing),
        examples=tuple(differing[:EXAMPLES]),
    )


def standing(settings: Settings, topic: str, report: Progress = silent) -> Mapping[str, bytes]:
    """A digest of the last committed profile of each item; those taken away are left out."""
    found: dict[str, bytes] = {}
    with Registry(settings.registry) as registry:
        codec = Codec(schema_of(PROFILES), writer_schema=registry.schema_by_id)
        for message in read_topic(settings.kafka, topic, report):
            item = (message.key() or b"").decode()
            value = message.value()
            if value is None:
                found.pop(item, None)
            else:
                found[item] = digest_of(codec.decode(value))
    return found


def digest_of(record: Mapping[str, Any]) -> bytes:
    """Equal for equal records: the order of a map's entries says nothing, and NaN equals NaN."""
    text = json.dumps(record, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
