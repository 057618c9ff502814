"""Files of many days."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from earmark.streams.export import writer
from earmark.streams.export.folder import ExportFolder, unfinished
from earmark.streams.export.writer import DayWriter
from earmark.streams.subscription.received import ReceivedSignal
from earmark.streams.testing.record import record

TOPIC = "signals.text.safety.v1"
DAY_MS = 86_400_000


def signal(number: int, day: int) -> ReceivedSignal:
    return ReceivedSignal(
        name="text.safety",
        topic=TOPIC,
        key=str(number),
        record=record("text.safety"),
        partition=0,
        offset=number,
        timestamp=day * DAY_MS,
    )


def test_of_many_days_few_files_are_open_and_no_record_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "OPEN_FILES", 3)
    days = [0, 1, 2, 3, 4, 0, 5, 6, 7, 1]
    arguments = {"from": None, "as_of_ms": None}
    with ExportFolder(tmp_path, arguments, "cluster") as folder, DayWriter(folder, TOPIC) as part:
        part.write(signal(number, day) for number, day in enumerate(days))
        files = part.finished()
    assert len({file.path for file in files}) == len(files)
    found = [
        row
        for file in files
        for row in pq.read_table(unfinished(tmp_path / file.path))["kafka_key"].to_pylist()
    ]
    assert sorted(found, key=int) == [str(number) for number in range(len(days))]
    assert sum(file.records for file in files) == len(days)
