"""Resolvers of other people, through a real installed entry point."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent

import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.content import Audio
from earmark.processors.error import ContentError
from earmark.streams import circuit, fetch
from earmark.streams.fetch import Fetcher
from earmark.streams.resolver import Resolvers
from earmark.streams.settings import MediaSettings

SONG = b"a song"

PLUG_IN = """
    from earmark.streams.resolver import MediaGoneError, Resolved, TransientError

    class Catalogue:
        schemes = ("catalogue",)
        calls = []

        def __init__(self, settings):
            self.settings = settings

        def resolve(self, uri):
            self.calls.append(uri)
            match uri.removeprefix("catalogue://").split("/", 1):
                case ["track", number]:
                    token = {"Authorization": f"Bearer t{len(self.calls)}"}
                    uri = f"BASE/{number}?sig=hunter{len(self.calls)}"
                    return Resolved(uri=uri, headers=token)
                case ["private", _]:
                    return Resolved(uri="http://169.254.169.254/latest?sig=hunter")
                case ["again", _]:
                    return Resolved(uri="catalogue://track/1")
                case ["inject", _]:
                    return Resolved(uri="BASE/1", headers={"X": "a\\r\\nHost: evil"})
                case ["deleted", _]:
                    raise MediaGoneError("taken down by its owner")
                case ["busy", _]:
                    raise TransientError("the catalogue is busy")
                case ["nothing", _]:
                    return None
                case ["number", _]:
                    return Resolved(uri="BASE/1", headers={"X": 3})
            raise KeyError("sig=hunter")
"""


class Store(BaseHTTPRequestHandler):
    """Notes what it is asked; fails the first time, and sends elsewhere what asks for that."""

    asked: list[tuple[str, str | None]]
    base: str
    elsewhere: str

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization")))
        if self.path.startswith("/flaky") and len(self.asked) == 1:
            self._answer(503)
        elif self.path.startswith("/moved"):
            self._answer(302, Location=f"{self.elsewhere}/1")
        elif self.path.startswith("/down"):
            self._answer(503)
        else:
            self._answer(200, SONG)

    def _answer(self, code: int, body: bytes = b"", **head: str) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        for name, value in head.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test output clean."""


@pytest.fixture
def store() -> Iterator[type[Store]]:
    """Two servers; what the handler notes, of both."""
    handler = type("Handler", (Store,), {"asked": [], "elsewhere": ""})
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2)]
    threads = [threading.Thread(target=each.serve_forever, args=(0.05,)) for each in servers]
    for thread in threads:
        thread.start()
    handler.base, handler.elsewhere = (
        f"http://127.0.0.1:{server.server_port}" for server in servers
    )
    yield handler
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        thread.join()
        server.server_close()


def install(site: Path, monkeypatch: pytest.MonkeyPatch, code: str, *, names: str) -> None:
    """A package called `plugged` with an entry point, as pip would leave it."""
    metadata = site / "plugged-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged\nVersion: 1\n")
    entry = f"[earmark.media_resolvers]\nplugged = {names}\n"
    (metadata / "entry_points.txt").write_text(entry)
    (site / "plugged.py").write_text(dedent(code))
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "plugged", raising=False)


