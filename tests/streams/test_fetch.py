"""Fetching from web servers, an S3 store and folders, with everything that goes wrong there."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from earmark.processors.content import Audio
from earmark.processors.error import ContentError, ServiceError
from earmark.streams import fetch
from earmark.streams.fetch import Fetcher
from earmark.streams.settings import MediaSettings
from earmark.streams.spool import Spool

SONG = bytes(range(256)) * 400


class Store(BaseHTTPRequestHandler):
    """A web server with a song, redirects, failures, and the two S3 calls that reading needs."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        path = urlsplit(self.path).path
        match path.strip("/").split("/"):
            case ["song.wav"] | ["bucket", "song.wav"]:
                self._song()
            case ["status", code]:
                self._answer(int(code))
            case ["flaky"]:
                self._answer(503) if len(self.asked) < 3 else self._song()
            case ["loop"]:
                self._answer(302, Location="/loop")
            case ["moved"]:
                self._answer(301, Location="/song.wav")
            case ["to-file"]:
                self._answer(302, Location="file:///etc/hostname")
            case ["to-metadata"]:
                self._answer(302, Location="http://169.254.169.254/latest/meta-data")
            case ["cut"]:
                self._answer(200, body=SONG[:100], length=len(SONG))
            case ["endless"]:
                self._endless()
            case ["drip"]:
                self._drip()
            case _:
                self._answer(404)

    def do_HEAD(self) -> None:
        if urlsplit(self.path).path == "/bucket/song.wav":
            self._answer(200, length=len(SONG))
        else:
            self._answer(404)

    def _song(self) -> None:
        start, end = 0, len(SONG)
        if span := self.headers.get("Range"):
            first, last = span.removeprefix("bytes=").split("-")
            start, end = int(first), min(int(last) + 1, len(SONG))
            self._answer(206, body=SONG[start:end])
        else:
            self._answer(200, body=SONG)

    def _answer(self, code: int, body: bytes = b"", length: int | None = None, **head: str) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("ETag", '"e"')
        self.send_header("Last-Modified", "Mon, 02 Jan 2023 03:04:05 GMT")
        for name, value in head.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(bytes(65536))

    def _drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(50):
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.1)

    def log_message(self, *_: object) -> None:
        """Keep the test output clean."""


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Clients that hang up are what some tests are about."""


@pytest.fixture
def store() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    server = Server(("127.0.0.1", 0), type("Handler", (Store,), {"asked": asked}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def fetcher(tmp_path: Path, **settings: object) -> Iterator[Fetcher]:
    allowed = {"allow_private_addresses": True, "timeout_s": 5.0, **settings}
    made = Fetcher(MediaSettings.model_validate(allowed), spool_parent=tmp_path)
    yield made
    made.close()


def problem(tmp_path: Path, uri: str, **settings: object) -> ContentError:
    with fetcher(tmp_path, **settings) as made, pytest.raises(ContentError) as caught:
        made.fetch(Audio(uri=uri))
    assert caught.value.part == "audio"
    return caught.value


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "FIRST_PAUSE_S", 0.01)


def test_inline_media_pass_through(tmp_path: Path) -> None:
    with fetcher(tmp_path) as made, made.fetch(Audio(data=SONG)) as media:
        assert media.content is SONG


def test_a_file_is_used_in_place(tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes(SONG)
    with (
        fetcher(tmp_path, roots=(tmp_path,)) as made,
        made.fetch(Audio(uri=song.as_uri())) as media,
    ):
        assert media.content == song
    assert song.exists()


def test_remote_media_are_a_file_until_released(
    tmp_path: Path, store: tuple[str, list[str]]
) -> None:
    with fetcher(tmp_path) as made:
        with made.fetch(Audio(uri=f"{store[0]}/song.wav?sig=a%2Fb")) as media:
            assert isinstance(media.content, Path)
            assert media.content.read_bytes() == SONG
        assert not media.content.exists()
    assert store[1] == ["/song.wav?sig=a%2Fb"]
    assert list(tmp_path.iterdir()) == []


def test_a_fetch_waits_until_the_media_before_it_are_decoded(
    tmp_path: Path, store: tuple[str, list[str]]
) -> None:
    """So what lies on disk is bounded, whether the events say how large their media are or not."""
    uri = f"{store[0]}/song.wav"
    with fetcher(tmp_path, spool_bytes=2 * len(SONG)) as made, ThreadPoolExecutor(1) as pool:
        held = [made.fetch(Audio(uri=uri)), made.fetch(Audio(uri=uri, size_bytes=len(SONG)))]
        later = pool.submit(made.fetch, Audio(uri=uri, size_bytes=len(SONG)))
        with pytest.raises(TimeoutError):
            later.result(timeout=0.3)
        assert made.spooled_bytes == 2 * len(SONG)
        assert len(store[1]) == 2
        for media in held:
            media.release()
            media.release()
        later.result(timeout=10).release()
        assert made.spooled_bytes == 0


class Records:
    """Gives the song for whatever record."""

    def read(self, audio: Audio, *, timeout_s: float) -> bytes:
        return SONG

    def close(self) -> None:
        pass


def test_media_that_are_read_from_records_are_bounded_in_memory_likewise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "MEMORY_BYTES", 3 * len(SONG) // 2)
    made = Fetcher(MediaSettings(), inline=Records(), spool_parent=tmp_path)
    audio = Audio(uri="kafka://content.events.v1/0/1", size_bytes=len(SONG), sha256="0" * 64)
    with ThreadPoolExecutor(1) as pool:
        first = made.fetch(audio)
        later = pool.submit(made.fetch, audio)
        with pytest.raises(TimeoutError):
            later.result(timeout=0.2)
        first.release()
        later.result(timeout=10).release()
    assert made.spooled_bytes == 0
    made.close()


def test_a_file_in_place_takes_no_room(tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes(SONG)
    audio = Audio(uri=song.as_uri(), size_bytes=len(SONG))
    with fetcher(tmp_path, roots=(tmp_path,), spool_bytes=1) as made:
        held = [made.fetch(audio), made.fetch(audio)]
        assert made.spooled_bytes == 0
        assert [media.content for media in held] == [song, song]


def test_media_that_could_not_be_fetched_take_no_room(
    tmp_path: Path, store: tuple[str, list[str]]
) -> None:
    with fetcher(tmp_path) as made:
        for path in ("/status/404", "/cut"):
            with pytest.raises(ContentError):
                made.fetch(Audio(uri=store[0] + path, size_bytes=1_000))
        assert made.spooled_bytes == 0


def test_the_end_of_the_worker_ends_a_wait_for_room(
    tmp_path: Path, store: tuple[str, list[str]]
) -> None:
    uri = f"{store[0]}/song.wav"
    with ThreadPoolExecutor(1) as pool:
        with fetcher(tmp_path, spool_bytes=1) as made:
            made.fetch(Audio(uri=uri))
            later = pool.submit(made.fetch, Audio(uri=uri, size_bytes=1))
            with pytest.raises(TimeoutError):
                later.result(timeout=0.1)
        with pytest.raises(ServiceError):
            later.result(timeout=10)


def test_s3_media_are_read_from_the_endpoint_in_the_settings(
    tmp_path: Path, store: tuple[str, list[str]]
) -> None:
    s3 = {"endpoint_url": store[0], "key": "k", "secret": "s", "use_ssl": "false"}
    secrets = {name: SecretStr(value) for name, value in s3.items()}
    with (
        fetcher(tmp_path, s3=secrets) as made,
        made.fetch(Audio(uri="s3://bucket/song.wav")) as media,
    ):
        assert isinstance(media.content, Path)
        assert media.content.read_bytes() == SONG
    error = problem(tmp_path, "s3://bucket/missing.wav", s3=secrets)
    assert error.rejection_class == "MEDIA_GONE"


@pytest.mark.parametrize(
    ("path", "rejection_class", "requests"),
    [
        ("/status/404", "MEDIA_GONE", 1),
        ("/status/410", "MEDIA_GONE", 1),
        ("/status/403", "MEDIA_UNREACHABLE", 1),
        ("/status/503", "MEDIA_UNREACHABLE", 3),
        ("/cut", "MEDIA_UNREACHABLE", 3),
        ("/loop", "URI_REFUSED", 4),
        ("/to-file", "URI_REFUSED", 1),
    ],
)
def test_each_failure_has_its_class_and_number_of_requests(
    tmp_path: Path, store: tuple[str, list[str]], path: str, rejection_class: str, requests: int
) -> None:
    assert problem(tmp_path, store[0] + path).rejection_class == rejection_class
    assert len(store[1]) == requests


def test_a_store_that_recovers_is_asked_again(tmp_path: Path, store: tuple[str, list[str]]) -> None:
    with fetcher(tmp_path) as made, made.fetch(Audio(uri=f"{store[0]}/flaky")) as media:
        assert isinstance(media.content, Path)
        assert media.content.read_bytes() == SONG


def test_a_redirect_is_followed(tmp_path: Path, store: tuple[str, list[str]]) -> None:
    with fetcher(tmp_path) as made, made.fetch(Audio(uri=f"{store[0]}/moved")) as media:
        assert isinstance(media.content, Path)
        assert media.content.read_bytes() == SONG


def test_a_redirect_to_a_host_that_is_not_listed_is_refused(
    tmp_path: Path, store: tuple[str, list[str]]
) -> None:
    error = problem(tmp_path, f"{store[0]}/to-metadata", hosts=("127.0.0.1",))
    assert error.rejection_class == "URI_REFUSED"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "127.1", "0x7f000001"])
def test_this_machine_is_refused_under_every_name(
    tmp_path: Path, store: tuple[str, list[str]], host: str
) -> None:
    uri = store[0].replace("127.0.0.1", host) + "/song.wav"
    error = problem(tmp_path, uri, allow_private_addresses=False)
    assert error.rejection_class == "URI_REFUSED"
    assert store[1] == []


def test_size_is_limited_by_header_by_bytes_and_by_what_the_event_says(
    tmp_path: Path, store: tuple[str, list[str]]
) -> None:
    for path in ("/song.wav", "/endless"):
        error = problem(tmp_path, store[0] + path, max_bytes=1000)
        assert error.rejection_class == "MEDIA_TOO_LARGE"
    asked = len(store[1])
    with fetcher(tmp_path, max_bytes=1000) as made, pytest.raises(ContentError, match="limit"):
        made.fetch(Audio(uri=f"{store[0]}/song.wav", size_bytes=1001))
    assert len(store[1]) == asked


def test_a_server_that_drips_is_given_up_at_the_deadline(
    tmp_path: Path, store: tuple[str, list[str]]
) -> None:
    began = time.monotonic()
    error = problem(tmp_path, f"{store[0]}/drip", timeout_s=0.5)
    assert error.rejection_class == "MEDIA_UNREACHABLE"
    assert time.monotonic() - began < 2


def test_a_port_that_nobody_listens_on_is_unreachable(tmp_path: Path) -> None:
    error = problem(tmp_path, "http://127.0.0.1:9/song.wav")
    assert error.rejection_class == "MEDIA_UNREACHABLE"


@pytest.mark.parametrize(
    "uri",
    [
        "http://a..b/song.wav",
        f"http://{'a' * 64}.example/song.wav",
        "http://half\ud800character.example/song.wav",
        "http://xn--a/song.wav",
        "s3://bucket",
        "s3://bucket/half\ud800character",
    ],
    ids=ascii,
)
def test_a_uri_that_only_its_client_finds_malformed_is_refused(tmp_path: Path, uri: str) -> None:
    assert problem(tmp_path, uri, allow_private_addresses=False).rejection_class == "URI_REFUSED"


def test_messages_hold_no_credentials(tmp_path: Path, store: tuple[str, list[str]]) -> None:
    base = store[0].replace("http://", "http://me:hunter2@")
    for path in ("/status/403?sig=hunter2", "/status/404?sig=hunter2", "/cut?sig=hunter2"):
        error: BaseException | None = problem(tmp_path, base + path)
        assert "hunter2" not in str(error)


def test_the_spool_of_a_dead_process_is_swept_and_that_of_a_living_one_is_not(
    tmp_path: Path,
) -> None:
    dead, alive = tmp_path / "earmark-spool-dead", Spool(tmp_path)
    dead.mkdir()
    (dead / "lock").touch()
    (dead / "half-a-song").touch()
    Spool(tmp_path).close()
    assert list(tmp_path.iterdir()) == [alive.folder]
    alive.close()
