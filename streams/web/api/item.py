"""`/items`: lists of them, one with all that is known of it, its history and what is like it."""

import json
from typing import Any

import structlog
from aiohttp import web

from earmark.streams.web.access import PERSON, RefusedError
from earmark.streams.web.endpoint import PREFIX, Endpoint, Parameter, choice, flag, number, text
from earmark.streams.web.index.search import Found, Wanted, filtered, found_items, rows_of
from earmark.streams.web.index.similar import KINDS, most_similar
from earmark.streams.web.inspector import Inspector
from earmark.streams.web.item_view import item_page, texts_of
from earmark.streams.web.timeline import timeline

log = structlog.get_logger()

LIMIT = Parameter(
    name="limit", says="At most so many.", kind="integer", default=50, least=1, most=200
)
AFTER = Parameter(name="after", says="Where to go on: the `next` of the list before.")
ID = Parameter(name="content_id", says="The item, percent-encoded.", in_path=True)
MIN_SCORE = Parameter(
    name="min_score", says="At least so sure of the label.", kind="number", least=0, most=1
)
UNMASK = Parameter(name="unmask", says="1: personal data as it is; it is logged who asked.")
SIGNAL = Parameter(name="signal", says="Of this signal.")
FILTERS = (
    SIGNAL,
    Parameter(name="outcome", says="OK, ABSTAINED, SKIPPED or ERROR."),
    Parameter(name="label", says="With this label."),
    MIN_SCORE,
    Parameter(name="language", says="BCP-47; `en` takes `en-GB` too."),
    Parameter(name="content_type", says="TRACK, EPISODE, COMMENT, ..."),
)
BY = Parameter(
    name="by",
    says="What is compared: sounds or words by their embeddings, or passages by fingerprints.",
    default="embedding",
    choices=("embedding", *KINDS, "fingerprint"),
)


def filters(request: web.Request) -> dict[str, Any]:
    """The fields of a `Filter` that are asked with."""
    outcome, content_type = text(request, "outcome"), text(request, "content_type")
    return {
        "signal": text(request, "signal"),
        "outcome": outcome.upper() if outcome else None,
        "label": text(request, "label"),
        "min_score": number(request, MIN_SCORE),
        "language": text(request, "language"),
        "content_type": content_type.upper() if content_type else None,
    }


def endpoints(inspector: Inspector) -> list[Endpoint]:
    """Those of this module."""
    items = Items(inspector)
    path = f"{PREFIX}/items/{{content_id}}"
    return [
        Endpoint(
            method="GET",
            path=f"{PREFIX}/items",
            handler=items.search,
            says="Items: the best matches of `q`, the most similar to `like`, or the newest.",
            tag="items",
            parameters=(
                Parameter(name="q", says="Words in texts and transcripts, all of them."),
                Parameter(name="id", says="A part of the content_id."),
                Parameter(name="like", says="The content_id of an item to be like."),
                *FILTERS,
                LIMIT,
                AFTER,
            ),
            fails=(400,),
        ),
        Endpoint(
            method="GET",
            path=path,
            handler=items.one,
            says="Everything that is known of an item.",
            tag="items",
            parameters=(ID, UNMASK),
            fails=(404,),
        ),
        Endpoint(
            method="GET",
            path=f"{path}/timeline",
            handler=items.timeline,
            says="What signals say of places in its recording.",
            tag="items",
            parameters=(ID, UNMASK),
            fails=(404,),
        ),
        Endpoint(
            method="GET",
            path=f"{path}/history",
            handler=items.history,
            says="Every value of a signal that was seen, the newest first.",
            tag="items",
            parameters=(ID, SIGNAL),
            fails=(400, 404),
        ),
        Endpoint(
            method="GET",
            path=f"{path}/similar",
            handler=items.similar,
            says="The items most like it.",
            tag="items",
            parameters=(ID, BY, LIMIT),
            fails=(400, 404),
        ),
    ]


