"""The folder of an export, and the manifest that says what belongs to it.

    _manifest.json                                    offsets, counts and files: what is exported
    signal=text.safety/day=2026-11-26/part-000001.parquet
    signal=text.safety/day=2026-11-26/.part-000002.parquet.new    being written

The manifest is what commits. It is replaced as a whole, with the new offsets and the files that
hold what lies before them, whose bytes are on disk by then under their temporary names; then they
take their names. A run that was killed between the two finds them in the manifest and renames them;
what is not in it was not exported and is removed.
"""

import fcntl
import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from earmark.models.error import ConfigurationError
from earmark.streams.subscription.place import Position

FORMAT = 1
MANIFEST = "_manifest.json"  # readers of data sets pass over names that begin so
_LOCK = ".lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """A file of the export: `path` in the folder, and its records by kind."""

    path: str
    topic: str
    records: int
    deleted: int


class ExportFolder:
    """The export at `root`, made where nothing is, and held by this process; in a `with` block.

    `arguments` are what it was asked for, by the names that people know. Raises ConfigurationError
    where the folder holds something else, an export with other arguments or of another cluster, or
    is in use.
    """

    def __init__(self, root: Path, arguments: Mapping[str, Any], cluster_id: str) -> None:
        self.root = root
        self.offsets: dict[str, int] = {}
        self.unreadable: dict[str, int] = {}  # by topic
        self.files: list[ExportedFile] = []
        self._arguments = dict(arguments)
        self._cluster_id = cluster_id
        self._parts = 0
        self._gone: list[str] = []
        with ExitStack() as undo:
            try:
                self._hold(undo)
                self._restore()
            except OSError as error:
                raise ConfigurationError(f"{root}: {error.strerror or error}") from error
            self._held = undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._held.close()

    def next_part(self) -> str:
        """A name that no file of this export has."""
        self._parts += 1
        return f"part-{self._parts:06d}.parquet"

    def commit(
        self,
        files: Sequence[ExportedFile],
        *,
        offsets: Position,
        unreadable: Mapping[str, int],
        instead: Collection[str] = (),
    ) -> None:
        """Take the files, which were written under `unfinished` names, and go on at the offsets.

        They stand in place of what was there of the topics in `instead`.
        """
        self._gone = [file.path for file in self.files if file.topic in instead]
        self.files = [*(file for file in self.files if file.topic not in instead), *files]
        self.offsets.update(offsets)
        for topic in instead:
            self.unreadable.pop(topic, None)
        for topic, number in unreadable.items():
            self.unreadable[topic] = self.unreadable.get(topic, 0) + number
        self._write()
        self._finish(file.path for file in files)

    def _hold(self, undo: ExitStack) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        if not (self.root / MANIFEST).exists() and any(
            not path.name.startswith(".") for path in self.root.iterdir()
        ):
            raise ConfigurationError(f"{self.root} is not empty, and no export of earmark")
        lock = undo.enter_context((self.root / _LOCK).open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(f"{self.root}: another export writes there") from None

    def _restore(self) -> None:
        if (self.root / MANIFEST).exists():
            self._read()
            self._finish(file.path for file in self.files)
        for left in self.root.glob("signal=*/day=*/.part-*.parquet.new"):
            left.unlink()

    def _finish(self, paths: Iterable[str]) -> None:
        for path in map(self.root.joinpath, paths):
            if unfinished(path).exists():
                unfinished(path).replace(path)
        for gone in self._gone:
            (self.root / gone).unlink(missing_ok=True)

    def _read(self) -> None:
        try:
            said = json.loads((self.root / MANIFEST).read_text(encoding="utf-8"))
            is_ours, arguments = said["format"] == FORMAT, dict(said["arguments"])
            self.offsets, self.unreadable = dict(said["offsets"]), dict(said["unreadable"])
            self.files = [ExportedFile(**file) for file in said["files"]]
            self._parts, self._gone = int(said["parts"]), list(said["gone"])
            cluster_id = str(said["cluster_id"])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigurationError(f"{self.root / MANIFEST} is no manifest of earmark") from error
        if not is_ours:
            raise ConfigurationError(f"{self.root} is an export of another version of earmark")
        if cluster_id != self._cluster_id:
            raise ConfigurationError(
                f"{self.root} is an export from Kafka cluster {cluster_id}, this one is "
                f"{self._cluster_id}: name another folder"
            )
        for name in {**arguments, **self._arguments}:
            if (was := arguments.get(name)) != (now := self._arguments.get(name)):
                raise ConfigurationError(
                    f"{self.root} is an export with other arguments: {name} was {was!r} and is "
                    f"{now!r}; name another folder"
                )

    def _write(self) -> None:
        said = {
            "format": FORMAT,
            "arguments": self._arguments,
            "cluster_id": self._cluster_id,
            "parts": self._parts,
            "offsets": self.offsets,
            "unreadable": self.unreadable,
            "gone": self._gone,
            "files": [asdict(file) for file in self.files],
        }
        new = self.root / f".{MANIFEST}.new"
        with new.open("w", encoding="utf-8") as file:
            json.dump(said, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.root / MANIFEST)


def unfinished(path: Path) -> Path:
    """What a file is called until it is part of the export."""
    return path.with_name(f".{path.name}.new")
