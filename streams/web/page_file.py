"""The files of the pages, as they come with the package: no others are served."""

from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from aiohttp import web

from earmark.streams.web.access import RefusedError

MEDIA_TYPES = {
    "css": "text/css",
    "html": "text/html",
    "ico": "image/x-icon",
    "js": "text/javascript",
    "json": "application/json",
    "mjs": "text/javascript",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
}
_TEXTS = frozenset({"css", "html", "js", "mjs", "svg", "txt"})
# addresses without a file of that name
NAMED = {"": "index.html", "login": "login.html", "api": "index.html"}
PLAIN_LOGIN = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title>'
    '<form method="post" action="/login"><label>Token <input name="token" type="password" '
    'autocomplete="current-password"></label> <button>Sign in</button></form></html>'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFile:
    """One file and its media type."""

    content: bytes
    media_type: str

    def response(self) -> web.Response:
        """It as it is sent; asked for again each time, since a new version may be there."""
        return web.Response(
            body=self.content,
            headers={"Content-Type": self.media_type, "Cache-Control": "no-cache"},
        )


def page_file(path: str) -> PageFile:
    """The file at the path of an address; raises RefusedError where there is none."""
    name = NAMED.get(path.strip("/"), path.strip("/"))
    found = _found(name.split("/"))
    suffix = name.rpartition(".")[2]
    if found is None or suffix not in MEDIA_TYPES:
        if name == "login.html":
            return PageFile(content=PLAIN_LOGIN.encode(), media_type="text/html; charset=utf-8")
        raise RefusedError(404, "there is no such page")
    charset = "; charset=utf-8" if suffix in _TEXTS else ""
    return PageFile(content=found.read_bytes(), media_type=MEDIA_TYPES[suffix] + charset)


def _found(parts: list[str]) -> Traversable | None:
    """The file below the folder of the pages; no name leads out of it."""
    at: Traversable = files("earmark") / "streams" / "web" / "page"
    for part in parts:
        if not part or part.startswith(".") or "\\" in part or "\0" in part or not at.is_dir():
            return None
        at = at / part
    return at if at.is_file() else None
