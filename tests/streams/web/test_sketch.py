"""The drawing of a recording stays small and right, however long it is and however it comes."""

import numpy as np
import pytest

from earmark.processors.block import SAMPLE_RATE_HZ
from earmark.streams.web.png import png
from earmark.streams.web.sketch import BANDS, COLUMNS, Sketch, Sketching


def drawn(samples_T: np.ndarray, block: int = 50_000) -> Sketch:  # type: ignore[type-arg]
    sketching = Sketching()
    for at in range(0, len(samples_T), block):
        sketching.add(samples_T[at : at + block].astype(np.float32))
    return sketching.finish()


def tone(hz: float, seconds: float) -> np.ndarray:  # type: ignore[type-arg]
    return 0.5 * np.sin(np.arange(int(seconds * SAMPLE_RATE_HZ)) * 2 * np.pi * hz / SAMPLE_RATE_HZ)


def test_a_click_is_seen_however_long_the_recording_is() -> None:
    samples_T = np.zeros(400 * SAMPLE_RATE_HZ)
    samples_T[300 * SAMPLE_RATE_HZ] = -0.75
    sketch = drawn(samples_T)
    assert len(sketch.low_N) <= 2 * COLUMNS
    low, high = sketch.waveform(400)
    assert (low.index(min(low)), min(low), max(high)) == (300, -0.75, 0)
    assert sketch.seconds == 400


def test_blocks_do_not_change_the_drawing() -> None:
    samples_T = np.random.default_rng(1).uniform(-1, 1, 200_000)
    one, other = drawn(samples_T, 200_000), drawn(samples_T, 777)
    assert (one.low_N == other.low_N).all()
    assert np.abs(one.mel_NM.astype(int) - other.mel_NM).max() <= 1


@pytest.mark.parametrize(("hz", "place"), [(200, 0.1), (1_000, 0.35), (6_000, 0.89)])
def test_a_tone_is_one_bright_line_where_its_pitch_is(hz: float, place: float) -> None:
    sketch = drawn(tone(hz, 2))
    assert int(sketch.mel_NM[50].argmax()) / BANDS == pytest.approx(place, abs=0.03)
    picture = sketch.picture(300, 96)
    assert picture.shape == (96, 300)
    assert 1 - picture[:, 150].argmax() / 96 == pytest.approx(place, abs=0.04)
    assert sketch.level()[0][1] == pytest.approx(-9, abs=0.2)


def test_nothing_is_drawn_as_nothing() -> None:
    sketch = drawn(np.zeros(0))
    assert (sketch.waveform(10), sketch.level()) == (([], []), [])
    assert not sketch.picture(20, 10).any()


def test_a_picture_is_read_back_by_others(tmp_path: object) -> None:
    import io

    import av

    values = np.array([[0, 255], [128, 64]], np.uint8).repeat(8, 0).repeat(8, 1)
    with av.open(io.BytesIO(png(values))) as container:
        frame = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert frame.shape == (16, 16, 3)
    assert frame[0, 15].sum() > frame[15, 0].sum() > frame[0, 0].sum()
