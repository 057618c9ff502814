"""Manifests: what a model folder holds and what it was made from, by hash."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from earmark.models.error import WeightsCorruptError

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Hashes by file name, lower-case hex sha256; `conversion` is name and version."""

    sources: Mapping[str, str]
    conversion: str
    artefacts: Mapping[str, str]


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of `folder`, None where there is none; raises WeightsCorruptError."""
    path = folder / MANIFEST
    try:
        return Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise WeightsCorruptError(
            f"{path} cannot be read ({error}); remove its folder and run `earmark models pull`"
        ) from error


def write_manifest(folder: Path, *, sources: Mapping[str, str], conversion: str) -> None:
    """Record what lies in `folder`, where nothing is yet recorded."""
    artefacts = {file.name: sha256_of(file) for file in sorted(folder.iterdir())}
    manifest = {"sources": dict(sources), "conversion": conversion, "artefacts": artefacts}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def sha256_of(path: Path) -> str:
    """The file's sha256 in lower-case hex, computed once per process while it does not change."""
    state = path.stat()
    return _sha256(path, state.st_size, state.st_mtime_ns, state.st_ino)


@lru_cache(maxsize=1024)
def _sha256(path: Path, size: int, modified_ns: int, inode: int) -> str:
    """The arguments beside the path say which state of the file the cached hash is of."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
