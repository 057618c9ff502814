import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from earmark.models.error import ConfigurationError, ServiceError
from earmark.streams.local.jar import Jar, JarFolder, parse_lock, read_lock
from earmark.streams.local.parts import KAFKA_LOCK, REGISTRY_LOCK

CONTENT = b"the bytes of a jar" * 1000


def jar_of(content: bytes) -> Jar:
    return Jar(
        group="org.example",
        artifact="thing",
        version="1.0",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A Maven repository on the loopback interface that has one jar: its URL, the jar's path."""
    path = tmp_path / "repository" / "org/example/thing/1.0/thing-1.0.jar"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    handler = partial(QuietHandler, directory=tmp_path / "repository")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", path
        server.shutdown()
        thread.join()


def test_the_shipped_locks_name_the_broker_and_the_registry():
    broker, (registry,) = read_lock(KAFKA_LOCK), read_lock(REGISTRY_LOCK)
    assert "kafka_2.13-4.4.0.jar" in {jar.filename for jar in broker}
    assert registry.filename == "apicurio-registry-app-3.3.3-all.tar.gz"
    assert len({jar.filename for jar in broker}) == len(broker) == 45


@pytest.mark.parametrize(
    "line",
    [
        "org.example:thing:1.0 12",
        "thing:1.0 12 " + 64 * "0",
        "a:b:c twelve " + 64 * "0",
        "a:b:c 1 ff",
    ],
)
def test_a_malformed_lock_names_file_and_line(line: str):
    good = f"org.example:thing:1.0 12 {64 * 'a'}"
    with pytest.raises(ConfigurationError, match=r"some\.lock, line 2"):
        parse_lock(f"{good}\n{line}\n", "some.lock")


def test_what_is_fetched_is_what_the_lock_names(repository: tuple[str, Path], tmp_path: Path):
    seen: list[tuple[str, int, int | None]] = []
    jars = JarFolder(tmp_path / "jars", repository=repository[0])
    (path,) = jars.fetch((jar_of(CONTENT),), lambda *step: seen.append(step))
    assert path.read_bytes() == CONTENT
    assert seen[-1][1:] == (len(CONTENT), len(CONTENT))


def test_a_tampered_jar_is_noticed_and_fetched_again(repository: tuple[str, Path], tmp_path: Path):
    jars = JarFolder(tmp_path / "jars", repository=repository[0])
    (path,) = jars.fetch((jar_of(CONTENT),))
    path.write_bytes(CONTENT.replace(b"jar", b"rat"))
    jars.fetch((jar_of(CONTENT),))
    assert path.read_bytes() == CONTENT


def test_a_repository_with_other_bytes_is_refused(repository: tuple[str, Path], tmp_path: Path):
    url, path = repository
    path.write_bytes(CONTENT[::-1])
    jars = JarFolder(tmp_path / "jars", repository=url)
    with pytest.raises(ServiceError, match="not the locked file"):
        jars.fetch((jar_of(CONTENT),))
    assert not list(jars.folder.glob("*.jar"))


def test_a_jar_that_is_nowhere_names_the_setting_for_a_mirror(
    repository: tuple[str, Path], tmp_path: Path
):
    url, path = repository
    path.unlink()
    with pytest.raises(ServiceError, match="maven_repository"):
        JarFolder(tmp_path / "jars", repository=url).fetch((jar_of(CONTENT),))


def test_offline_uses_what_is_there_and_fetches_nothing(
    repository: tuple[str, Path], tmp_path: Path
):
    offline = JarFolder(tmp_path / "jars", repository=repository[0], offline=True)
    with pytest.raises(ServiceError, match="offline"):
        offline.fetch((jar_of(CONTENT),))
    JarFolder(tmp_path / "jars", repository=repository[0]).fetch((jar_of(CONTENT),))
    assert offline.fetch((jar_of(CONTENT),))[0].is_file()
