"""One line of JSON, or one row of a table, as a content event.

    {"content_id": "a1", "audio": {"uri": "a1.mp3"},
     "texts": [{"field": "title", "text": "Words", "language": null}]}

The keys are the fields of `ContentEvent`, only `content_id` must be there. `audio.data` is base64.
"""

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, InstanceOf, ValidationError
from pydantic_core import ErrorDetails

from earmark.models.error import ConfigurationError
from earmark.processors.content import Audio, ContentEvent, Text

Str = InstanceOf[
    str
]  # pydantic's own str refuses lone surrogates, which are the pipeline's to judge

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")  # RFC 3986, 3.1
_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not a field that content events have",
    "is_instance_of": "must be a string",
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Audio(_Part):
    uri: Str | None = None
    data: Any = None  # base64, or in a table also bytes
    media_type: Str | None = None
    size_bytes: int | None = None
    sha256: Str | None = None


class _Text(_Part):
    field: Str
    text: Str
    language: Str | None = None


class _Line(_Part):
    content_id: Str
    event_id: Str = ""
    revision: int = 1
    content_type: Str = ""
    change: Str = ""
    event_time: int = 0
    source: Str = ""
    tenant: Str = ""
    language: Str | None = None
    regions: list[Str] = []
    priority: int = 0
    attributes: dict[Str, Str] = {}
    audio: _Audio | None = None
    texts: list[_Text] = []


EVENT_FIELDS = frozenset(_Line.model_fields)
AUDIO_FIELDS = frozenset(_Audio.model_fields)
TEXT_FIELDS = frozenset(_Text.model_fields)


def event_of(
    line: bytes, template: ContentEvent, *, folder: Path, ignore_unknown: bool = False
) -> ContentEvent:
    """The event that the line describes; what it does not say is taken from the template.

    A uri without scheme is a path in `folder` and becomes a `file://` uri. Raises
    ConfigurationError that names the field, for a field that events do not have only where
    unknown ones are not ignored.
    """
    return event_saying(_parsed(line), template, folder=folder, ignore_unknown=ignore_unknown)


def event_saying(
    values: Any, template: ContentEvent, *, folder: Path, ignore_unknown: bool = False
) -> ContentEvent:
    """The event with these values by the names of its fields, as `event_of`."""
    said = _checked(values, ignore_unknown=ignore_unknown)
    fields: dict[str, Any] = {name: getattr(said, name) for name in said.model_fields_set}
    fields["texts"] = tuple(Text(**text.model_dump()) for text in said.texts)
    fields["regions"] = tuple(said.regions)
    fields["audio"] = None if said.audio is None else _audio(said.audio, folder)
    return replace(template, **fields)


def _parsed(line: bytes) -> Any:
    try:
        # without its end, or what is missing there would be missing in the next line
        return json.loads(line.decode("utf-8-sig", "surrogatepass").rstrip("\r\n"))
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"not JSON: {error.msg} at column {error.colno}") from error
    except RecursionError as error:
        raise ConfigurationError("JSON that nests too deep") from error


def _checked(values: Any, *, ignore_unknown: bool) -> _Line:
    try:
        return _Line.model_validate(values, extra="ignore" if ignore_unknown else None)
    except ValidationError as error:
        raise ConfigurationError(_problem(error.errors()[0])) from error


def _problem(error: ErrorDetails) -> str:
    field = ".".join(str(part) for part in error["loc"])
    if not field:
        return "not a JSON object"
    return f"{field} {_WORDS.get(error['type'], error['msg'])}"


def _audio(said: _Audio, folder: Path) -> Audio:
    audio = Audio(**said.model_dump(exclude={"data"}), data=_bytes(said.data))
    if audio.uri is None or _SCHEME.match(audio.uri):
        return audio
    return replace(audio, uri=_local_uri(folder / audio.uri))


def _local_uri(path: Path) -> str:
    try:
        return path.resolve().as_uri()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"audio.uri is no path: {error}") from error


def _bytes(data: object) -> bytes | None:
    if data is None or isinstance(data, bytes):
        return data
    if not isinstance(data, str):
        raise ConfigurationError("audio.data must be a string")
    try:
        return base64.b64decode(data, validate=True)
    except ValueError as error:
        raise ConfigurationError("audio.data is not base64") from error
