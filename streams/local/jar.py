"""Jars of the local parts: what the lock files name, and a folder that holds them verified.

A lock file has one line per file: `group:artifact:version[:classifier:packaging] size sha256`.
Every process hashes the files before it uses them (200 MB in about 0.3 s), so what runs is what
the lock says. Files come from a Maven repository through jgo, which knows the public one.
"""

import fcntl
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from earmark.models.error import ConfigurationError, ServiceError
from earmark.models.manifest import sha256_of
from earmark.models.source import Progress
from earmark.streams.local.report import silent

ATTEMPTS = 3
CONNECTIONS = 8
TIMEOUT_S = 30
_LINE = re.compile(r"([^:\s]+):([^:\s]+):([^:\s]+)(?::([^:\s]+):([^:\s]+))? (\d+) ([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    """One file of a Maven repository: its coordinate, `size` in bytes, `sha256` in hex."""

    group: str
    artifact: str
    version: str
    classifier: str = ""
    packaging: str = "jar"
    size: int
    sha256: str

    @property
    def filename(self) -> str:
        """The file's name in a Maven repository."""
        classifier = f"-{self.classifier}" if self.classifier else ""
        return f"{self.artifact}-{self.version}{classifier}.{self.packaging}"

    @property
    def coordinate(self) -> str:
        """`group:artifact:version`, as people look it up."""
        return f"{self.group}:{self.artifact}:{self.version}"

    def is_at(self, path: Path) -> bool:
        """Whether the file at `path` has this jar's size and sha256."""
        return (
            path.is_file() and path.stat().st_size == self.size and sha256_of(path) == self.sha256
        )


def read_lock(name: str) -> tuple[Jar, ...]:
    """The jars of the lock file `name` that ships with this package."""
    text = (files(__package__) / "locks" / name).read_text(encoding="ascii")
    return parse_lock(text, name)


def parse_lock(text: str, name: str) -> tuple[Jar, ...]:
    """The jars that `text` names; ConfigurationError with file `name` and line if it is no lock."""
    return tuple(
        _parse_line(line, f"{name}, line {number}")
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip()
    )


def _parse_line(line: str, where: str) -> Jar:
    found = _LINE.fullmatch(line)
    if found is None:
        raise ConfigurationError(
            f"{where}: expected group:artifact:version[:classifier:packaging] size sha256"
        )
    group, artifact, version, classifier, packaging, size, sha256 = found.groups()
    return Jar(
        group=group,
        artifact=artifact,
        version=version,
        classifier=classifier or "",
        packaging=packaging or "jar",
        size=int(size),
        sha256=sha256,
    )


class JarFolder:
    """The folder that keeps fetched jars; several processes may share it.

    `repository` is the URL of a mirror, None for jgo's default. `offline` fetches nothing.
    """

    def __init__(
        self, folder: Path, *, repository: str | None = None, offline: bool = False
    ) -> None:
        self.folder = folder
        self._repository = repository
        self._offline = offline

    def fetch(self, jars: tuple[Jar, ...], progress: Progress = silent) -> tuple[Path, ...]:
        """Where the jars lie, in their order; those missing or altered are fetched first.

        Raises ServiceError if one cannot be fetched or is not the file that the lock names.
        """
        with self.locked():
            absent = [jar for jar in jars if not jar.is_at(self.path(jar))]
            if absent:
                self._download(absent, progress)
        return tuple(self.path(jar) for jar in jars)

    def path(self, jar: Jar) -> Path:
        """Where `jar` lies once it is fetched."""
        return self.folder / jar.filename

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time; the lock of a process that dies is released."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _download(self, jars: list[Jar], progress: Progress) -> None:
        tally = _Tally(sum(jar.size for jar in jars), progress)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            for _ in pool.map(lambda jar: self._download_one(jar, tally), jars):
                pass

    def _download_one(self, jar: Jar, tally: "_Tally") -> None:
        if self._offline:
            raise ServiceError(f"{jar.coordinate} is not in {self.folder}, and `offline` is set")
        for attempt in range(ATTEMPTS):
            try:
                self._attempt(jar, tally)
            except (OSError, RuntimeError) as error:
                if attempt + 1 < ATTEMPTS:
                    continue
                raise ServiceError(
                    f"{jar.coordinate} could not be fetched: {error}; the setting "
                    "maven_repository (EARMARK_MAVEN_REPOSITORY) names a mirror"
                ) from error
            return

    def _attempt(self, jar: Jar, tally: "_Tally") -> None:
        with TemporaryDirectory(dir=self.folder, prefix=".fetch-") as scratch:
            fetched = _resolve(jar, Path(scratch), self._repository, tally)
            if not jar.is_at(fetched):
                raise ServiceError(
                    f"{jar.coordinate}: the repository gave {fetched.stat().st_size:,} bytes that "
                    f"are not the locked file of {jar.size:,} bytes, sha256 {jar.sha256}"
                )
            fetched.replace(self.path(jar))


class _Tally:
    """Bytes of all downloads together, told to one Progress from several threads."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._total, self._done = total, 0
        self._progress = progress
        self._lock = threading.Lock()

    def __call__(self, count: int) -> None:
        with self._lock:
            self._done += count
            self._progress("fetching Java parts", min(self._done, self._total), self._total)

    @contextmanager
    def of_file(self, name: str, size: int) -> Iterator[Callable[[int], None]]:
        """What jgo's resolver calls for each file; yields what it calls for each piece."""
        yield self


def _resolve(jar: Jar, scratch: Path, repository: str | None, tally: _Tally) -> Path:
    from jgo.maven import MavenContext, PythonResolver

    context = MavenContext(
        repo_cache=scratch,
        local_repos=[],
        remote_repos={"mirror": repository.rstrip("/")} if repository else None,
        timeout=TIMEOUT_S,
        resolver=PythonResolver(progress_callback=tally.of_file),
    )
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    return Path(component.artifact(classifier=jar.classifier, packaging=jar.packaging).resolve())
