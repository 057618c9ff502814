"""Sources: the places a card's file can come from, each brought to a local path.

package://<path>                      a file inside the earmark package, or inside the package
                                      that the path begins with
file://<path>                         a file on this machine
pypi://<dist>==<version>/<path>       one file of a distribution: taken from where it is installed,
                                      else from its wheel or sdist; nothing of it is run
hf://<owner>/<repo>@<revision>/<path> one file of a repository at the Hugging Face Hub
https://...                           one file

Package indexes and the Hub are reached through their own clients, in child processes, so that
mirrors, certificates and credentials set up for those hold here too.
"""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from http.client import HTTPException
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import as_file, files
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

from earmark.models.card import SourceFile
from earmark.models.error import ModelError

Progress = Callable[[str, int, int | None], None]  # label, bytes done, bytes in all if known

CHUNK_BYTES = 1 << 20
TIMEOUT_S = 60.0  # of one read; a download as a whole may take as long as it moves
POLL_S = 0.1

_PYPI = re.compile(r"(?P<dist>[A-Za-z0-9._-]+)==(?P<version>[^/]+)/(?P<inside>.+)")
_HUB = re.compile(r"(?P<repo>[^/@]+/[^/@]+)@(?P<revision>[^/]+)/(?P<inside>.+)")
_FORMS = {"pypi": "pypi://dist==version/path", "hf": "hf://owner/repo@revision/path"}
_HUB_CLIENT = (
    "import sys; from huggingface_hub import hf_hub_download as get; "
    "get(sys.argv[1], sys.argv[2], revision=sys.argv[3], local_dir=sys.argv[4])"
)
_EXCEPTION = re.compile(r"[\w.]+(Error|Exception)\b")  # how a traceback ends
# a disk, a connection or an archive that fails half way
_BROKEN = (OSError, EOFError, HTTPException, zipfile.BadZipFile, tarfile.TarError, zlib.error)


class SourceError(ModelError):
    """A source that does not give the file; the message begins with the source."""


def obtain(
    source: str, file: SourceFile, target: Path, *, offline: bool, label: str, progress: Progress
) -> None:
    """Bring `file` from `source` to `target`, telling `progress` of it; the hash is not checked.

    `offline` allows only what is on this machine. Raises SourceError.
    """
    _Fetch(source, file, target, label=label, progress=progress).run(offline=offline)


