"""A file in which a run of sends keeps how far it has come, so that it goes on after any end.

What holds for a run that is started again with the same arguments:

- Nothing is lost: it goes on behind the last event before which all were acknowledged by the
  brokers, or refused and said to be.
- What was acknowledged behind that event, or after the file was last written (once a second), is
  sent a second time: after a kill, and after brokers that did not come back. An interrupt (Ctrl-C)
  and an error in a file first wait for what is on its way, and so nothing is sent twice.
- A second send is the same event to the byte: `event_id`, `event_time` and `revision` follow from
  the run's id and beginning, the file and the row. Whoever has answered the first takes the second
  for what it is: the same revision changes nothing.

The file is replaced as a whole, on disk before it takes its name. It is locked while a run has it.
"""

import fcntl
import json
import os
import time
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from earmark.models.error import ConfigurationError, reason_of
from earmark.processors.content import ContentEvent
from earmark.streams.content_files import UNSTATED, Bookmark, ReadEvent, proof
from earmark.streams.standing import Standing

FORMAT = 1
KEEP_S = 1.0  # between two times that it is written
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What decides the ids and revisions of a run's events. Times are in microseconds."""

    run_id: str
    started_us: int

    def stamped(self, read: ReadEvent) -> ContentEvent:
        """The event with an id, a time and a revision where its file states none.

        The revision is the beginning of the run, plus the event's number: what came from elsewhere
        since the run began counts as newer.
        """
        event = read.event
        revision = self.started_us + read.bookmark.events
        return replace(
            event,
            event_id=event.event_id or self._event_id(read.bookmark),
            event_time=event.event_time or self.started_us // 1_000,
            revision=revision if event.revision == UNSTATED else event.revision,
        )

    def _event_id(self, bookmark: Bookmark) -> str:
        parts = (self.run_id, str(bookmark.file), bookmark.path, str(bookmark.rows))
        return blake2b(_SEPARATOR.join(parts).encode(), digest_size=16).hexdigest()


class Checkpoint:
    """The file at `path`, held by this process; made where it is not there.

    `arguments` are what the run was asked for: JSON, by the names that people know. Raises
    ConfigurationError where the file is of a run with other arguments, in use, no checkpoint, or
    where the files that are read are not those which the run has read.
    """

    def __init__(self, path: Path, arguments: Mapping[str, Any]) -> None:
        self._path = path
        self._arguments = dict(arguments)
        self._cluster_id = ""
        self._kept = 0.0
        self.begun = False
        self.standing = Standing()
        self.finished = False
        self.run = Run(run_id=uuid.uuid4().hex, started_us=time.time_ns() // 1_000)
        with ExitStack() as undo:
            try:
                self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
                undo.callback(os.close, self._lock)
                self._take(self._lock)
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigurationError(f"{path}: {reason_of(error)}") from error
            if text:
                self._restore(text)
            undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        os.close(self._lock)

    def begin(self, cluster_id: str) -> None:
        """Write it for a run on this cluster, before its first event is sent.

        Raises ConfigurationError where it was begun on another.
        """
        if self._cluster_id not in {"", cluster_id}:
            raise ConfigurationError(
                f"{self._path} is of a run on Kafka cluster {self._cluster_id}, this one is "
                f"{cluster_id}: what was acknowledged there is not here"
            )
        self._cluster_id, self.begun = cluster_id, True
        self.keep(self.standing)

    def note(self, standing: Standing) -> None:
        """Write how far the run has come, if that was last done a while ago."""
        if time.monotonic() - self._kept >= KEEP_S:
            self.keep(standing)

    def keep(self, standing: Standing, *, finished: bool = False) -> None:
        """Write how far the run has come; raises ConfigurationError where that cannot be done."""
        self.standing, self.finished, self._kept = standing, finished, time.monotonic()
        said = {
            "format": FORMAT,
            **asdict(self.run),
            "arguments": self._arguments,
            "cluster_id": self._cluster_id,
            "standing": asdict(standing),
            "proof": proof(standing.bookmark),
            "finished": finished,
        }
        try:
            self._replace(json.dumps(said, indent=2) + "\n")
        except OSError as error:
            raise ConfigurationError(f"{self._path}: {reason_of(error)}") from error

    def _replace(self, text: str) -> None:
        new = self._path.with_name(f".{self._path.name}.new")
        lock = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        fcntl.flock(lock, fcntl.LOCK_EX)  # it gets the name others look at only once it is held
        os.write(lock, text.encode())
        os.fsync(lock)
        new.replace(self._path)
        before, self._lock = self._lock, lock
        os.close(before)

    def _take(self, lock: int) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._in_use() from None
        if os.fstat(lock).st_ino != self._path.stat().st_ino:  # replaced by its owner meanwhile
            raise self._in_use()

    def _in_use(self) -> ConfigurationError:
        return ConfigurationError(f"{self._path}: another run that goes on keeps its place there")

    def _restore(self, text: str) -> None:
        try:
            said = json.loads(text)
            is_ours = said["format"] == FORMAT
            self.run = Run(run_id=str(said["run_id"]), started_us=int(said["started_us"]))
            bookmark = Bookmark(**said["standing"].pop("bookmark"))
            self.standing = Standing(**said["standing"], bookmark=bookmark)
            self.finished = bool(said["finished"])
            self._cluster_id = str(said["cluster_id"])
            arguments, stated = dict(said["arguments"]), str(said["proof"])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigurationError(f"{self._path} is not a checkpoint of earmark") from error
        if not is_ours:
            raise ConfigurationError(f"{self._path} is a checkpoint of another version of earmark")
        self._check_arguments(arguments)
        if not self.finished and proof(self.standing.bookmark) != stated:
            raise ConfigurationError(
                f"{self.standing.bookmark.path} has changed before the place up to which "
                f"{self._path} says that it was sent; remove the checkpoint to begin anew"
            )

    def _check_arguments(self, before: Mapping[str, Any]) -> None:
        for name in {**before, **self._arguments}:
            was, now = before.get(name), self._arguments.get(name)
            if was != now:
                raise ConfigurationError(
                    f"{self._path} is of a run with other arguments: {name} was {was!r} and is "
                    f"{now!r}; name another file, or remove it to begin anew"
                )
