import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from earmark.models.error import ServiceError
from earmark.streams.local.bundle import unpacked
from earmark.streams.local.jar import Jar, JarFolder


def archive_in(jars: JarFolder, content: bytes = b"class bytes") -> Jar:
    """An archive with one file, laid into the folder as if it had been fetched."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("lib/one.jar")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    jar = Jar(
        group="org.example",
        artifact="program",
        version="1.0",
        classifier="all",
        packaging="tar.gz",
        size=len(packed.getvalue()),
        sha256=hashlib.sha256(packed.getvalue()).hexdigest(),
    )
    jars.folder.mkdir(parents=True, exist_ok=True)
    jars.path(jar).write_bytes(packed.getvalue())
    return jar


def test_a_program_is_unpacked_once_and_its_archive_removed(tmp_path: Path):
    jars = JarFolder(tmp_path, offline=True)
    archive = archive_in(jars)
    folder = unpacked(jars, archive)
    assert (folder / "lib/one.jar").read_bytes() == b"class bytes"
    assert not jars.path(archive).exists()
    assert unpacked(jars, archive) == folder


@pytest.mark.parametrize("damage", ["changed", "removed", "added"])
def test_a_damaged_folder_is_not_used(tmp_path: Path, damage: str):
    jars = JarFolder(tmp_path, offline=True)
    archive = archive_in(jars)
    file = unpacked(jars, archive) / "lib/one.jar"
    if damage == "changed":
        file.write_bytes(b"CLASS BYTES")
    elif damage == "removed":
        file.unlink()
    else:
        file.with_name("two.jar").write_bytes(b"more")
    with pytest.raises(ServiceError, match="offline"):
        unpacked(jars, archive)
    archive_in(jars)
    assert [path.name for path in (unpacked(jars, archive) / "lib").iterdir()] == ["one.jar"]
    assert file.read_bytes() == b"class bytes"