@pytest.fixture
def plugged(store: type[Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Store]:
    monkeypatch.setattr(fetch, "FIRST_PAUSE_S", 0.01)
    code = PLUG_IN.replace("BASE", store.base)
    install(tmp_path / "site", monkeypatch, code, names="plugged:Catalogue")
    return store


@contextmanager
def fetcher(folder: Path, **given: object) -> Iterator[Fetcher]:
    schemes = ("http", "https", "file", "store", "catalogue")
    plain = {"allow_private_addresses": True, "schemes": schemes, "timeout_s": 5.0}
    made = Fetcher(MediaSettings.model_validate(plain | given), spool_parent=folder)
    yield made
    made.close()


def problem(folder: Path, uri: str, **given: object) -> ContentError:
    with fetcher(folder, **given) as made, pytest.raises(ContentError) as caught:
        made.fetch(Audio(uri=uri))
    assert "hunter" not in str(caught.value)
    return caught.value


def test_an_installed_resolver_is_asked_before_each_attempt(
    plugged: type[Store], tmp_path: Path
) -> None:
    with fetcher(tmp_path) as made, made.fetch(Audio(uri="catalogue://track/flaky")) as media:
        assert isinstance(media.content, Path)
        assert media.content.read_bytes() == SONG
    assert plugged.asked == [
        ("/flaky?sig=hunter1", "Bearer t1"),
        ("/flaky?sig=hunter2", "Bearer t2"),
    ]


def test_its_headers_are_not_for_whom_a_redirect_names(
    plugged: type[Store], tmp_path: Path
) -> None:
    with fetcher(tmp_path) as made:
        made.fetch(Audio(uri="catalogue://track/moved")).release()
    assert plugged.asked == [("/moved?sig=hunter1", "Bearer t1"), ("/1", None)]


@pytest.mark.parametrize(
    ("uri", "rejection_class", "words"),
    [
        ("catalogue://private/1", "URI_REFUSED", "private or reserved address"),
        ("catalogue://again/1", "URI_REFUSED", "not fetched by scheme catalogue"),
        ("catalogue://deleted/1", "MEDIA_GONE", "taken down by its owner"),
        ("catalogue://busy/1", "MEDIA_UNREACHABLE", "the catalogue is busy (attempt 3 of 3)"),
        ("catalogue://broken/1", "MEDIA_UNREACHABLE", "resolver of catalogue failed (KeyError)"),
        ("catalogue://nothing/1", "MEDIA_UNREACHABLE", "gave nothing that can be sent"),
        ("catalogue://number/1", "MEDIA_UNREACHABLE", "failed (AttributeError)"),
        ("catalogue://inject/1", "MEDIA_UNREACHABLE", "gave nothing that can be sent"),
    ],
)
def test_each_failure_of_a_resolver_has_its_class(
    plugged: type[Store], tmp_path: Path, uri: str, rejection_class: str, words: str
) -> None:
    error = problem(tmp_path, uri, allow_private_addresses="private" not in uri)
    assert error.rejection_class == rejection_class
    assert words in error.reason
    assert plugged.asked == []


def test_a_scheme_that_nothing_resolves_is_refused_and_what_is_missing_named(
    tmp_path: Path,
) -> None:
    error = problem(tmp_path, "catalogue://track/1")
    assert error.rejection_class == "URI_REFUSED"
    assert "no resolver for scheme catalogue" in error.reason
    assert "earmark.media_resolvers" in error.reason


def test_an_installed_resolver_is_used_where_the_settings_name_its_scheme(
    plugged: type[Store], tmp_path: Path
) -> None:
    error = problem(tmp_path, "catalogue://track/1", schemes=MediaSettings().schemes)
    assert error.reason == "scheme catalogue is not in media.schemes"


def test_a_circuit_is_that_of_the_resolved_host(plugged: type[Store], tmp_path: Path) -> None:
    with fetcher(tmp_path, attempts=1) as made:
        for _ in range(circuit.FAILURES):
            with pytest.raises(ContentError, match="answers 503"):
                made.fetch(Audio(uri="catalogue://track/down"))
        with pytest.raises(ContentError, match="has not answered others"):
            made.fetch(Audio(uri=f"{plugged.base}/1"))


def test_a_resolver_that_does_not_answer_is_left_alone_for_a_while(
    plugged: type[Store], tmp_path: Path
) -> None:
    with fetcher(tmp_path, attempts=1) as made:
        for _ in range(circuit.FAILURES):
            with pytest.raises(ContentError, match="is busy"):
                made.fetch(Audio(uri="catalogue://busy/1"))
        with pytest.raises(ContentError, match="has not answered others"):
            made.fetch(Audio(uri="catalogue://track/1"))
        made.fetch(Audio(uri=f"{plugged.base}/1")).release()


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("", "plugged:Missing"),
        ("", "missing_module:Resolver"),
        ("resolver = 3", "plugged:resolver"),
        ("def resolver(settings): return object()", "plugged:resolver"),
        (
            """
            class Claiming:
                schemes = ("https",)
                def __init__(self, settings): pass
                def resolve(self, uri): pass
            """,
            "plugged:Claiming",
        ),
        (
            """
            class Misspelt:
                schemes = "catalogue"
                def __init__(self, settings): pass
                def resolve(self, uri): pass
            """,
            "plugged:Misspelt",
        ),
    ],
)
def test_an_entry_point_that_gives_no_resolver_is_named_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, names: str
) -> None:
    install(tmp_path / "site", monkeypatch, code, names=names)
    with pytest.raises(ConfigurationError, match=names):
        Resolvers(MediaSettings())