class Items:
    """The handlers."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._reader = inspector.reader

    async def search(self, request: web.Request) -> web.Response:
        """A list."""
        wanted = Wanted(
            words=text(request, "q"),
            content_id=text(request, "id"),
            limit=int(number(request, LIMIT) or 0),
            after=text(request, "after"),
            **filters(request),
        )
        like = text(request, "like")
        if like is None:
            found = await self._inspector.read(found_items, self._reader, wanted)
        else:
            found = await self._inspector.read(self._like, like, wanted)
        return web.json_response({"items": found.items, "next": found.next})

    async def one(self, request: web.Request) -> web.Response:
        """One item."""
        content_id, unmask = request.match_info["content_id"], flag(request, "unmask")
        if unmask:
            user = request[PERSON].user
            log.info("unmasked", user=user, content_id=content_id, path=request.path)
        page = await self._inspector.read(item_page, self._reader, content_id, unmask=unmask)
        return web.json_response(found_or_404(page, content_id))

    async def timeline(self, request: web.Request) -> web.Response:
        """Its lanes."""
        content_id, unmask = request.match_info["content_id"], flag(request, "unmask")
        if unmask:
            user = request[PERSON].user
            log.info("unmasked", user=user, content_id=content_id, path=request.path)
        made = await self._inspector.read(self._timeline, content_id, unmask=unmask)
        return web.json_response(found_or_404(made, content_id))

    async def history(self, request: web.Request) -> web.Response:
        """Its values over time."""
        content_id, signal = request.match_info["content_id"], text(request, "signal")
        if signal is None:
            raise RefusedError(400, "signal: name the one whose history is asked for")
        values = await self._inspector.read(self._history, content_id, signal)
        return web.json_response({"signal": signal, "values": found_or_404(values, content_id)})

    async def similar(self, request: web.Request) -> web.Response:
        """What is like it."""
        content_id, by = request.match_info["content_id"], choice(request, BY)
        limit = int(number(request, LIMIT) or 0)
        if by == "fingerprint":
            from earmark.streams.web.copies import copies_of

            rows = await self._inspector.wait(copies_of, self._inspector, content_id, limit)
        else:
            rows = await self._inspector.read(self._similar, content_id, by, limit)
        return web.json_response({"items": found_or_404(rows, content_id)})

    def _like(self, like: str, wanted: Wanted) -> Found:
        among = filtered(self._reader, wanted)
        ranked = most_similar(self._reader, like, among=among, most=wanted.limit)
        return Found(items=rows_of(self._reader, [name for name, _ in ranked], dict(ranked)))

    def _timeline(self, content_id: str, *, unmask: bool) -> dict[str, Any] | None:
        item = self._reader.item(content_id)
        if item is None:
            return None
        signals = self._reader.standing(content_id)
        sketch = self._inspector.media.known_sketch(content_id)
        texts = texts_of(item["record"], signals, unmask=unmask)
        return timeline(signals, texts, sketch.level() if sketch else None)

    def _history(self, content_id: str, signal: str) -> list[dict[str, Any]] | None:
        rows = self._reader.rows(
            "SELECT produced_ms, value FROM history WHERE content_id = ? AND signal = ? "
            "ORDER BY produced_ms DESC, offset DESC",
            (content_id, signal),
        )
        if not rows and self._reader.item(content_id) is None:
            return None
        return [{"produced_ms": at, **json.loads(value)} for at, value in rows]

    def _similar(self, content_id: str, by: str, limit: int) -> list[dict[str, Any]] | None:
        if self._reader.item(content_id) is None:
            return None
        kinds = KINDS if by == "embedding" else (by,)
        ranked = most_similar(self._reader, content_id, kinds=kinds, most=limit)
        rows = rows_of(self._reader, [name for name, _ in ranked], dict(ranked))
        return [{**row, "matched_s": None} for row in rows]


def found_or_404(found: Any, content_id: str) -> Any:
    """It, if there is any; raises RefusedError."""
    if found is None:
        raise RefusedError(404, f"there is no item {content_id[:200]!r} here")
    return found
