"""The sample content: recordings and texts, good and bad, as content events of one run."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from shutil import copyfile
from typing import cast

import av
import numpy as np

from earmark.processors.content import ContentEvent, ContentType, Text
from earmark.streams.content_files import events_from
from earmark.streams.synthesiser import RATE_HZ, Stereo, tune

SAMPLES = Path(__file__).parent / "samples"
OPUS_RATE_HZ = 48_000  # the one rate at which Opus always decodes
UNDECODABLE = b"This is not Avro, and no event can be read from it.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The events of one run, one record that is no event, and what becomes of the bad ones."""

    events: tuple[ContentEvent, ...]
    undecodable: bytes
    rejections: int
    dead_letters: int


def write_sample(folder: Path, run_id: str) -> Sample:
    """Write the recordings to `folder` and make the events; every `content_id` is `<run_id>/...`.

    Recordings that do not travel inline are read from `folder`, which the worker must be allowed
    to read (`media.roots`). One recording is broken: it and the undecodable record give one
    rejection and one dead letter each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    recordings = [_speech(folder), _music(folder), _clipped(folder), _silent(folder)]
    events = [*recordings, _broken(folder), *events_from([SAMPLES / "texts.jsonl"])]
    return Sample(
        events=tuple(_of_run(event, run_id) for event in events),
        undecodable=UNDECODABLE,
        rejections=2,
        dead_letters=2,
    )


def _speech(folder: Path) -> ContentEvent:
    path = Path(copyfile(SAMPLES / "jfk.wav", folder / "speech.wav"))
    return _recording(
        path,
        ContentType.CLIP,
        title="Ask not",
        description="From the inaugural address of John F. Kennedy, 20 January 1961.",
    )


def _music(folder: Path) -> ContentEvent:
    path = encoded(folder / "music.mp3", tune(), codec="libmp3lame")
    return _recording(path, ContentType.TRACK, title="Paper Boats", description="An instrumental.")


def _clipped(folder: Path) -> ContentEvent:
    loud_CT = np.clip(tune(seed=2, seconds=8.0) * 8, -1, 1)
    path = encoded(folder / "clipped.flac", loud_CT, codec="flac")
    return _recording(path, ContentType.TRACK, title="Too Loud", description="Eight times over.")


def _silent(folder: Path) -> ContentEvent:
    still_CT = np.zeros((2, 5 * OPUS_RATE_HZ), np.float32)
    path = encoded(folder / "silent.opus", still_CT, codec="libopus", rate_hz=OPUS_RATE_HZ)
    return _recording(path, ContentType.TRACK, title="Rest", description="Five seconds of nothing.")


def _broken(folder: Path) -> ContentEvent:
    path = encoded(folder / "broken.mp3", tune(seed=3, seconds=6.0), codec="libmp3lame")
    path.write_bytes(_damaged(path.read_bytes()))
    return _recording(path, ContentType.TRACK, title="Broken", description="Damaged on the way.")


def _damaged(data: bytes) -> bytes:
    """The first third of a file as it is, then a third of noise, and no more."""
    third = len(data) // 3
    return data[:third] + np.random.default_rng(4).bytes(third)


def encoded(path: Path, samples_CT: Stereo, *, codec: str, rate_hz: int = RATE_HZ) -> Path:
    """Write stereo samples in [-1, 1] to `path`, in the container that its suffix names."""
    with av.open(path, "w") as container:
        stream = cast("av.AudioStream", container.add_stream(codec, rate=rate_hz))
        stream.layout = "stereo"
        resampler = av.AudioResampler(stream.format, stream.layout, rate_hz)
        for frame in resampler.resample(_frame(samples_CT, rate_hz)) + resampler.resample(None):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _frame(samples_CT: Stereo, rate_hz: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples_CT.astype(np.float32), "fltp", "stereo")
    frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
    return frame


def _recording(
    path: Path, content_type: ContentType, *, title: str, description: str
) -> ContentEvent:
    """The event of the file at `path`, with English texts beside the recording."""
    (event,) = events_from([path], content_type=content_type, language="en")
    texts = {"title": title, "description": description}
    return replace(
        event,
        texts=tuple(Text(field=name, text=text, language="en") for name, text in texts.items()),
    )


def _of_run(event: ContentEvent, run_id: str) -> ContentEvent:
    return replace(event, content_id=f"{run_id}/{event.content_id}", source="earmark-sample")
