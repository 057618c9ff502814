"""Who asks, and what he may: tokens, cookies of people who signed in, and a proxy that knows them.

Reading needs the role `viewer`, changing anything `operator`. On the loopback without tokens
everybody is a viewer. What a page in someone's browser could ask in his name is refused: a name
that is not ours (DNS rebinding), and a change without the token that only our own page can read.
"""

import hmac
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from aiohttp import web

from earmark.models.error import ConfigurationError
from earmark.streams.loopback import is_asked_as_local, is_loopback
from earmark.streams.settings import WebSettings, WebTokenSettings

VIEWER, OPERATOR = "viewer", "operator"
COOKIE = "earmark_session"
SESSION_S = 12 * 3600.0
MOST_SESSIONS = 1_000
CSRF_HEADER = "X-CSRF-Token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who asks; `key` tells one from another, `user` is his name where it is known."""

    key: str
    user: str | None
    roles: frozenset[str]


PERSON = web.RequestKey("person", Person)  # who asks, in a request


class RefusedError(Exception):
    """A request that is answered with a status and one sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Access:
    """Decides by the settings; `operator` makes everybody one on a loopback without tokens.

    Raises ConfigurationError where others could reach the server and nothing says who they are.
    """

    def __init__(self, settings: WebSettings, *, operator: bool = False) -> None:
        self._settings = settings
        self._secret = secrets.token_bytes(32)
        self._sessions: OrderedDict[str, tuple[Person, float]] = OrderedDict()
        self._networks = [_network(written) for written in settings.trusted_proxies]
        self._tokens = [_known(number, it) for number, it in enumerate(settings.tokens)]
        self._everybody = frozenset({VIEWER, OPERATOR} if operator else {VIEWER})
        self.is_open = not settings.tokens and settings.user_header is None
        if operator and not self.is_open:
            raise ConfigurationError("--operator is for servers without tokens: give a token roles")
        if self.is_open and not is_loopback(settings.http_host):
            raise ConfigurationError(
                f"{settings.http_host} can be reached by others: set web.tokens, or "
                "web.user_header and web.trusted_proxies"
            )
        if settings.user_header is not None and not settings.trusted_proxies:
            raise ConfigurationError("web.user_header is believed of web.trusted_proxies: set both")

    def check_name(self, request: web.Request) -> None:
        """Refuse a request under a name that is not ours."""
        if is_asked_as_local(request) or _host(request) in self._settings.hosts:
            return
        if self._settings.hosts or is_loopback(self._settings.http_host):
            raise RefusedError(403, "this server does not answer to that name")

    def person(self, request: web.Request) -> Person | None:
        """Who asks; None for nobody who is known."""
        return (
            self._by_bearer(request)
            or self._by_cookie(request)
            or self._by_proxy(request)
            or (Person(key="", user=None, roles=self._everybody) if self.is_open else None)
        )

    def sign_in(self, token: str) -> str | None:
        """The value of a cookie for who has the token; None where nobody has it."""
        person = self._by_token(token)
        if person is None:
            return None
        while len(self._sessions) >= MOST_SESSIONS:
            self._sessions.popitem(last=False)
        name = secrets.token_urlsafe(32)
        self._sessions[name] = (person, time.monotonic() + SESSION_S)
        return name

    def sign_out(self, request: web.Request) -> None:
        """Let the cookie of the request mean nobody from now on."""
        self._sessions.pop(request.cookies.get(COOKIE, ""), None)

    def csrf(self, request: web.Request, person: Person) -> str:
        """What changes have to carry: known to who can read our answers."""
        bound = f"{person.key}\x1f{request.cookies.get(COOKIE, '')}"
        return hmac.new(self._secret, bound.encode(), sha256).hexdigest()

    def check_change(self, request: web.Request, person: Person) -> None:
        """Refuse a change that a page of somebody else may have sent."""
        self.check_origin(request)
        given = request.headers.get(CSRF_HEADER, "").encode(errors="replace")
        if not hmac.compare_digest(given, self.csrf(request, person).encode()):
            raise RefusedError(403, f"{CSRF_HEADER} is to be the csrf of /api/v1/session")

    def check_origin(self, request: web.Request) -> None:
        """Refuse what the browser says was begun by another site."""
        site = request.headers.get("Sec-Fetch-Site")
        origin = request.headers.get("Origin")
        elsewhere = origin is not None and urlsplit(origin).netloc != request.host
        if elsewhere or site not in {None, "same-origin", "none"}:
            raise RefusedError(403, "this was sent by a page of another site")

    def _by_bearer(self, request: web.Request) -> Person | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return self._by_token(token.strip()) if scheme.lower() == "bearer" else None

    def _by_token(self, token: str) -> Person | None:
        digest = sha256(token.encode(errors="replace")).digest()
        found = None
        for known, person in self._tokens:  # all of them: how long it takes says nothing
            if hmac.compare_digest(known, digest):
                found = person
        return found

    def _by_cookie(self, request: web.Request) -> Person | None:
        person, until = self._sessions.get(request.cookies.get(COOKIE, ""), (None, 0.0))
        return person if time.monotonic() < until else None

    def _by_proxy(self, request: web.Request) -> Person | None:
        name = self._settings.user_header
        if name is None or not self._is_trusted(request.remote):
            return None
        user = request.headers.get(name, "").strip()
        if not user:
            return None
        given = request.headers.get(self._settings.role_header or "", "")
        roles = {VIEWER, *(role.strip().lower() for role in given.split(","))}
        return Person(key=f"proxy:{user}", user=user, roles=frozenset(roles & {VIEWER, OPERATOR}))

    def _is_trusted(self, remote: str | None) -> bool:
        try:
            address = ip_address(remote or "")
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def _known(number: int, given: WebTokenSettings) -> tuple[bytes, Person]:
    if (given.token is None) == (given.sha256 is None):
        raise ConfigurationError(f"web.tokens[{number}]: give either token or sha256")
    if given.token is not None:
        digest = sha256(given.token.get_secret_value().encode()).digest()
    else:
        digest = bytes.fromhex(given.sha256 or "")
    roles = frozenset({VIEWER, *given.roles})
    return digest, Person(key=f"token:{number}", user=given.user, roles=roles)


def _network(written: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(written, strict=False)
    except ValueError as error:
        raise ConfigurationError(f"web.trusted_proxies: {error}") from error


def _host(request: web.Request) -> str | None:
    try:
        return request.url.host
    except ValueError:
        return None
