"""Records of one topic into Parquet files, one for each day of their arrival."""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow.parquet as pq

from earmark.streams.export.column import arrow_schema, columns
from earmark.streams.export.folder import ExportedFile, ExportFolder, unfinished
from earmark.streams.subscription.name import name_of
from earmark.streams.subscription.received import ReceivedSignal

OPEN_FILES = 64  # of one part; a process may have no more than a thousand, on many machines
GROUP_RECORDS = 10_000  # a row group holds at most so many
GROUP_BYTES = 8_000_000  # as they were in Kafka; decoded they take ten times as much


class DayWriter:
    """Parts of an export, written under unfinished names; for a `with` block.

    What is not `finished` in it is left there, for the folder to remove when it is opened again.
    """

    def __init__(self, folder: ExportFolder, topic: str) -> None:
        self.records = 0
        self.bytes = 0
        self._folder, self._root, self._topic = folder, folder.root, topic
        self._schema = arrow_schema(topic)
        self._name = ""  # once there is a file
        self._done: list[ExportedFile] = []
        self._waiting: dict[str, list[ReceivedSignal]] = {}
        self._waiting_records = self._waiting_bytes = 0
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._counts: dict[str, tuple[int, int]] = {}

    def write(self, signals: Iterable[ReceivedSignal]) -> None:
        """Take the records; those of a day stay in order."""
        for signal in signals:
            self._waiting.setdefault(day_of(signal.timestamp), []).append(signal)
            self._waiting_records += 1
            self._waiting_bytes += len(signal.value or b"")
            if self._waiting_records >= GROUP_RECORDS or self._waiting_bytes >= GROUP_BYTES:
                self._flush()

    def finished(self) -> list[ExportedFile]:
        """The files, on disk as a whole under their unfinished names."""
        self._flush()
        self._end_part()
        return self._done

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for writer in self._writers.values():
            writer.close()

    def _flush(self) -> None:
        for day, signals in self._waiting.items():
            if day not in self._writers:
                self._writers[day] = self._writer(day)  # which may begin a part
            self._writers[day].write_batch(columns(self._topic, signals))
            records, deleted = self._counts.get(day, (0, 0))
            erased = sum(signal.deleted for signal in signals)
            self._counts[day] = (records + len(signals), deleted + erased)
        self.records += self._waiting_records
        self.bytes += self._waiting_bytes
        self._waiting, self._waiting_records, self._waiting_bytes = {}, 0, 0

    def _end_part(self) -> None:
        """Close its files, and let what comes be another."""
        for day, writer in self._writers.items():
            writer.close()
            path, (records, deleted) = self._path(day), self._counts[day]
            _sync(unfinished(self._root / path))
            self._done.append(
                ExportedFile(path=path, topic=self._topic, records=records, deleted=deleted)
            )
        self._writers, self._counts = {}, {}

    def _writer(self, day: str) -> pq.ParquetWriter:
        if len(self._writers) >= OPEN_FILES:
            self._end_part()
        if not self._writers:
            self._name = self._folder.next_part()
        path = unfinished(self._root / self._path(day))
        path.parent.mkdir(parents=True, exist_ok=True)
        return pq.ParquetWriter(path, self._schema, compression="zstd")

    def _path(self, day: str) -> str:
        return f"signal={folder_name(self._topic)}/day={day}/{self._name}"


def day_of(time_ms: int) -> str:
    """The day in UTC."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).date().isoformat()


def folder_name(topic: str) -> str:
    """What the topic is called in paths: as people call it, and as it is if it is no live one."""
    return topic if topic.startswith(("replay.", "shadow.")) else name_of(topic)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
