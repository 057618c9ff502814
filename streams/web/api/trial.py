"""`/try`: a file or a text, scored here and now."""

import json
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, web

from earmark.processors.content import ContentType
from earmark.processors.error import ContentError
from earmark.streams.spool import Spool
from earmark.streams.web.access import RefusedError
from earmark.streams.web.endpoint import PREFIX, Endpoint
from earmark.streams.web.inspector import Inspector
from earmark.streams.web.trial import Trials, Tried, rejection_object

LONGEST_FILE = 50_000_000  # bytes
LONGEST_TEXT = 100_000  # characters
LONGEST_FIELD = 100
_PIECE = 1 << 18
_UTF8_BYTES = 6  # of one character in JSON: an escape
_FIELDS = {
    "text": {"type": "string", "maxLength": LONGEST_TEXT},
    "content_type": {"type": "string", "enum": [str(it) for it in ContentType]},
    "language": {"type": "string"},
}


def endpoints(inspector: Inspector, trials: Trials) -> list[Endpoint]:
    """Those of this module."""
    file = {"file": {"type": "string", "contentEncoding": "binary"}}
    return [
        Endpoint(
            method="POST",
            path=f"{PREFIX}/try",
            handler=TrialEndpoint(inspector, trials).score,
            says="What the signals say of a file or a text; nothing is published or kept.",
            tag="try",
            body={
                "application/json": {
                    "type": "object",
                    "properties": _FIELDS,
                    "required": ["text"],
                },
                "multipart/form-data": {"type": "object", "properties": file | _FIELDS},
            },
            fails=(400, 413, 415, 429),
        )
    ]


class TrialEndpoint:
    """The handler."""

    def __init__(self, inspector: Inspector, trials: Trials) -> None:
        self._inspector = inspector
        self._trials = trials

    async def score(self, request: web.Request) -> web.Response:
        """Score what was sent."""
        if request.content_type == "application/json":
            return await self._scored(_tried(await _json(request)))
        if request.content_type != "multipart/form-data":
            raise RefusedError(415, "send multipart/form-data with a file, or application/json")
        spool = Spool()
        try:
            given, file = await _form(request, spool)
            return await self._scored(_tried(given, file))
        finally:
            spool.close()

    async def _scored(self, tried: Tried) -> web.Response:
        try:
            found = await self._inspector.wait(self._trials.score, tried)
        except ContentError as error:
            found = {"signals": [], "texts": [], "timeline": {"duration_s": None, "lanes": []}}
            found |= {"rejection": rejection_object(error), "seconds": 0.0}
        return web.json_response(found)


async def _json(request: web.Request) -> dict[str, Any]:
    body = bytearray()
    async for piece in request.content.iter_chunked(_PIECE):
        body += piece
        if len(body) > LONGEST_TEXT * _UTF8_BYTES:
            raise RefusedError(413, f"a text has {LONGEST_TEXT:,} characters at most")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(400, "the body is no JSON") from None
    if not isinstance(found, dict):
        raise RefusedError(400, "the body is a JSON object")
    return found


async def _form(request: web.Request, spool: Spool) -> tuple[dict[str, Any], Path | None]:
    """The fields, and the file as it was written down."""
    given: dict[str, Any] = {}
    file: Path | None = None
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                raise RefusedError(400, "a form within a form")
            if part.name == "file" and file is None:
                file = spool.new_file()
                with file.open("wb") as stream:
                    async for piece in _pieces(part, LONGEST_FILE):
                        stream.write(piece)
            elif part.name in _FIELDS:
                most = LONGEST_TEXT * _UTF8_BYTES
                field = b"".join([piece async for piece in _pieces(part, most)])
                given[part.name] = field.decode(errors="replace")
    except ValueError as error:
        raise RefusedError(400, "the form cannot be read") from error
    return given, file


async def _pieces(part: BodyPartReader, most: int) -> Any:
    """The part as it comes; raises RefusedError where it is too long."""
    size = 0
    while piece := await part.read_chunk(_PIECE):
        size += len(piece)
        if size > most:
            raise RefusedError(413, f"{part.name} has {most:,} bytes at most")
        yield piece


def _tried(given: dict[str, Any], file: Path | None = None) -> Tried:
    text = given.get("text") or None
    kind = given.get("content_type") or (ContentType.CLIP if file else ContentType.COMMENT)
    language = given.get("language") or None
    for name, value in (("text", text), ("content_type", kind), ("language", language)):
        if value is not None and not isinstance(value, str):
            raise RefusedError(400, f"{name} is a string")
    if text is None and file is None:
        raise RefusedError(400, "send a file or a text")
    if text is not None and len(text) > LONGEST_TEXT:
        raise RefusedError(413, f"a text has {LONGEST_TEXT:,} characters at most")
    if len(str(kind)) > LONGEST_FIELD or len(str(language)) > LONGEST_FIELD:
        raise RefusedError(400, "content_type and language are short")
    return Tried(content_type=str(kind).upper(), language=language, text=text, file=file)
