"""An export from its beginning, or from where it was, to its end."""

import time
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.models.error import ConfigurationError, ServiceError
from earmark.models.source import Progress
from earmark.streams.export.column import arrow_schema
from earmark.streams.export.folder import ExportedFile, ExportFolder
from earmark.streams.export.writer import DayWriter, folder_name
from earmark.streams.settings import Settings
from earmark.streams.subscription.feed import BATCH, Feed, Passed
from earmark.streams.subscription.latest import LatestTable
from earmark.streams.subscription.place import Start, parsed_place
from earmark.streams.subscription.received import ReceivedSignal, UnreadableRecord
from earmark.streams.topic import Cluster, describe_cluster

FILE_RECORDS = 500_000
FILE_BYTES = 256_000_000  # as they were in Kafka
STALLED_S = 60.0  # an open transaction of a dead producer holds its readers up for 15 s
SCRATCH = ".as-of.sqlite"
_WAIT_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is exported: the history from a time to before another, or what stood at a moment.

    Times are in milliseconds since the epoch; `since` is how the first of them was written.
    """

    topics: Sequence[str]
    since: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    as_of_ms: int | None = None
    file_records: int = FILE_RECORDS

    @property
    def arguments(self) -> dict[str, Any]:
        """What must be the same for an export to go on."""
        return {"from": self.since, "as_of_ms": self.as_of_ms}


def export(settings: Settings, root: Path, asked: Asked, report: Progress) -> dict[str, Any]:
    """Write to the folder at `root` what it does not hold yet; what it then holds.

    `report` is told the topic, the records read, and about how many there are. Raises
    ConfigurationError where the folder holds something else, ServiceError where brokers or registry
    do not answer; what was written until then stays, and the next run goes on behind it.
    """
    for topic in asked.topics:
        arrow_schema(topic)  # that all have one, before anything is written
    cluster = describe_cluster(settings.kafka, lambda topic: topic in asked.topics)
    with ExportFolder(root, asked.arguments, cluster.id) as folder:
        began, before = time.monotonic(), {file.path for file in folder.files}
        try:
            _write(settings, folder, asked, report)
        except OSError as error:  # such as a full disk
            raise ServiceError(f"{root}: {error.strerror or error}") from error
        seconds = round(time.monotonic() - began, 3)
        return {**summary(folder, asked, before), "seconds": seconds}


def _write(settings: Settings, folder: ExportFolder, asked: Asked, report: Progress) -> None:
    if asked.as_of_ms is not None:
        _as_of(settings, folder, asked, report)
        return
    for topic in asked.topics:
        _History(settings, folder, topic, asked).run(report)


def summary(folder: ExportFolder, asked: Asked, before: Collection[str]) -> dict[str, Any]:
    """What the folder holds, by signal; `new` are records in other files than those of `before`."""
    records: Counter[str] = Counter()
    new: Counter[str] = Counter()
    deleted: Counter[str] = Counter()
    files: Counter[str] = Counter()
    for file in folder.files:
        records[file.topic] += file.records
        new[file.topic] += 0 if file.path in before else file.records
        deleted[file.topic] += file.deleted
        files[file.topic] += 1
    signals = {
        folder_name(topic): {
            "records": records[topic],
            "new": new[topic],
            "deleted": deleted[topic],
            "unreadable": folder.unreadable.get(topic, 0),
            "files": files[topic],
        }
        for topic in sorted({*records, *asked.topics})
    }
    return {"folder": str(folder.root), "as_of_ms": asked.as_of_ms, "signals": signals}


def compacted_since_ms(cluster: Cluster, now_ms: int) -> int | None:
    """The time before which the history of a compacted topic may have holes; None: of none."""
    lags = [
        int(config.get("min.compaction.lag.ms", 0))
        for config in cluster.configs.values()
        if "compact" in config.get("cleanup.policy", "")
    ]
    return now_ms - min(lags) if lags else None


class _History:
    """Every record of one topic, into part after part."""

    def __init__(self, settings: Settings, folder: ExportFolder, topic: str, asked: Asked) -> None:
        self._settings, self._folder = settings, folder
        self._topic, self._asked = topic, asked
        self._position: dict[str, int] = {}
        self._unreadable = 0

    def run(self, report: Progress) -> None:
        with closing(Feed(self._settings, [self._topic], self._start())) as feed:
            self._position.update(feed.starts)
            self._check(feed)
            self._folder.commit((), offsets=self._position, unreadable={})
            ends, read = feed.ends(self._asked.until_ms), 0
            total = sum(max(0, end - feed.starts[at]) for at, end in ends.items())
            while not feed.is_through(ends):
                read += self._part(feed, ends)
                report(folder_name(self._topic), min(read, total), total)

    def _part(self, feed: Feed, ends: dict[str, int]) -> int:
        """Write one part, and commit it; how many records were read."""
        read, heard = 0, time.monotonic()
        with DayWriter(self._folder, self._topic) as writer:
            while not feed.is_through(ends) and not self._is_full(writer, read):
                batch = feed.batch(_WAIT_S, min(BATCH, self._asked.file_records - read))
                passed = [it for it in batch if it.next_offset <= ends[it.place]]
                feed.pause(at for at, end in ends.items() if self._position.get(at, 0) >= end)
                self._write(writer, passed)
                read += len(passed)
                heard = time.monotonic() if passed else heard
                if time.monotonic() - heard > STALLED_S:
                    raise ServiceError(f"{self._topic} could not be read to the end")
            files = writer.finished()
        unreadable = {self._topic: self._unreadable}
        self._folder.commit(files, offsets=self._position, unreadable=unreadable)
        self._unreadable = 0
        return read

    def _write(self, writer: DayWriter, passed: Sequence[Passed]) -> None:
        records = [it.record for it in passed]
        self._unreadable += sum(isinstance(it, UnreadableRecord) for it in records)
        writer.write(it for it in records if isinstance(it, ReceivedSignal))
        self._position.update({it.place: it.next_offset for it in passed})

    def _is_full(self, writer: DayWriter, read: int) -> bool:
        return read >= self._asked.file_records or writer.bytes >= FILE_BYTES

    def _start(self) -> Start:
        offsets = self._folder.offsets
        own = {at: to for at, to in offsets.items() if parsed_place(at)[0] == self._topic}
        if own:
            return Start(position=own)
        if self._asked.since_ms is not None:
            return Start(since_ms=self._asked.since_ms)
        return Start(from_beginning=True)

    def _check(self, feed: Feed) -> None:
        ends = feed.ends()
        if any(start > ends[at] for at, start in feed.starts.items()):
            raise ConfigurationError(
                f"{self._topic} was made anew since it was exported to {self._folder.root}: "
                "name another folder"
            )


def _as_of(settings: Settings, folder: ExportFolder, asked: Asked, report: Progress) -> None:
    """What stood then, in place of what an earlier run has written of these topics."""
    scratch = folder.root / SCRATCH
    files: list[ExportedFile] = []
    with LatestTable(settings, asked.topics, scratch, as_of_ms=asked.as_of_ms) as table:
        table.update(report)
        for topic in asked.topics:
            with DayWriter(folder, topic) as writer:
                writer.write(table.in_time(topic))
                files += writer.finished()
        folder.commit(files, offsets={}, unreadable=table.unreadable, instead=asked.topics)
    for path in folder.root.glob(f"{SCRATCH}*"):
        path.unlink()
