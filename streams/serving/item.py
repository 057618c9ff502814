"""The latest records of items, kept by a thread that follows the topics, for HTTP to look up."""

import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import structlog

from earmark.models.error import EarmarkError
from earmark.streams.settings import Settings
from earmark.streams.subscriber import ReceivedSignal, topics_named
from earmark.streams.subscription.latest import LatestTable, latest

log = structlog.get_logger()

AGAIN_S = 5.0  # before brokers that did not answer are asked again
ENDED_S = 10.0  # for the thread that follows to leave the brokers


@dataclass(frozen=True, slots=True, kw_only=True)
class TableState:
    """Whether the table holds all that stood on the topics when it was begun, and what is wrong."""

    ready: bool = False
    read: int = 0  # of `total` records
    total: int = 0
    problem: str | None = None


class ItemTable:
    """The latest record of each item and signal, in a file of SQLite; in a `with` block.

    `path` keeps it from one run to the next, and so what it holds of items; without it the file
    goes with the process. Only one process may keep a file up to date. Raises ConfigurationError
    for a file that is something else.
    """

    def __init__(self, settings: Settings, names: Sequence[str], path: Path | None = None) -> None:
        self.topics = topics_named(names)
        self.state = TableState()
        self._settings = settings
        self._folder = TemporaryDirectory(prefix="earmark-serve-") if path is None else None
        self._path = path or Path(self._folder.name if self._folder else "") / "items.sqlite"
        self._stopped = Event()
        self._following: LatestTable | None = None
        self._reading: LatestTable | None = None
        self._thread = Thread(target=self._follow, name="items", daemon=True)
        self.lookups = ThreadPoolExecutor(1, thread_name_prefix="items")

    def __enter__(self) -> "ItemTable":
        self._opened().close()  # a file that is something else is said here, and not in the thread
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stopped.set()
        if self._following is not None:
            self._following.stop()
        self._thread.join(ENDED_S)
        self.lookups.submit(self._close).result()
        self.lookups.shutdown()
        if self._folder is not None and not self._thread.is_alive():
            self._folder.cleanup()

    def look_up(self, content_id: str) -> Mapping[str, ReceivedSignal]:
        """The item's latest record of each signal that said anything of it; within `lookups`."""
        if self._reading is None:
            self._reading = self._opened()
        found = {topic: self._reading.get(content_id, topic) for topic in self.topics}
        return {signal.name: signal for signal in found.values() if signal is not None}

    def _opened(self) -> LatestTable:
        return latest(*self.topics, path=self._path, settings=self._settings)

    def _close(self) -> None:
        if self._reading is not None:
            self._reading.close()

    def _follow(self) -> None:
        """Until it is stopped; what the brokers do not give now is asked for again."""
        while not self._stopped.is_set():
            try:
                with self._opened() as table:
                    self._following = table
                    self._keep_up(table)
            except (EarmarkError, OSError, sqlite3.Error) as error:
                log.warning("items", problem=str(error))
                self.state = TableState(ready=self.state.ready, problem=str(error))
                self._stopped.wait(AGAIN_S)

    def _keep_up(self, table: LatestTable) -> None:
        if self._stopped.is_set():  # it may have come before there was a table to stop
            return
        table.update(self._report)
        self.state = TableState(ready=not self._stopped.is_set())
        for _ in table.follow():
            pass

    def _report(self, _: str, read: int, total: int | None) -> None:
        if not self.state.ready:
            self.state = TableState(read=read, total=total or 0)
