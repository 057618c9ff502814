"""What `audio.fingerprint` finds in copies of a recording, and when it would rather say nothing."""

import io
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.models.alignment import Alignment, aligned
from earmark.models.fingerprint import MOST_LANDMARKS, Fingerprint
from earmark.processors.block import Samples
from earmark.processors.codec import RECORD_BYTES
from earmark.processors.content import Audio, ContentEvent
from earmark.processors.decode import decode
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.signal import AudioFormat, Container
from earmark.processors.signals.audio_fingerprint import audio_fingerprint
from earmark.streams.synthesiser import RATE_HZ, tune

EVALUATION = Path(__file__).parents[4] / "shared" / "evaldata"
VOICE = Path(__file__).parents[3] / "streams" / "samples" / "jfk.wav"
FACTS = Container(
    container="wav",
    codec="pcm_s16le",
    media_type="audio/vnd.wave",
    channels=1,
    sample_rate_hz=16_000,
    bit_rate_bps=None,
    declared_duration_ms=None,
    decoded_duration_ms=0,
    decode_errors=0,
    truncated=False,
)


def measured(samples_CT: Samples, rate: int, cuts: tuple[int, ...] = ()) -> Result:
    """The reading for the samples, given in pieces that end at `cuts`."""
    meter = audio_fingerprint.make(AudioFormat(sample_rate_hz=rate, channels=len(samples_CT)))
    for piece_CT in np.split(samples_CT.astype(np.float32), sorted(cuts), axis=1):
        meter.update(piece_CT)
    result: Result = meter.finish(FACTS)
    return result


def landmarks(result: Result) -> Fingerprint:
    assert result.outcome == OutcomeKind.OK, result.reason
    return Fingerprint.unpacked(result.fields["hashes"], share=result.fields["kept_share"])


@cache
def voice() -> Samples:
    """A real recording, [1, T] at 16 kHz."""
    return (np.frombuffer(VOICE.read_bytes()[-352_000:], "<i2") / np.float32(32768))[None]


@cache
def music() -> Samples:
    """A tune, [2, T] at 44.1 kHz."""
    return tune(seed=11, seconds=15)


def encoded(samples_CT: Samples, rate: int, codec: str, container: str, bit_rate: int) -> bytes:
    """The samples as a file of that codec, mono."""
    file = io.BytesIO()
    mono_CT = np.ascontiguousarray(samples_CT.mean(axis=0, keepdims=True), np.float32)
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(mono_CT, format="fltp", layout="mono")
        frame.sample_rate = rate
        form = stream.codec_context.format.name
        size = stream.codec_context.frame_size or 1024
        regroup = av.AudioResampler(format=form, layout="mono", rate=rate, frame_size=size)
        for piece in (*regroup.resample(frame), *regroup.resample(None)):
            piece.pts = None
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return file.getvalue()


def heard(media: bytes | Path) -> Result:
    """The reading for a file, the whole way through the decoder."""
    event = ContentEvent(event_id="e", content_id="c", audio=Audio(uri="x"))
    *_, last = decode(event, media, meters={"audio.fingerprint": audio_fingerprint.make})
    assert last.end is not None
    return last.end.readings["audio.fingerprint"]


def found(copy: Result, of: Samples, rate: int) -> Alignment | None:
    return aligned(landmarks(copy), landmarks(measured(of, rate)))


@pytest.mark.parametrize(
    ("codec", "container", "bit_rate"),
    [("libmp3lame", "mp3", 64_000), ("aac", "adts", 64_000)],
)
def test_a_copy_at_64_kbit_a_quarter_as_loud_and_5_seconds_late_is_found(
    codec: str, container: str, bit_rate: int
) -> None:
    quiet_CT = music()[:, 5 * RATE_HZ :] * 0.25
    copy = heard(encoded(quiet_CT, RATE_HZ, codec, container, bit_rate))
    match = found(copy, music(), RATE_HZ)
    assert match is not None
    assert match.score > 0.2
    assert match.offset_ms == pytest.approx(5_000, abs=100)  # encoders put a little in front


def test_a_voice_at_12_kbit_of_opus_is_found() -> None:
    up_CT = soxr.resample(voice()[0], 16_000, 48_000)[None]
    match = found(heard(encoded(up_CT, 48_000, "libopus", "ogg", 12_000)), voice(), 16_000)
    assert match is not None


