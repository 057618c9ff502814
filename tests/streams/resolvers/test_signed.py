"""Objects of named stores: signed when they are fetched, by a server that checks."""

import hmac
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.content import Audio
from earmark.processors.error import ContentError
from earmark.streams.fetch import Fetcher
from earmark.streams.resolvers.signed import SignedStores
from earmark.streams.settings import MediaSettings, StoreSettings, load_settings

SECRET = "s3cret"
SONG = bytes(range(256)) * 40
MONTHS_S = 90 * 86_400.0


class SigningStore(BaseHTTPRequestHandler):
    """Gives `/media/a song.wav` to whoever shows a signature that is right and has not expired."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        signed = f"{parts.path}\n{given.get('exp', '')}".encode()
        right = hmac.new(SECRET.encode(), signed, "sha256").hexdigest()
        if given.get("sig") != right or int(given["exp"]) < time.time():
            self._answer(403)
        elif parts.path != "/media/a%20song.wav":
            self._answer(404)
        else:
            self._answer(200, SONG)

    def _answer(self, code: int, body: bytes = b"") -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test output clean."""


@pytest.fixture
def base() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), SigningStore)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def settings(base: str, **given: object) -> MediaSettings:
    uri = f"{base}/media/{{key}}?exp={{expires}}&sig={{signature}}"
    stores = {"music": {"uri": uri, "secret": SECRET}}
    plain = {"allow_private_addresses": True, "stores": stores, "attempts": 1}
    return MediaSettings.model_validate(plain | given)


@contextmanager
def fetcher(media: MediaSettings, folder: Path) -> Iterator[Fetcher]:
    made = Fetcher(media, spool_parent=folder)
    yield made
    made.close()


def problem(media: MediaSettings, folder: Path, uri: str) -> ContentError:
    with fetcher(media, folder) as made, pytest.raises(ContentError) as caught:
        made.fetch(Audio(uri=uri))
    assert SECRET not in str(caught.value)
    assert "sig=" not in str(caught.value)
    return caught.value


def test_a_stable_uri_still_works_when_what_it_was_signed_to_has_expired(
    base: str, tmp_path: Path
) -> None:
    stable, media = "store://music/a%20song.wav", settings(base)
    then = SignedStores(media, clock=lambda: time.time() - MONTHS_S).resolve(stable)
    assert problem(media, tmp_path, then.uri).rejection_class == "MEDIA_UNREACHABLE"
    with fetcher(media, tmp_path) as made, made.fetch(Audio(uri=stable)) as found:
        assert isinstance(found.content, Path)
        assert found.content.read_bytes() == SONG


def test_an_object_that_is_no_more_is_said_to_be_gone(base: str, tmp_path: Path) -> None:
    error = problem(settings(base), tmp_path, "store://music/deleted.wav")
    assert error.rejection_class == "MEDIA_GONE"


def test_a_wrong_secret_opens_nothing(base: str, tmp_path: Path) -> None:
    media = settings(base)
    media.stores["music"].secret = None
    media.stores["music"].uri = f"{base}/media/{{key}}?exp={{expires}}&sig=guessed"
    error = problem(media, tmp_path, "store://music/a%20song.wav")
    assert error.rejection_class == "MEDIA_UNREACHABLE"


def test_what_it_gives_passes_the_policy_of_addresses(base: str, tmp_path: Path) -> None:
    for limits in (
        {"allow_private_addresses": False},
        {"hosts": ("cdn.example.org",)},
        {"schemes": ("store", "https")},
    ):
        error = problem(settings(base, **limits), tmp_path, "store://music/a%20song.wav")
        assert error.rejection_class == "URI_REFUSED"


def test_a_store_may_be_a_folder_under_an_allowed_root(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a b.wav").write_bytes(SONG)
    store = {"music": {"uri": f"{(tmp_path / 'in').as_uri()}/{{key}}"}}
    media = MediaSettings.model_validate({"stores": store, "roots": (tmp_path / "in",)})
    with fetcher(media, tmp_path) as made:
        assert made.fetch(Audio(uri="store://music/a%20b.wav")).content == tmp_path / "in/a b.wav"
        with pytest.raises(ContentError) as caught:
            made.fetch(Audio(uri="store://music/missing.wav"))
    assert caught.value.rejection_class == "MEDIA_GONE"


@pytest.mark.parametrize(
    "uri",
    [
        "store://books/a.wav",
        "store://music",
        "store://music/",
        "store://music/a//b.wav",
        "store://music/../private/a.wav",
        "store://music/%2e%2e/private/a.wav",
        "store://music/a.wav?exp=1",
        "store://music/a.wav#b",
    ],
)
def test_another_store_and_a_key_that_leads_elsewhere_are_refused(uri: str) -> None:
    with pytest.raises(ContentError) as caught:
        SignedStores(settings("https://cdn.example.org")).resolve(uri)
    assert caught.value.rejection_class == "URI_REFUSED"


def test_a_key_cannot_change_the_uri_around_it() -> None:
    resolved = SignedStores(settings("https://cdn.example.org")).resolve(
        "store://music/%40evil.net%3Fx%3D1%26sig%3D0%23%7Bsecret%7D"
    )
    assert urlsplit(resolved.uri).netloc == "cdn.example.org"
    assert urlsplit(resolved.uri).path == "/media/%40evil.net%3Fx%3D1%26sig%3D0%23%7Bsecret%7D"
    assert "sig" not in repr(resolved)


@pytest.mark.parametrize(
    "store",
    [
        {"uri": "ftp://example.org/{key}"},
        {"uri": "https://{key}.example.org/{key}"},
        {"uri": "https://cdn.example.org/"},
        {"uri": "https://cdn.example.org/{key}?sig={signature}"},
        {"uri": "https://cdn.example.org/{key}?at={when}"},
        {"uri": "https://cdn.example.org/{key}{"},
    ],
)
def test_a_store_that_cannot_be_used_is_named(store: dict[str, str]) -> None:
    media = MediaSettings(stores={"music": StoreSettings.model_validate(store)})
    with pytest.raises(ConfigurationError, match=r"setting media\.stores\.music"):
        Fetcher(media)


def test_a_store_can_be_set_by_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARMARK_MEDIA__STORES__MUSIC__URI", "https://cdn.example.org/{key}")
    monkeypatch.setenv("EARMARK_MEDIA__STORES__MUSIC__SECRET", SECRET)
    stores = load_settings().media.stores
    assert stores["music"].uri == "https://cdn.example.org/{key}"
    assert SECRET not in repr(stores)
