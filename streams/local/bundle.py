"""A program that comes as one tar.gz: unpacked once, each of its files verified at every start.

The archive's hash is in the lock. When it is unpacked, the hash of each file in it is written to a
list beside the folder, headed by the archive's own hash; afterwards the archive is removed.
"""

import shutil
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from earmark.models.error import ServiceError
from earmark.models.manifest import sha256_of
from earmark.models.source import Progress
from earmark.streams.local.jar import Jar, JarFolder
from earmark.streams.local.report import silent


def unpacked(jars: JarFolder, archive: Jar, progress: Progress = silent) -> Path:
    """The folder that holds the content of `archive`; fetched and unpacked anew where it differs.

    Raises ServiceError if the archive cannot be fetched or unpacked.
    """
    folder = jars.folder / f"{archive.artifact}-{archive.version}"
    with jars.locked():
        if _is_intact(folder, archive):
            return folder
    jars.fetch((archive,), progress)
    with jars.locked():
        if not _is_intact(folder, archive):
            _unpack(jars.path(archive), folder, archive, progress)
    return folder


def _list_of(folder: Path) -> Path:
    return folder.with_name(folder.name + ".sha256")


def _is_intact(folder: Path, archive: Jar) -> bool:
    try:
        written = _list_of(folder).read_text(encoding="utf-8")
        return written == _listing(folder, archive)
    except OSError:
        return False  # not there, or not readable: the same remedy


def _listing(folder: Path, archive: Jar) -> str:
    """The hash of the archive and of every file under `folder`, as sha256sum prints them."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    with ThreadPoolExecutor() as pool:  # hashing lets other threads run
        digests = list(pool.map(sha256_of, paths))
    lines = [f"{archive.sha256}  {archive.filename}"]
    for path, digest in zip(paths, digests, strict=True):
        lines.append(f"{digest}  {path.relative_to(folder)}")
    return "\n".join(lines) + "\n"


def _unpack(source: Path, folder: Path, archive: Jar, progress: Progress) -> None:
    fresh = folder.with_name(f".unpack-{folder.name}")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with tarfile.open(source) as tar:
            members = tar.getmembers()
            for done, member in enumerate(members, 1):
                tar.extract(member, fresh, filter="data")
                progress(f"unpacking {archive.artifact}", done, len(members))
        _list_of(folder).write_text(_listing(fresh, archive), encoding="utf-8")
        fresh.replace(folder)
        source.unlink()
    except (OSError, tarfile.TarError) as error:
        raise ServiceError(f"{source} could not be unpacked: {error}") from error