def test_five_seconds_out_of_the_middle_are_found() -> None:
    excerpt_CT = music()[:, 6 * RATE_HZ + 1_234 : 11 * RATE_HZ + 1_234]
    match = found(measured(excerpt_CT, RATE_HZ), music(), RATE_HZ)
    assert match is not None
    assert match.offset_ms == pytest.approx(6_028, abs=32)


def test_what_a_telephone_leaves_of_it_is_found() -> None:
    spectrum = np.fft.rfft(soxr.resample(voice()[0], 16_000, 8_000))
    hertz = np.linspace(0, 4_000, len(spectrum))
    spectrum[(hertz < 300) | (hertz > 3_400)] = 0
    narrow_CT = np.fft.irfft(spectrum)[None].astype(np.float32)
    assert found(measured(narrow_CT, 8_000), voice(), 16_000) is not None


def test_another_recording_is_not_found() -> None:
    assert found(measured(music(), RATE_HZ), voice(), 16_000) is None


@pytest.mark.skipif(not EVALUATION.is_dir(), reason="the labelled sets are not here")
def test_recordings_of_different_things_share_nothing() -> None:
    files = [
        *(EVALUATION / "noise_effects/files").glob("*"),
        *(EVALUATION / "speech_en/files").glob("*"),
    ]
    files += [it for it in (EVALUATION / "music/files").glob("*") if not it.name.startswith("gm-")]
    readings = {
        file.name: heard(file) for file in files if file.suffix in {".ogg", ".wav", ".flac"}
    }
    prints = {n: landmarks(it) for n, it in readings.items() if it.outcome == OutcomeKind.OK}
    assert len(prints) > 30
    assert [(a, b) for a in prints for b in prints if a < b and aligned(prints[a], prints[b])] == []


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 176_000), max_size=10))
def test_block_size_does_not_change_outcomes(cuts: list[int]) -> None:
    assert measured(voice(), 16_000, tuple(cuts)) == measured(voice(), 16_000)


@settings(max_examples=5, deadline=None)
@given(st.lists(st.integers(0, 15 * RATE_HZ), max_size=200))
def test_nor_does_it_where_the_rate_is_another(cuts: list[int]) -> None:
    assert measured(music(), RATE_HZ, tuple(cuts)) == measured(music(), RATE_HZ)


@settings(max_examples=10, deadline=None)
@given(st.floats(-24, 6))
def test_gain_does_not_hide_it(gain_db: float) -> None:
    copy = measured(voice() * np.float32(10 ** (gain_db / 20)), 16_000)
    match = found(copy, voice(), 16_000)
    assert match is not None
    assert match.score > 0.9


def test_the_digest_is_that_of_the_samples() -> None:
    same, other = measured(voice(), 16_000, (5, 70)), measured(voice() * np.float32(0.5), 16_000)
    assert same.fields["pcm_digest"] == heard(VOICE).fields["pcm_digest"]
    assert same.fields["pcm_digest"] != other.fields["pcm_digest"]


def test_the_fields_say_how_much_there_is() -> None:
    fields = heard(VOICE).fields
    assert fields["count"] * 8 == len(fields["hashes"])
    assert fields["duration_ms"] == 11_000
    assert 8_000 <= fields["covered_ms"] <= 11_000


def test_hours_fit_into_a_record() -> None:
    whole = Fingerprint(
        hashes_H=np.zeros(MOST_LANDMARKS, np.uint32), times_H=np.zeros(MOST_LANDMARKS, np.uint32)
    )
    assert len(whole.packed()) + 10_000 < RECORD_BYTES


@pytest.mark.parametrize(
    ("samples_CT", "reason"),
    [
        (np.zeros((1, 160_000)), "SILENT"),
        (np.random.default_rng(1).standard_normal((1, 160_000)) / 65_536, "SILENT"),  # dither
        (voice()[:, :24_000], "TOO_SHORT"),
        (np.zeros((1, 0)), "TOO_SHORT"),
        (np.sin(np.arange(160_000) * 0.3)[None], "FEATURELESS"),
    ],
)
def test_where_there_is_nothing_to_go_by_it_abstains(samples_CT: Samples, reason: str) -> None:
    result = measured(samples_CT, 16_000)
    assert (result.outcome, result.reason) == (OutcomeKind.ABSTAINED, reason)
    assert "hashes" not in result.fields
