"""Who may look and who may change: tokens, cookies, and headers of proxies that are trusted."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr

from earmark.models.error import ConfigurationError
from earmark.streams.settings import Settings, WebSettings, WebTokenSettings
from earmark.streams.web.access import Access
from tests.streams.web.served import V1, Answer, Client, serving

VIEWER, OPERATOR = "t" * 40, "o" * 40
PROMOTE = "replays/nothing/promote"


def web(**given: Any) -> WebSettings:
    return WebSettings(**given)


TOKENS = (
    WebTokenSettings(user="vera", token=SecretStr(VIEWER)),
    WebTokenSettings(
        user="otto", sha256=sha256(OPERATOR.encode()).hexdigest(), roles=("operator",)
    ),
)
PROXIED = {"user_header": "X-User", "role_header": "X-Roles"}


@pytest.fixture(scope="module")
def closed(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A server that asks who it is, behind a proxy on this machine."""
    own = web(tokens=TOKENS, **PROXIED, trusted_proxies=("127.0.0.0/8",), hosts=("in.example",))
    state = tmp_path_factory.mktemp("closed")
    with serving(settings.model_copy(update={"web": own, "state": state})) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def signed_in(client: Client, token: str, **headers: str) -> Answer:
    form = urlencode({"token": token})
    kind = "application/x-www-form-urlencoded"
    return client.ask("POST", "/login", form, **{"Content-Type": kind, **headers})


@pytest.mark.kafka
class TestClosed:
    def test_nobody_reads_who_does_not_say_who_he_is(self, closed: Client) -> None:
        for path in ("session", "items", "stream", "openapi.json", "rejections"):
            answer = closed.get(path)
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert closed.get("session", **bearer("wrong")).status == 401
        assert (closed.get("/").status, closed.get("/").headers["Location"]) == (303, "/login")
        assert b"token" in closed.get("/login").body

    def test_a_token_says_who_it_is_and_what_he_may(self, closed: Client) -> None:
        vera = closed.get("session", **bearer(VIEWER)).json
        otto = closed.get("session", **bearer(OPERATOR)).json
        assert (vera["user"], vera["roles"]) == ("vera", ["viewer"])
        assert (otto["user"], otto["roles"]) == ("otto", ["operator", "viewer"])

    def test_who_may_only_look_changes_nothing(self, closed: Client) -> None:
        csrf = closed.get("session", **bearer(VIEWER)).json["csrf"]
        headers = {**bearer(VIEWER), "X-CSRF-Token": csrf}
        assert closed.ask("POST", f"{V1}/{PROMOTE}", **headers).status == 403
        csrf = closed.get("session", **bearer(OPERATOR)).json["csrf"]
        headers = {**bearer(OPERATOR), "X-CSRF-Token": csrf}
        assert (
            closed.ask("POST", f"{V1}/{PROMOTE}", **headers).status == 404
        )  # there is no such run

    def test_the_csrf_of_one_is_of_no_use_to_another(self, closed: Client) -> None:
        csrf = closed.get("session", **bearer(VIEWER)).json["csrf"]
        headers = {**bearer(OPERATOR), "X-CSRF-Token": csrf}
        assert closed.ask("POST", f"{V1}/{PROMOTE}", **headers).status == 403

    def test_people_sign_in_with_a_cookie_that_no_script_reads(self, closed: Client) -> None:
        answer = signed_in(closed, VIEWER)
        cookie = answer.headers["Set-Cookie"]
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        assert VIEWER not in cookie
        with_it = {"Cookie": cookie.partition(";")[0]}
        assert closed.get("session", **with_it).json["user"] == "vera"
        closed.ask("POST", "/logout", **with_it)
        assert closed.get("session", **with_it).status == 401

    def test_a_wrong_token_or_a_page_of_another_site_signs_nobody_in(self, closed: Client) -> None:
        assert signed_in(closed, "wrong").headers["Location"] == "/login?failed=1"
        assert signed_in(closed, VIEWER, Origin="https://evil.example").status == 403

    def test_a_trusted_proxy_says_who_it_is(self, closed: Client) -> None:
        found = closed.get("session", **{"X-User": "pia", "X-Roles": "operator,admin"}).json
        assert (found["user"], found["roles"]) == ("pia", ["operator", "viewer"])
        assert closed.get("session", **{"X-User": "pia"}).json["roles"] == ["viewer"]

    def test_only_our_own_names_are_answered_to(self, closed: Client) -> None:
        for name, status in (("in.example", 401), ("localhost", 401), ("rebound.example", 403)):
            assert closed.get("session", Host=name).status == status


@pytest.mark.kafka
def test_headers_of_others_are_not_believed(settings: Settings, tmp_path: Any) -> None:
    own = web(**PROXIED, trusted_proxies=("192.0.2.1",))
    with serving(settings.model_copy(update={"web": own, "state": tmp_path})) as client:
        assert client.get("session", **{"X-User": "mallory", "X-Roles": "operator"}).status == 401


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"http_host": "0.0.0.0"}, "can be reached by others"),  # noqa: S104  # refused
        ({"user_header": "X-User"}, "trusted_proxies"),
        ({"user_header": "X-User", "trusted_proxies": ("nowhere",)}, "trusted_proxies"),
        ({"tokens": (WebTokenSettings(user="a"),)}, "either token or sha256"),
    ],
)
def test_what_would_let_strangers_in_is_a_mistake(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Access(web(**given))


def test_everybody_an_operator_is_for_servers_without_tokens() -> None:
    with pytest.raises(ConfigurationError, match="--operator"):
        Access(web(tokens=TOKENS), operator=True)
