"""`/rejections` and `/dead-letters`: what could not be used, its bytes, and another attempt."""

import time
from collections.abc import Mapping
from typing import Any

import structlog
from aiohttp import web

from earmark.models.error import ConfigurationError, EarmarkError
from earmark.processors.codec import jsonable
from earmark.processors.schema import schema_of
from earmark.processors.wire import Codec
from earmark.streams.dead_letter import DeadLetter, DeadLetters, Place
from earmark.streams.dead_letter_text import hex_lines
from earmark.streams.erased_item import ErasedItems
from earmark.streams.local.report import silent
from earmark.streams.redrive import Markers, Redriver, read_markers, was_redriven
from earmark.streams.registry import Registry
from earmark.streams.topic import CONTENT_EVENTS, dead_letter_topic
from earmark.streams.web.access import OPERATOR, PERSON, RefusedError
from earmark.streams.web.api.item import AFTER, LIMIT, UNMASK
from earmark.streams.web.endpoint import PREFIX, Endpoint, Parameter, flag, number, text
from earmark.streams.web.index.search import place_in, token_of
from earmark.streams.web.inspector import Inspector

log = structlog.get_logger()

HEX_BYTES = 65_536  # of a letter are shown
HOUR_MS = 3_600_000
FRESH_S = 2.0  # for so long it is taken as known which letters were redriven
CLASS = Parameter(name="rejection_class", says="Of this class.")
SINCE = Parameter(
    name="since_ms", says="Arrived then or later.", kind="integer", least=0, most=2**53
)
TOPIC = Parameter(
    name="topic", says="The topic of dead letters.", default=dead_letter_topic(CONTENT_EVENTS)
)
PLACE = (
    Parameter(name="topic", says="The topic of dead letters.", in_path=True),
    Parameter(name="partition", says="Its partition.", kind="integer", in_path=True),
    Parameter(name="offset", says="The letter's offset.", kind="integer", in_path=True),
)
_COLUMNS = "topic, partition, offset, arrived_ms, rejection_class, message, content_id"


def endpoints(inspector: Inspector) -> list[Endpoint]:
    """Those of this module."""
    letters = Letters(inspector)
    one = f"{PREFIX}/dead-letters/{{topic}}/{{partition}}/{{offset}}"
    return [
        Endpoint(
            method="GET",
            path=f"{PREFIX}/rejections",
            handler=letters.rejections,
            says="What could not be used, the newest first, and how much of it in each hour.",
            tag="rejections",
            parameters=(CLASS, SINCE, LIMIT, AFTER),
            fails=(400,),
        ),
        Endpoint(
            method="GET",
            path=f"{PREFIX}/dead-letters",
            handler=letters.dead_letters,
            says="The events themselves that could not be used, the newest first.",
            tag="rejections",
            parameters=(TOPIC, CLASS, SINCE, LIMIT, AFTER),
            fails=(400,),
        ),
        Endpoint(
            method="GET",
            path=one,
            handler=letters.letter,
            says="One dead letter and its headers; with `unmask` its bytes, and the event where it "
            "can be read.",
            tag="rejections",
            parameters=(*PLACE, UNMASK),
            fails=(400, 404),
        ),
        Endpoint(
            method="POST",
            path=f"{one}/redrive",
            handler=letters.redrive,
            says="Put the letter back on its topic, once.",
            tag="rejections",
            parameters=PLACE,
            role=OPERATOR,
            fails=(403, 404, 409),
        ),
    ]


