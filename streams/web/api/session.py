"""`/session`: who asks, how far the index is, what signals there are; signing in and out."""

from aiohttp import web

from earmark import __version__
from earmark.streams.catalogue import Entry, catalogue
from earmark.streams.web.access import COOKIE, PERSON, SESSION_S, Access
from earmark.streams.web.endpoint import PREFIX, Endpoint
from earmark.streams.web.index.said import labels_in
from earmark.streams.web.inspector import Inspector


def endpoints(inspector: Inspector, access: Access) -> list[Endpoint]:
    """Those of this module."""
    sessions = Sessions(inspector, access)
    return [
        Endpoint(
            method="GET",
            path=f"{PREFIX}/session",
            handler=sessions.session,
            says="Who asks, what he may, what changes have to carry, and how far the index is.",
            tag="session",
        ),
        Endpoint(
            method="GET",
            path=f"{PREFIX}/signals",
            handler=sessions.signals,
            says="All signals: what each says, whose it is, who may read it, what it cannot do.",
            tag="signals",
        ),
    ]


class Sessions:
    """The handlers."""

    def __init__(self, inspector: Inspector, access: Access) -> None:
        self._inspector = inspector
        self._access = access
        self._signals: list[dict[str, object]] | None = None

    async def session(self, request: web.Request) -> web.Response:
        """Who asks."""
        person, state = request[PERSON], self._inspector.feeder.state
        found = {
            "user": person.user,
            "roles": sorted(person.roles),
            "csrf": self._access.csrf(request, person),
            "version": __version__,
            "ready": state.ready,
            "indexed": {"records": state.read, "total": state.total},
            "problem": state.problem,
            "restricted": self._inspector.settings.web.restricted,
        }
        return web.json_response(found)

    async def signals(self, _: web.Request) -> web.Response:
        """The catalogue."""
        if self._signals is None:
            entries = await self._inspector.wait(catalogue, self._inspector.settings)
            labels = await self._inspector.read(labels_in, self._inspector.reader.rows)
            self._signals = [_signal(entry, labels.get(entry.signal, [])) for entry in entries]
        return web.json_response({"signals": self._signals})


class Door:
    """Signing in with a token, and out."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def enter(self, request: web.Request) -> web.StreamResponse:
        """Take a token from the form; a cookie for who has a good one."""
        self._access.check_origin(request)
        form = await request.post()
        token = form.get("token")
        name = self._access.sign_in(token.strip()) if isinstance(token, str) else None
        if name is None:
            return _sent("/login?failed=1")
        response = _sent("/")
        response.set_cookie(
            COOKIE,
            name,
            max_age=int(SESSION_S),
            httponly=True,
            samesite="Strict",
            secure=request.secure,
            path="/",
        )
        return response

    async def leave(self, request: web.Request) -> web.StreamResponse:
        """Forget the cookie."""
        self._access.check_origin(request)
        self._access.sign_out(request)
        response = _sent("/login")
        response.del_cookie(COOKIE, path="/")
        return response


def _sent(to: str) -> web.Response:
    return web.Response(status=303, headers={"Location": to})


def _signal(entry: Entry, labels: list[str]) -> dict[str, object]:
    latest = entry.latest
    return {
        "name": entry.signal,
        "topic": entry.topic,
        "title": entry.summary,
        "labels": labels,
        "owner": entry.owner,
        "access": str(entry.access),
        "freshness_s": entry.freshness_s,
        "intended_use": entry.intended_use,
        "limits": [entry.limits] if entry.limits else [],
        "models": [f"{it.name} {it.version}" for it in entry.models] or [entry.method],
        "measured": latest is not None,
        "current": latest is not None and latest.is_current,
    }
