"""Recordings as files, put together from parts that are coded once."""

from pathlib import Path

import numpy as np
import pytest

from earmark.processors.content import Audio, ContentEvent
from earmark.processors.decode import decode
from earmark.streams.bench.coded_file import Form, adts, m4a, mp3, opus, write
from earmark.streams.synthesiser import RATE_HZ, tune

FORMS = (mp3(128_000), m4a(128_000), adts(128_000), opus(64_000), opus(64_000, webm=True))


def decoded(path: Path, form: Form) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    audio = Audio(uri=path.as_uri(), media_type=form.media_type)
    blocks = list(decode(ContentEvent(event_id="a", content_id="a", audio=audio), path))
    assert blocks[-1].end is not None
    assert blocks[-1].end.error is None
    return np.concatenate([block.samples_T for block in blocks])


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.encoder}-{form.muxer}")
def test_a_file_lasts_as_long_as_asked_also_beyond_its_parts(form: Form, tmp_path: Path) -> None:
    path = tmp_path / f"a{form.suffix}"
    seconds = write(path, form, [tune(seconds=1.5), tune(seed=2, seconds=1.5)], [1, 0, 1], 7.3)
    assert seconds == pytest.approx(7.3, abs=0.03)
    assert len(decoded(path, form)) / 16_000 == pytest.approx(seconds, abs=0.1)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.encoder}-{form.muxer}")
def test_the_same_parts_give_the_same_bytes(form: Form, tmp_path: Path) -> None:
    first, second = (tmp_path / f"{name}{form.suffix}" for name in "ab")
    for path in (first, second):
        write(path, form, [tune(seconds=1.0)], [0], 2)
    assert first.read_bytes() == second.read_bytes()


def test_parts_come_in_their_order(tmp_path: Path) -> None:
    loud_CT = np.full((1, RATE_HZ), 0.5, np.float32) * np.sin(np.arange(RATE_HZ) / 10)
    path = tmp_path / "a.mp3"
    parts = [np.zeros((1, RATE_HZ), np.float32), loud_CT.astype(np.float32)]
    write(path, FORMS[0], parts, [0, 1, 0, 1], 4)
    levels = [np.sqrt(np.mean(part**2)) for part in np.split(decoded(path, FORMS[0])[:64_000], 4)]
    assert max(levels[0], levels[2]) < 0.15 < min(levels[1], levels[3])
