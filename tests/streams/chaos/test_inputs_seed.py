"""What is mutated is good before: every recording can be decoded, and is the same each time."""

from pathlib import Path

import pytest

from earmark.processors.content import Audio, ContentEvent
from earmark.processors.decode import decode
from earmark.processors.error import ConfigurationError
from earmark.streams.chaos.inputs_seed import RECORDINGS, files, recordings


def test_a_recording_of_every_format_can_be_decoded_from_beginning_to_end() -> None:
    assert len(recordings()) == len({seed.name for seed in recordings()}) == len(RECORDINGS)
    for seed, kind in zip(recordings(), RECORDINGS, strict=True):
        event = ContentEvent(event_id="e", content_id="c", audio=Audio(data=seed.data))
        *_, last = decode(event)
        assert last.end is not None
        assert last.end.error is None, seed
        assert last.end.duration_ms == pytest.approx(1000 * kind.seconds, abs=80)


def test_recordings_are_the_same_each_time() -> None:
    first = recordings()
    recordings.cache_clear()
    assert recordings() == first


def test_files_come_in_the_order_of_their_paths_and_too_large_ones_not_at_all(
    tmp_path: Path,
) -> None:
    (tmp_path / "deeper").mkdir()
    for name, size in (("z", 1), ("deeper/a", 2), ("large", 1_000_001)):
        (tmp_path / name).write_bytes(bytes(size))
    assert [(seed.name, len(seed.data)) for seed in files([tmp_path])] == [
        ("deeper/a", 2),
        ("z", 1),
    ]


def test_a_folder_without_files_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no file"):
        files([tmp_path])
