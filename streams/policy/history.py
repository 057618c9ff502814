"""Past profiles of items, read from a topic or from a file of JSON lines."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.models.error import ConfigurationError
from earmark.models.source import Progress
from earmark.processors.codec import Codec
from earmark.processors.error import ContentError
from earmark.processors.policy.judgement import with_signal
from earmark.processors.profile import Profile, profile_of
from earmark.processors.schema import PROFILES, schema_of
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic import SIGNALS_PREFIX
from earmark.streams.topic_records import REPORTED, read_topic

_OF_A_RUN = ("replay.", "shadow.")
_ADDED = ("signal", "kafka")  # what `earmark subscribe --json` puts beside a record's fields
_SCHEMA_ID = 0  # none: the bytes go nowhere


@dataclass(frozen=True, slots=True, kw_only=True)
class PastProfile:
    """The profile of an item as it was; None where the item was erased."""

    content_id: str
    profile: Profile | None


@dataclass(slots=True, kw_only=True)
class History:
    """Profiles, each item's in their order; `partial` ones are of one signal alone.

    `unreadable` counts the records of a topic that could not be read and were left out.
    """

    source: str
    partial: bool
    read: Callable[["History", Progress], Iterator[PastProfile]]
    unreadable: int = 0

    def profiles(self, report: Progress) -> Iterator[PastProfile]:
        """All of them; `report` is told how far the reading is."""
        return self.read(self, report)


def topic_history(
    settings: Settings, topic: str, *, since_ms: int | None = None, until_ms: int | None = None
) -> History:
    """What a topic of profiles, or of one signal, now holds of a time of arrival.

    Topics of replays and shadows are read as the live ones that they stand beside. Raises
    ConfigurationError for a topic of something else.
    """
    live = topic.split(".", 2)[-1] if topic.startswith(_OF_A_RUN) else topic
    if live != PROFILES and not live.startswith(SIGNALS_PREFIX):
        raise ConfigurationError(
            f"topic {topic} holds neither profiles nor a signal: name {PROFILES}, signals.… or "
            "one of these in a replay"
        )

    def read(history: History, report: Progress) -> Iterator[PastProfile]:
        with Registry(settings.registry) as registry:
            codec = Codec(schema_of(live), writer_schema=registry.schema_by_id)
            messages = read_topic(
                settings.kafka, topic, report, since_ms=since_ms, until_ms=until_ms
            )
            for message in messages:
                key, value = (message.key() or b"").decode(errors="replace"), message.value()
                try:
                    record = None if value is None else codec.decode(value)
                except ContentError:
                    history.unreadable += 1
                    continue
                yield PastProfile(content_id=key, profile=_made(live, record))

    return History(source=topic, partial=live != PROFILES, read=read)


def file_history(file: Path) -> History:
    """The profiles of a file, one JSON object a line, as `earmark subscribe --json` prints them.

    Raises ConfigurationError, when it is read, for a line that is no profile.
    """
    codec = Codec(schema_of(PROFILES))

    def read(_: History, report: Progress) -> Iterator[PastProfile]:
        try:
            with file.open(encoding="utf-8") as lines:
                for number, line in enumerate(lines, start=1):
                    if number % REPORTED == 0:
                        report(file.name, number, None)
                    if line.strip():
                        yield _of_line(codec, line, f"{file}:{number}")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{file}: {error}") from error

    return History(source=str(file), partial=False, read=read)


def profile_in(file: Path) -> Profile:
    """The profile that a file of JSON holds; raises ConfigurationError."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: {error}") from error
    found = _of_line(Codec(schema_of(PROFILES)), text, str(file)).profile
    if found is None:
        raise ConfigurationError(f"{file}: the item was erased")
    return found


def checked_record(codec: Codec, text: str, where: str) -> dict[str, Any]:
    """The record that JSON text holds, with all fields; raises ConfigurationError for another."""
    try:
        written = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{where}: not JSON: {error}") from error
    if not isinstance(written, Mapping):
        raise ConfigurationError(f"{where}: not a JSON object")
    fields = {name: value for name, value in written.items() if name not in _ADDED}
    try:
        return codec.decode(codec.encode(fields, _SCHEMA_ID))
    except ContentError as error:
        raise ConfigurationError(f"{where}: {error.reason}") from error


def _of_line(codec: Codec, line: str, where: str) -> PastProfile:
    deleted = _erased(line)
    if deleted is not None:
        return PastProfile(content_id=deleted, profile=None)
    record = checked_record(codec, line, where)
    return PastProfile(content_id=record["content_id"], profile=profile_of(record))


def _erased(line: str) -> str | None:
    """The item of a line that says that it was erased."""
    if '"deleted": true' not in line:
        return None
    try:
        written = json.loads(line)
    except (ValueError, RecursionError):
        return None
    place = written.get("kafka") if isinstance(written, Mapping) else None
    if not isinstance(place, Mapping):
        return None
    return str(place["key"]) if place.get("deleted") is True and "key" in place else None


def _made(live: str, record: Mapping[str, Any] | None) -> Profile | None:
    if record is None:
        return None
    if live == PROFILES:
        return profile_of(record)
    name = live.removeprefix(SIGNALS_PREFIX).rpartition(".v")[0]
    return with_signal(None, name, record)
