import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from earmark.models.card import SourceFile
from earmark.models.source import SourceError, obtain

WEIGHTS = bytes(range(256)) * 1000
SETUP = "from pathlib import Path\nPath({mark!r}).touch()\nfrom setuptools import setup\nsetup()\n"


def fetched(
    source: str, tmp_path: Path, *, offline: bool = False, size_bytes: int | None = None
) -> bytes:
    target = tmp_path / "fetched"
    target.mkdir(exist_ok=True)
    file = SourceFile(name="weights", sources=(source,), size_bytes=size_bytes)
    obtain(
        source,
        file,
        target / "weights",
        offline=offline,
        label="weights",
        progress=lambda *_: None,
    )
    return (target / "weights").read_bytes()


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """A folder that pip takes for the package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def add_wheel(index: Path) -> None:
    with zipfile.ZipFile(index / "tinyweights-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tinyweights/data/weights.bin", WEIGHTS)
        metadata = "Metadata-Version: 2.1\nName: tinyweights\nVersion: 1.0\n"
        wheel.writestr("tinyweights-1.0.dist-info/METADATA", metadata)
        wheel.writestr("tinyweights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        wheel.writestr("tinyweights-1.0.dist-info/RECORD", "")


def add_sdist(index: Path, *, mark: Path) -> None:
    members = {
        "tinyweights-1.0/setup.py": SETUP.format(mark=str(mark)).encode(),
        "tinyweights-1.0/tinyweights/data/weights.bin": WEIGHTS,
    }
    with tarfile.open(index / "tinyweights-1.0.tar.gz", "w:gz") as sdist:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            sdist.addfile(member, io.BytesIO(content))


def test_a_file_of_an_installed_distribution_is_taken_from_there(tmp_path, index):
    source = f"pypi://click=={version('click')}/click/__init__.py"
    assert fetched(source, tmp_path, offline=True) == Path(click.__file__).read_bytes()


def test_a_wheel_gives_its_one_file(tmp_path, index):
    add_wheel(index)
    source = "pypi://tinyweights==1.0/tinyweights/data/weights.bin"
    assert fetched(source, tmp_path) == WEIGHTS


def test_an_sdist_gives_its_one_file_and_runs_nothing(tmp_path, index):
    mark = tmp_path / "setup-was-run"
    add_sdist(index, mark=mark)
    source = "pypi://tinyweights==1.0/tinyweights/data/weights.bin"
    assert fetched(source, tmp_path) == WEIGHTS
    assert not mark.exists()


def test_a_distribution_that_the_index_lacks_is_said_in_one_line(tmp_path, index):
    with pytest.raises(SourceError, match=r"^pypi://nowhere==1/x: .*nowhere==1") as caught:
        fetched("pypi://nowhere==1/x", tmp_path)
    assert "\n" not in str(caught.value)


def test_an_archive_without_the_file_says_so(tmp_path, index):
    add_wheel(index)
    with pytest.raises(SourceError, match=r"the archive has no other\.bin"):
        fetched("pypi://tinyweights==1.0/other.bin", tmp_path)


def test_more_bytes_than_the_card_states_are_not_written(tmp_path, index):
    add_wheel(index)
    source = "pypi://tinyweights==1.0/tinyweights/data/weights.bin"
    with pytest.raises(SourceError, match="more than the 1,000 bytes"):
        fetched(source, tmp_path, size_bytes=1000)


def test_a_file_of_the_package_itself_needs_no_network(tmp_path):
    content = fetched("package://models/cards/silero-vad.toml", tmp_path, offline=True)
    assert b'name = "silero-vad"' in content


@pytest.mark.parametrize(
    "source",
    ["https://example.org/x", "hf://acme/tiny@main/x", "pypi://tinyweights==1.0/x"],
)
def test_offline_asks_no_one(tmp_path, index, source):
    with pytest.raises(SourceError, match="`offline` is on"):
        fetched(source, tmp_path, offline=True)


@pytest.mark.parametrize("source", ["pypi://tinyweights/x", "hf://tiny/x"])
def test_a_crooked_source_is_told_its_form(tmp_path, source):
    with pytest.raises(SourceError, match=r"not of the form \w+://"):
        fetched(source, tmp_path)


class Server(BaseHTTPRequestHandler):
    """Serves WEIGHTS as a web server and as the Hugging Face Hub do."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        if "missing" in self.path:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(WEIGHTS)))
        self.send_header("ETag", f'"{hashlib.sha256(WEIGHTS).hexdigest()}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.end_headers()
        if body:
            self.wfile.write(WEIGHTS[: len(WEIGHTS) // 2] if "half" in self.path else WEIGHTS)

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_a_file_comes_from_a_web_server(tmp_path, server):
    assert fetched(f"{server}/weights", tmp_path) == WEIGHTS


def test_a_web_server_without_the_file_is_said(tmp_path, server):
    with pytest.raises(SourceError, match="404"):
        fetched(f"{server}/missing", tmp_path)


def test_a_connection_that_ends_half_way_is_an_error(tmp_path, server):
    with pytest.raises(SourceError, match="ended before 256,000 bytes"):
        fetched(f"{server}/half", tmp_path)


def test_a_file_comes_from_the_hub_by_its_own_client(tmp_path, server, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", server)
    assert fetched("hf://acme/tiny@main/weights.bin", tmp_path) == WEIGHTS
