"""The sample content: what is in it, and that the bad parts of it are bad in the way meant."""

import hashlib
from pathlib import Path

import av
import numpy as np
import pytest

from earmark.processors.codec import decode_event
from earmark.processors.content import ContentEvent, text_errors, validated
from earmark.processors.decode import decode
from earmark.processors.error import ContentError
from earmark.streams.fetch import Fetcher
from earmark.streams.producer import encoded as record_of
from earmark.streams.sample_content import SAMPLES, Sample, write_sample
from earmark.streams.settings import MediaSettings


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sample")


@pytest.fixture(scope="module")
def sample(folder: Path) -> Sample:
    return write_sample(folder, "run7")


def named(sample: Sample, name: str) -> ContentEvent:
    return next(event for event in sample.events if event.content_id == f"run7/{name}")


def test_every_event_is_sound_and_of_this_run(sample: Sample) -> None:
    for event in sample.events:
        assert text_errors(validated(event)) == {}
        assert event.content_id.startswith("run7/")
        assert record_of(event, 1)
    ids = [event.content_id for event in sample.events]
    assert len(set(ids)) == len(ids)


def test_one_recording_is_broken_and_the_others_are_whole(sample: Sample, folder: Path) -> None:
    fetcher = Fetcher(MediaSettings(roots=(folder,)))
    rejected = {}
    for event in (event for event in sample.events if event.audio is not None):
        assert event.audio is not None
        with fetcher.fetch(event.audio) as media:
            *_, last = decode(event, media.content)
        assert last.end is not None
        if last.end.error is not None:
            rejected[event.content_id] = last.end.error.rejection_class
    fetcher.close()
    assert rejected == {"run7/broken": "MEDIA_CORRUPT"}
    assert sample.rejections == len(rejected) + 1


def test_one_record_is_no_event(sample: Sample) -> None:
    with pytest.raises(ContentError, match="does not begin"):
        decode_event(sample.undecodable)


def test_the_clipped_recording_is_clipped_and_the_silent_one_is_silent(
    sample: Sample, folder: Path
) -> None:
    assert named(sample, "silent").audio
    clipped_CT = samples_of(folder / "clipped.flac")
    assert np.mean(np.abs(clipped_CT) > 0.999) > 0.2
    assert not samples_of(folder / "silent.opus").any()


def test_texts_are_in_many_languages(sample: Sample) -> None:
    texts = [event for event in sample.events if event.audio is None]
    declared = {event.language for event in texts} - {None}
    assert {"en", "es", "ja"} <= declared
    assert len(texts) >= 12


def test_every_shipped_file_has_its_source_written_down() -> None:
    sources = (SAMPLES / "SOURCES.md").read_text()
    for file in SAMPLES.iterdir():
        assert file.name == "SOURCES.md" or f"`{file.name}`" in sources
    assert hashlib.sha256((SAMPLES / "jfk.wav").read_bytes()).hexdigest() in sources


def samples_of(path: Path) -> np.ndarray:
    with av.open(path) as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    samples = np.concatenate(frames, axis=1)
    return samples / np.iinfo(samples.dtype).max if samples.dtype.kind == "i" else samples