class Letters:
    """The handlers."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._settings = inspector.settings
        self._markers: tuple[float, Markers] = (-FRESH_S, {})

    async def rejections(self, request: web.Request) -> web.Response:
        """A list, with counts."""
        return await self._listed(request, "rejections", dead_letter_topic(CONTENT_EVENTS))

    async def dead_letters(self, request: web.Request) -> web.Response:
        """Likewise of the letters."""
        topic = text(request, "topic") or str(TOPIC.default)
        return await self._listed(request, "letters", topic)

    async def letter(self, request: web.Request) -> web.Response:
        """One letter."""
        source, place, unmask = _source(request), _place(request), flag(request, UNMASK.name)
        if unmask:
            user = request[PERSON].user
            log.info("unmasked", user=user, topic=source, place=str(place), path=request.path)
        return web.json_response(await self._inspector.wait(self._page, source, place, unmask))

    async def redrive(self, request: web.Request) -> web.Response:
        """Send it again."""
        source, place = _source(request), _place(request)
        sent = await self._inspector.wait(self._redriven, source, place)
        self._markers = (-FRESH_S, {})
        user = request[PERSON].user
        log.info("redriven", user=user, topic=source, place=str(place), sent=sent)
        return web.json_response({"sent": sent})

    async def _listed(self, request: web.Request, table: str, topic: str) -> web.Response:
        limit, since_ms = int(number(request, LIMIT) or 0), int(number(request, SINCE) or 0)
        wanted, after = text(request, CLASS.name), text(request, AFTER.name)
        markers = await self._inspector.wait(self._known_markers)

        def read() -> dict[str, Any]:
            counts = self._counts(table, wanted, since_ms)
            rows = self._rows(table, topic, wanted, since_ms, after, limit + 1)
            shown = [_object(row, markers) for row in rows[:limit]]
            last = rows[limit - 1] if len(rows) > limit else None
            more = None if last is None else token_of(*(last[n] for n in _PLACED))
            return {"counts": counts, "rejections": shown, "next": more}

        return web.json_response(await self._inspector.read(read))

    def _counts(self, table: str, wanted: str | None, since_ms: int) -> list[dict[str, Any]]:
        rows = self._inspector.reader.rows(
            f"SELECT arrived_ms / {HOUR_MS} * {HOUR_MS}, rejection_class, count(*) FROM {table} "  # noqa: S608  # one of two tables
            "WHERE arrived_ms >= ? AND (? IS NULL OR rejection_class = ?) GROUP BY 1, 2 ORDER BY 1",
            (since_ms, wanted, wanted),
        )
        names = ("hour_ms", "rejection_class", "count")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _rows(
        self,
        table: str,
        topic: str,
        wanted: str | None,
        since_ms: int,
        after: str | None,
        limit: int,
    ) -> list[dict[str, Any]]:
        """Of rejections with the place of their letter, of letters with what they are of."""
        at, partition, offset = (2**62, 0, 0) if after is None else place_in(after, int, int, int)
        extra = "fault, source_topic, source_partition, source_offset"
        if table == "letters":
            extra = "attempt, size_bytes, source_topic, source_partition, source_offset"
        names = f"{_COLUMNS}, {extra}"
        where = "topic = ? AND " if table == "letters" else ""
        found = self._inspector.reader.rows(
            f"SELECT {names} FROM {table} WHERE {where}arrived_ms >= ? "  # noqa: S608  # names from here
            "AND (? IS NULL OR rejection_class = ?) "
            "AND (arrived_ms, partition, offset) < (?, ?, ?) "
            "ORDER BY arrived_ms DESC, partition DESC, offset DESC LIMIT ?",
            (*([topic] if where else []), since_ms, wanted, wanted, at, partition, offset, limit),
        )
        rows = [dict(zip(names.split(", "), row, strict=True)) for row in found]
        return rows if table == "letters" else [self._with_letter(row, topic) for row in rows]

    def _with_letter(self, row: dict[str, Any], topic: str) -> dict[str, Any]:
        """The rejection with where its letter lies, if it left one."""
        found = self._inspector.reader.rows(
            "SELECT partition, offset, arrived_ms FROM letters WHERE topic = ? AND source_topic = ?"
            " AND source_partition = ? AND source_offset = ? ORDER BY arrived_ms DESC LIMIT 1",
            (topic, row["source_topic"], row["source_partition"], row["source_offset"]),
        )
        names = ("partition", "offset", "arrived_ms")
        letter = dict(zip(names, found[0], strict=True)) | {"topic": topic} if found else None
        return row | {"letter": letter}

    def _known_markers(self) -> Markers:
        """Which letters were redriven, as it was known a moment ago."""
        at, known = self._markers
        if time.monotonic() - at < FRESH_S:
            return known
        try:
            known = read_markers(self._settings.kafka, CONTENT_EVENTS)
        except EarmarkError as error:
            log.warning("markers", reason=str(error))
        self._markers = (time.monotonic(), known)
        return known

    def _page(self, source: str, place: Place, unmask: bool) -> dict[str, Any]:
        letter = self._letter(source, place)
        value = letter.value or b""
        shown = self._shown(source, letter) if unmask else _MASKED
        markers = read_markers(self._settings.kafka, source)
        return {
            "topic": dead_letter_topic(source),
            "partition": place.partition,
            "offset": place.offset,
            "arrived_ms": letter.timestamp,
            "rejection_class": letter.error_class,
            "message": letter.reason,
            "attempt": letter.attempt,
            "content_id": None if letter.key is None else letter.key.decode(errors="replace"),
            "redriven": was_redriven(letter, markers),
            "headers": {name: _shown(found) for name, found in letter.headers},
            "size_bytes": len(value),
            **shown,
        }

    def _shown(self, source: str, letter: DeadLetter) -> dict[str, Any]:
        """What it holds, of which nothing is known to be nobody's own."""
        decoded, problem = self._decoded(source, letter)
        lines = hex_lines((letter.value or b"")[:HEX_BYTES])
        return {
            "masked": False,
            "hex": "\n".join(line.strip() for line in lines),
            "decoded": decoded,
            "decode_error": problem,
        }

    def _letter(self, source: str, place: Place) -> DeadLetter:
        with DeadLetters(self._settings.kafka, source) as letters:
            letter = next(letters.at([place]), None)
        if letter is None:
            raise RefusedError(404, f"there is no letter at {place} of {dead_letter_topic(source)}")
        return letter

    def _decoded(self, source: str, letter: DeadLetter) -> tuple[Any, str | None]:
        if letter.value is None:
            return None, "a record without a value"
        try:
            with Registry(self._settings.registry) as registry:
                codec = Codec(schema_of(source), writer_schema=registry.schema_by_id)
                record = dict(codec.decode(letter.value))
        except EarmarkError as error:
            return None, str(error)
        if record.get("audio") and record["audio"].get("data"):
            size = len(record["audio"]["data"])
            record["audio"] = {**record["audio"], "data": f"({size:,} bytes)"}
        return jsonable(record), None

    def _redriven(self, source: str, place: Place) -> int:
        letter = self._letter(source, place)
        with (
            Registry(self._settings.registry) as registry,
            DeadLetters(self._settings.kafka, source) as letters,
        ):
            if ErasedItems(self._settings.kafka, registry, silent).cover(letter):
                raise RefusedError(409, "its item was erased: what it holds is not to come back")
            done = Redriver(self._settings.kafka, letters).run([place])
        if done.too_large:
            raise RefusedError(409, "it is too large for any broker to take it back")
        if not done.sent:
            raise RefusedError(409, "it was redriven before")
        return done.sent


_MASKED = {"masked": True, "hex": None, "decoded": None, "decode_error": None}
_PLACED = ("arrived_ms", "partition", "offset")


def _object(row: Mapping[str, Any], markers: Markers) -> dict[str, Any]:
    """A row for JSON."""
    letter: Mapping[str, Any] | None = row.get("letter", row)
    redriven = letter is not None and _is_redriven(letter, markers)
    return {**row, "redriven": redriven}


def _is_redriven(letter: Mapping[str, Any], markers: Markers) -> bool:
    place = Place(partition=letter["partition"], offset=letter["offset"])
    return bool(markers.get(place) == letter["arrived_ms"])


def _source(request: web.Request) -> str:
    """Whose letters; raises RefusedError for a topic that holds none which can be redriven."""
    topic = request.match_info["topic"]
    if topic != dead_letter_topic(CONTENT_EVENTS):
        raise RefusedError(404, f"{topic[:200]!r} is no topic of dead letters")
    return CONTENT_EVENTS


def _place(request: web.Request) -> Place:
    try:
        return Place.parse(f"{request.match_info['partition']}-{request.match_info['offset']}")
    except ConfigurationError as error:
        raise RefusedError(404, str(error)) from error


def _shown(value: str | bytes | None) -> str | None:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
