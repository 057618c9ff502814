"""Where reading begins, and positions that a subscriber can store with its own results."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from earmark.models.error import ConfigurationError
from earmark.streams.dead_letter import moment_ms

_PLACE = re.compile(r"(?P<topic>[\w.-]{1,249}):(?P<partition>\d{1,9})")

LAST_OFFSET = 2**63 - 1  # what Kafka's protocol has room for

Position = Mapping[str, int]  # `<topic>:<partition>` to the offset to go on with
When = datetime | timedelta | str  # a time, or how long ago; as text: ISO 8601, or 2h


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where reading begins: at most one of these, or else with what is published from now on.

    A group begins where it committed, and `from_beginning` where it did not yet.
    """

    group_id: str | None = None
    from_beginning: bool = False
    since_ms: int | None = None
    position: Position | None = None

    def checked(self, topics: Sequence[str]) -> "Start":
        """Itself; raises ConfigurationError where it says two things, or a position is none."""
        given = {
            "group_id": self.group_id is not None,
            "since": self.since_ms is not None,
            "start": self.position is not None,
        }
        if len(twice := [name for name, is_given in given.items() if is_given]) > 1:
            raise ConfigurationError(f"{' and '.join(twice)} both say where to begin: choose one")
        if self.from_beginning and (given["since"] or given["start"]):
            raise ConfigurationError("from_beginning leaves nothing to since and start: choose one")
        for written, offset in (self.position or {}).items():
            topic, _ = parsed_place(written)
            if topic not in topics:
                raise ConfigurationError(f"start names {topic}, which is not subscribed to")
            is_whole = isinstance(offset, int) and not isinstance(offset, bool)
            if not is_whole or not 0 <= offset <= LAST_OFFSET:
                raise ConfigurationError(f"start has no offset for {written}: {offset!r}")
        return self


@cache
def place(topic: str, partition: int) -> str:
    """A partition as positions name it."""
    return f"{topic}:{partition}"


def parsed_place(written: str) -> tuple[str, int]:
    """Topic and partition; raises ConfigurationError where they are not written there."""
    found = _PLACE.fullmatch(written)
    if found is None:
        raise ConfigurationError(f"{written!r} is no place: write <topic>:<partition>")
    return found["topic"], int(found["partition"])


def since_ms(when: When, now: datetime | None = None) -> int:
    """The time meant, in milliseconds since the epoch; raises ConfigurationError for no time."""
    now = now or datetime.now(UTC)
    if isinstance(when, str):
        return moment_ms(when, now=now)
    if isinstance(when, timedelta):
        when = now - when
    return round((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)