class _Fetch:
    """One attempt to bring one file from one source."""

    def __init__(
        self, source: str, file: SourceFile, target: Path, *, label: str, progress: Progress
    ) -> None:
        self.source = source
        self.file = file
        self.target = target
        self.label = label
        self.progress = progress
        self.scheme, _, self.place = source.partition("://")

    def run(self, *, offline: bool) -> None:
        here = {"package": self._package, "file": self._file, "pypi": self._installed}
        away = {"pypi": self._index, "hf": self._hub, "https": self._web, "http": self._web}
        try:
            if self.scheme in here and here[self.scheme]():
                return
            if self.scheme not in away:
                raise self._error("no such file")
            if offline:
                raise self._error("not fetched, since the setting `offline` is on")
            away[self.scheme]()
        except _BROKEN as error:
            raise self._error(str(error)) from error

    def _package(self) -> bool:
        with as_file(files("earmark").joinpath(self.place)) as path:
            if self._copy_if_there(path):
                return True
        package, _, inside = self.place.partition("/")
        try:
            folder = files(package)
        except (ImportError, ValueError):
            return False
        with as_file(folder.joinpath(inside)) as path:
            return self._copy_if_there(path)

    def _file(self) -> bool:
        return self._copy_if_there(Path(unquote(urlsplit(self.source).path)))

    def _installed(self) -> bool:
        dist, version, inside = self._match(_PYPI)
        try:
            found = distribution(dist)
        except PackageNotFoundError:
            return False
        return found.version == version and self._copy_if_there(
            Path(str(found.locate_file(inside)))
        )

    def _index(self) -> None:
        dist, version, inside = self._match(_PYPI)
        requirement = f"{dist}=={version}"
        with tempfile.TemporaryDirectory(dir=self.target.parent) as name:
            folder = Path(name)
            self._run_pip(requirement, folder)
            archives = [p for p in folder.iterdir() if p.suffix in {".whl", ".gz", ".zip", ".bz2"}]
            if not archives:
                raise self._error("the package index gave no archive")
            self._take(archives[0], inside)

    def _run_pip(self, requirement: str, folder: Path) -> None:
        """Wheels by pip itself. pip runs an sdist's build, so those go by our own command."""
        common = ["--no-deps", "--progress-bar=off", "--quiet", "--dest", str(folder)]
        wheel = ["-m", "pip", "download", "--only-binary=:all:", "--ignore-requires-python"]
        sdist = ["-P", str(Path(__file__).with_name("sdist.py")), "--no-binary=:all:"]
        try:
            self._run_client([*wheel, *common, requirement], folder)
        except SourceError as no_wheel:
            try:
                self._run_client([*sdist, *common, requirement], folder)
            except SourceError:
                raise no_wheel from None

    def _hub(self) -> None:
        repo, revision, inside = self._match(_HUB)
        with tempfile.TemporaryDirectory(dir=self.target.parent) as name:
            folder = Path(name)
            self._run_client(["-c", _HUB_CLIENT, repo, inside, revision, name], folder)
            (folder / inside).replace(self.target)

    def _web(self) -> None:
        # S310: the card's reader lets only http and https through to here
        with urlopen(self.source, timeout=TIMEOUT_S) as answer:  # noqa: S310
            length = answer.headers.get("Content-Length")
            total = int(length) if length else self.file.size_bytes
            if self._pour(answer, total) != total and length:
                raise self._error(f"the connection ended before {total:,} bytes")

    def _run_client(self, arguments: list[str], folder: Path) -> None:
        """Run a Python client that downloads into `folder`, and watch the folder grow."""
        quiet = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
        environment = {**os.environ, "TMPDIR": str(folder), **quiet}
        with tempfile.TemporaryFile() as log:
            with subprocess.Popen(
                [sys.executable, *arguments], stdout=log, stderr=log, env=environment
            ) as client:
                try:
                    self._watch(client, folder)
                finally:
                    client.kill()  # nothing to kill, unless we were interrupted
            if client.returncode:
                raise self._error(_reason(log))

    def _watch(self, client: "subprocess.Popen[bytes]", folder: Path) -> None:
        total = self.file.download_bytes or self.file.size_bytes
        while client.poll() is None:
            done = _size(folder)
            self.progress(self.label, min(done, total) if total else done, total)
            time.sleep(POLL_S)

    def _take(self, archive: Path, inside: str) -> None:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                names = opened.namelist()
                with opened.open(self._member(names, inside)) as stream:
                    self._pour(stream, self.file.size_bytes)
            return
        with tarfile.open(archive) as opened_tar:
            stream_or_none = opened_tar.extractfile(self._member(opened_tar.getnames(), inside))
            if stream_or_none is None:
                raise self._error(f"{inside} is no file in {archive.name}")
            self._pour(stream_or_none, self.file.size_bytes)

    def _member(self, names: list[str], inside: str) -> str:
        """The member `inside`; an sdist holds everything in one folder of its own."""
        for name in names:
            if inside in {name, str(PurePosixPath(*PurePosixPath(name).parts[1:]))}:
                return name
        raise self._error(f"the archive has no {inside}")

    def _copy_if_there(self, path: Path) -> bool:
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            self._pour(stream, path.stat().st_size)
        return True

    def _pour(self, stream: IO[bytes], total: int | None) -> int:
        """Write the stream to the target; more bytes than the card states do not fill the disk."""
        limit, done = self.file.size_bytes, 0
        with self.target.open("wb") as file:
            while chunk := stream.read(CHUNK_BYTES):
                done += len(chunk)
                if limit is not None and done > limit:
                    raise self._error(f"more than the {limit:,} bytes that the card states")
                file.write(chunk)
                self.progress(self.label, done, total)
        return done

    def _match(self, pattern: re.Pattern[str]) -> tuple[str, ...]:
        match = pattern.fullmatch(self.place)
        if match is None:
            raise self._error(f"not of the form {_FORMS[self.scheme]}")
        return match.groups()

    def _error(self, reason: str) -> SourceError:
        return SourceError(f"{self.source}: {reason}")


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # the client has just renamed it
            continue
    return total


def _reason(log: IO[bytes]) -> str:
    """Why the client failed: of a chain of exceptions the first, else the last line it wrote."""
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    exceptions = [line for line in lines if _EXCEPTION.match(line)]
    return [*exceptions, *lines[-1:], "the client failed and said nothing"][0]
