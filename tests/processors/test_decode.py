"""Decoding, on media that the tests encode themselves, whole and damaged, and on one real voice."""

import hashlib
import io
import struct
from functools import cache
from math import pi
from pathlib import Path
from random import Random

import av
import numpy as np
import psutil
import pytest

from earmark.processors.block import BLOCK_SAMPLES, SAMPLE_RATE_HZ, End, Samples
from earmark.processors.content import INLINE_AUDIO_BYTES, Audio, ContentEvent, Text
from earmark.processors.decode import decode
from earmark.processors.error import RejectionClass
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.signal import AudioFormat, Container
from earmark.processors.signals.audio_integrity import audio_integrity
from earmark.processors.signals.audio_loudness import audio_loudness

VOICE = Path(__file__).parents[2] / "streams" / "samples" / "jfk.wav"
METERS = {spec.name: spec.make for spec in (audio_integrity, audio_loudness)}
CODECS = {
    "mp3": ("libmp3lame", 44_100),
    "ogg": ("libopus", 48_000),
    "flac": ("flac", 44_100),
    "mp4": ("aac", 44_100),
    "wav": ("pcm_s16le", 44_100),
    "aiff": ("pcm_s16be", 22_050),
    "matroska": ("libopus", 48_000),
}


def tone(seconds: float, rate: int, *, channels: int = 2, hz: float = 440) -> Samples:
    """A sine of amplitude 0.5, [C, T]."""
    wave_T = 0.5 * np.sin(2 * pi * hz * np.arange(int(seconds * rate)) / rate)
    return np.tile(wave_T.astype(np.float32), (channels, 1))


def encoded(samples_CT: Samples, container: str, codec: str, rate: int, layout: str = "") -> bytes:
    """The samples as a media file."""
    layout = layout or ("mono" if len(samples_CT) == 1 else "stereo")
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(samples_CT, format="fltp", layout=layout)
        frame.sample_rate = rate
        shaped = av.AudioResampler(
            format=stream.codec_context.format,
            layout=layout,
            rate=rate,
            frame_size=stream.codec_context.frame_size or 1024,
        )
        for part in (*shaped.resample(frame), *shaped.resample(None)):
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return out.getvalue()


@cache
def media(container: str, seconds: float = 8) -> bytes:
    """A tone in that container."""
    codec, rate = CODECS[container]
    return encoded(tone(seconds, rate), container, codec, rate)


def picture(container: str, codec: str) -> bytes:
    """A still image, or a film without sound."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=25, width=64, height=64)
        stream.pix_fmt = "rgb24" if codec == "png" else "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        file.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
        file.mux(stream.encode(None))
    return out.getvalue()


def event(**audio: object) -> ContentEvent:
    """An event with audio."""
    given = audio or {"uri": "https://example.org/a"}
    return ContentEvent(event_id="e", content_id="c", audio=Audio(**given))


def heard(content: bytes | Path, **options: object) -> tuple[Samples, End]:
    """All samples and the end of one recording; checks what holds for all blocks."""
    blocks = list(decode(event(), content, **options))
    assert [block.end is not None for block in blocks] == [False] * (len(blocks) - 1) + [True]
    assert all(len(block.samples_T) <= BLOCK_SAMPLES for block in blocks)
    assert blocks[-1].end is not None
    return np.concatenate([block.samples_T for block in blocks]), blocks[-1].end


def rejection(content: bytes | Path, **options: object) -> RejectionClass | None:
    """Why the recording is refused, None where it is not."""
    error = heard(content, **options)[1].error
    assert error is None or error.part == "audio"
    return error and error.rejection_class


def strongest_hz(samples_T: Samples) -> float:
    """Where most of the energy lies."""
    spectrum_F = np.abs(np.fft.rfft(samples_T))
    return float(np.argmax(spectrum_F) * SAMPLE_RATE_HZ / len(samples_T))


@pytest.mark.parametrize("container", CODECS)
def test_every_container_gives_the_tone_at_16_khz(container: str) -> None:
    samples_T, end = heard(media(container))
    assert end.error is None
    assert end.duration_ms == pytest.approx(8000, abs=60)
    assert len(samples_T) == pytest.approx(8 * SAMPLE_RATE_HZ, abs=1000)
    assert samples_T.dtype == np.float32
    assert strongest_hz(samples_T) == pytest.approx(440, abs=1)
    assert np.abs(samples_T[2000:-2000]).max() == pytest.approx(0.5, abs=0.03)


def test_a_real_recording_passes_unchanged_at_16_khz() -> None:
    samples_T, end = heard(VOICE)
    raw = np.frombuffer(VOICE.read_bytes()[-2 * 176_000 :], "<i2") / np.float32(32768)
    assert end.duration_ms == 11_000
    assert np.array_equal(samples_T, raw)


def test_long_recordings_come_in_blocks_of_ten_seconds() -> None:
    lengths = [len(block.samples_T) for block in decode(event(), media("wav", 25))]
    assert lengths == [BLOCK_SAMPLES, BLOCK_SAMPLES, 5 * SAMPLE_RATE_HZ, 0]


def test_an_event_without_audio_gives_one_empty_block() -> None:
    silent = ContentEvent(event_id="e", content_id="c", texts=(Text(field="title", text="x"),))
    (block,) = decode(silent, meters=METERS)
    assert len(block.samples_T) == 0
    assert block.end == End()


def test_inline_audio_needs_no_media() -> None:
    content = media("ogg", 2)
    assert len(content) < INLINE_AUDIO_BYTES
    *_, last = decode(event(data=content))
    assert last.end is not None
    assert (last.end.error, last.end.audio_sha256) == (None, hashlib.sha256(content).hexdigest())


def test_a_file_and_its_bytes_decode_alike(tmp_path: Path) -> None:
    file = tmp_path / "track.txt"  # its name is not looked at
    file.write_bytes(media("mp3"))
    from_file, from_bytes = heard(file, meters=METERS), heard(media("mp3"), meters=METERS)
    assert np.array_equal(from_file[0], from_bytes[0])
    assert from_file[1] == from_bytes[1]


def test_the_voice_is_not_lost_among_six_channels() -> None:
    surround = np.zeros((6, 44_100), np.float32)
    surround[2] = tone(1, 44_100, channels=1)  # the centre
    surround[3] = 0.9 * tone(1, 44_100, channels=1, hz=40)  # low-frequency effects stay out
    samples_T, end = heard(encoded(surround, "flac", "flac", 44_100, "5.1"))
    assert end.error is None
    assert strongest_hz(samples_T) == pytest.approx(440, abs=1)
    assert np.abs(samples_T[2000:-2000]).max() == pytest.approx(0.5 / 5, abs=0.002)


def wave(channels: int, rate: int, seconds: float = 1) -> bytes:
    """A tone as a wav without a channel mask, written by hand."""
    steps = (tone(seconds, rate, channels=channels).T * 32767).astype("<i2")
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form
    body += b"data" + struct.pack("<I", steps.nbytes) + steps.tobytes()
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("channels", [1, 3, 7, 8, 9, 24, 64])
def test_any_number_of_channels_is_heard(channels: int) -> None:
    samples_T, end = heard(wave(channels, 8_000), meters=METERS)
    assert end.error is None
    assert end.readings["audio.integrity"].fields["channels"] == channels
    assert strongest_hz(samples_T) == pytest.approx(440, abs=1)


@pytest.mark.parametrize(("channels", "rate"), [(1, 900), (200, 8_000), (64, 400_000)])
def test_formats_that_no_recording_has_are_corrupt(channels: int, rate: int) -> None:
    assert rejection(wave(channels, rate, 0.1)) == RejectionClass.MEDIA_CORRUPT


def test_another_rate_further_on_is_converted_to_the_first() -> None:
    pasted = media("mp3", 3) + encoded(tone(3, 22_050, channels=1), "mp3", "libmp3lame", 22_050)
    samples_T, end = heard(pasted, meters=METERS)
    assert end.error is None
    assert end.duration_ms == pytest.approx(6000, abs=200)
    assert strongest_hz(samples_T[4 * SAMPLE_RATE_HZ : 5 * SAMPLE_RATE_HZ]) == pytest.approx(
        440, abs=1
    )


# -- media that cannot be used


def test_no_bytes_are_empty() -> None:
    assert rejection(b"") == RejectionClass.MEDIA_EMPTY


def test_no_samples_are_empty() -> None:
    content = media("wav")
    head = content[: content.index(b"data") + 4] + bytes(4)
    head = head[:4] + struct.pack("<I", len(head) - 8) + head[8:]
    assert rejection(head) == RejectionClass.MEDIA_EMPTY


def test_media_that_was_not_fetched_is_unreachable() -> None:
    *_, last = decode(event(uri="https://example.org/a"))
    assert last.end is not None
    assert last.end.error is not None
    assert last.end.error.rejection_class == RejectionClass.MEDIA_UNREACHABLE


@pytest.mark.parametrize(
    "stated", [{"sha256": "0" * 64}, {"size_bytes": 5}], ids=["digest", "size"]
)
def test_other_bytes_than_the_event_states_are_not_decoded(stated: dict[str, object]) -> None:
    blocks = list(decode(event(uri="x", **stated), VOICE, meters=METERS))
    assert len(blocks) == 1
    assert blocks[0].end is not None
    assert blocks[0].end.error is not None
    assert blocks[0].end.error.rejection_class == RejectionClass.MEDIA_HASH_MISMATCH
    assert blocks[0].end.audio_sha256 == hashlib.sha256(VOICE.read_bytes()).hexdigest()


def test_the_bytes_that_the_event_states_are_decoded() -> None:
    content = VOICE.read_bytes()
    stated = event(
        uri="x", sha256=hashlib.sha256(content).hexdigest().upper(), size_bytes=len(content)
    )
    *_, last = decode(stated, content)
    assert last.end is not None
    assert last.end.error is None


PROSE = b"It was the best of times, it was the worst of times. " * 2000


@pytest.mark.parametrize(
    "content",
    [
        PROSE,
        b"ID3\x03\x00\x00\x00\x00\x00\x00" + PROSE,
        b"\xff\xfb\x90\x00" + PROSE,
        Random(1).randbytes(300_000),
        b"<!DOCTYPE html><title>404</title>" * 50,
    ],
    ids=["prose", "prose with a tag", "prose after a sync word", "noise", "error page"],
)
def test_what_is_no_media_never_becomes_audio(content: bytes, tmp_path: Path) -> None:
    renamed = tmp_path / "song.mp3"
    renamed.write_bytes(content)
    assert rejection(renamed) == RejectionClass.MEDIA_UNRECOGNISED


@pytest.mark.parametrize(
    "playlist",
    [
        "ffconcat version 1.0\nfile '{path}'\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:60\n#EXTINF:60,\n{path}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:60\n#EXTINF:60,\nfile://{path}\n#EXT-X-ENDLIST\n",
        '<?xml version="1.0"?><MPD type="static"><BaseURL>{path}</BaseURL></MPD>',
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    ],
    ids=["concat", "hls", "hls with file uri", "dash", "sdp"],
)
def test_media_cannot_make_the_decoder_open_anything_else(playlist: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(VOICE.read_bytes())
    attack = tmp_path / "attack"
    attack.write_text(playlist.format(path=secret))
    samples_T, end = heard(attack)
    assert len(samples_T) == 0
    assert end.error is not None
    assert end.error.rejection_class == RejectionClass.MEDIA_UNRECOGNISED


@pytest.mark.parametrize(("container", "codec"), [("image2pipe", "png"), ("mp4", "mpeg4")])
def test_pictures_have_no_audio(container: str, codec: str) -> None:
    assert rejection(picture(container, codec)) == RejectionClass.MEDIA_NO_AUDIO


@pytest.mark.parametrize("container", ["mp3", "flac", "wav", "aiff", "matroska"])
def test_half_a_file_is_truncated(container: str) -> None:
    content = media(container)
    _, end = heard(content[: len(content) // 2], meters=METERS)
    assert end.error is not None
    assert end.error.rejection_class == RejectionClass.MEDIA_TRUNCATED
    assert end.readings["audio.integrity"].fields["truncated"] is True
    assert end.readings["audio.integrity"].fields["declared_duration_ms"] == pytest.approx(
        8000, abs=60
    )
    assert end.readings["audio.loudness"] == Result.error("MEDIA_TRUNCATED")


def test_an_mp4_whose_index_was_cut_off_is_corrupt() -> None:
    content = media("mp4")
    assert rejection(content[: len(content) // 2]) == RejectionClass.MEDIA_CORRUPT


def test_sizes_written_before_the_end_was_known_are_no_declaration() -> None:
    content = bytearray(media("wav"))
    content[4:8] = struct.pack("<I", 0xFFFFFFFF)
    data = content.index(b"data")
    content[data + 4 : data + 8] = struct.pack("<I", 0xFFFFFFFF)
    assert rejection(bytes(content)) is None


def test_pasted_mp3s_are_longer_than_the_first_declares_and_fine() -> None:
    assert rejection(media("mp3") * 3) is None


def damaged(content: bytes, share: float, seed: int = 1) -> bytes:
    """The content with a share of its bytes after the head made noise, in spots of 20."""
    random, copy = Random(seed), bytearray(content)
    for _ in range(max(1, int(share * len(content) / 20))):
        at = random.randrange(len(content) // 20, len(content) - 20)
        copy[at : at + 20] = random.randbytes(20)
    return bytes(copy)


@pytest.mark.parametrize("container", ["flac", "ogg", "wav"])
def test_a_broken_head_of_a_known_container_is_corrupt(container: str) -> None:
    content = media(container)
    assert rejection(content[:4] + bytes(len(content) - 4)) == RejectionClass.MEDIA_CORRUPT


def test_heavy_damage_is_corrupt_and_still_described() -> None:
    flac = media("flac")
    _, end = heard(damaged(flac, 0.02), meters=METERS)
    assert end.error is not None
    assert end.error.rejection_class == RejectionClass.MEDIA_CORRUPT
    assert end.readings["audio.integrity"].outcome == OutcomeKind.OK
    assert end.readings["audio.integrity"].fields["decode_errors"] > 1
    assert end.readings["audio.loudness"] == Result.error("MEDIA_CORRUPT")


def test_a_few_bad_packets_are_counted_and_tolerated() -> None:
    mp4 = bytearray(media("mp4", 25))
    for at in (60_000, 90_000):
        mp4[at] ^= 255
    _, end = heard(bytes(mp4), meters=METERS)
    assert end.error is None
    assert 1 <= end.readings["audio.integrity"].fields["decode_errors"] <= 4


def test_samples_that_are_not_numbers_never_come_out() -> None:
    broken = tone(8, 44_100)
    broken[:, ::1000] = np.nan
    samples_T, end = heard(encoded(broken, "wav", "pcm_f32le", 44_100), meters=METERS)
    assert np.isfinite(samples_T).all()
    assert end.error is not None
    assert end.error.rejection_class == RejectionClass.MEDIA_CORRUPT


def test_a_length_beyond_any_file_does_the_same_to_a_file_as_to_bytes(tmp_path: Path) -> None:
    content = encoded(tone(1, 16_000), "w64", "pcm_s16le", 16_000)
    head = 16 + 8 + 16  # id, size, kind
    content = content[:head] + b"some other chunk" + struct.pack("<Q", 2**62) + content[head:]
    file = tmp_path / "far"
    file.write_bytes(content)
    assert rejection(file) == rejection(content) == RejectionClass.MEDIA_CORRUPT


def test_streams_that_appear_on_the_way_do_no_harm() -> None:
    content = encoded(tone(10, 44_100), "mpeg", "mp2", 44_100)
    start = content.index(b"\x00\x00\x01\xc0", len(content) // 2)
    packet = content[start : start + 6 + int.from_bytes(content[start + 4 : start + 6], "big")]
    others = [packet[:3] + bytes([number]) + packet[4:] for number in range(0xC1, 0xE0)]
    # behind the 5 MB that FFmpeg looks at to find out which streams there are
    samples_T, end = heard(11 * content + b"".join(others) + 2 * content)
    assert end.error is None
    assert len(samples_T) == pytest.approx(130 * SAMPLE_RATE_HZ, rel=0.01)


def test_no_damage_is_ever_raised() -> None:
    random = Random(7)
    for i in range(60):
        content = media(random.choice(list(CODECS)))
        start = random.randrange(len(content))
        broken = damaged(content[: random.randrange(start, len(content) + 1)] or content, 0.01, i)
        samples_T, end = heard(broken, meters=METERS)
        assert set(end.readings) == set(METERS)
        assert np.isfinite(samples_T).all()


def test_more_hours_than_the_limit_are_given_up() -> None:
    assert rejection(media("mp3", 25), max_hours=20 / 3600) == RejectionClass.MEDIA_TOO_LONG


def test_what_does_not_declare_its_length_is_given_up_when_the_limit_is_reached() -> None:
    adts = encoded(tone(25, 44_100), "adts", "aac", 44_100)
    samples_T, end = heard(adts, max_hours=15 / 3600)
    assert end.error is not None
    assert end.error.rejection_class == RejectionClass.MEDIA_TOO_LONG
    assert len(samples_T) <= 15 * SAMPLE_RATE_HZ


# -- meters


class Collector:
    """Keeps all that a meter is given."""

    def __init__(self, audio: AudioFormat) -> None:
        self.audio = audio
        self.samples: list[Samples] = []

    def update(self, samples_CT: Samples) -> None:
        self.samples.append(samples_CT)

    def finish(self, container: Container) -> Result:
        return Result.ok(samples=np.concatenate(self.samples, axis=1), audio=self.audio)


def test_meters_get_every_sample_of_every_channel_at_the_native_rate() -> None:
    given = np.concatenate((tone(3, 44_100, channels=1), tone(3, 44_100, channels=1, hz=90)))
    given = np.round(given * 32768).astype(np.float32) / 32768
    _, end = heard(encoded(given, "flac", "flac", 44_100), meters={"all": Collector})
    reading = end.readings["all"].fields
    assert reading["audio"] == AudioFormat(sample_rate_hz=44_100, channels=2)
    assert np.array_equal(reading["samples"], given)


def test_how_packets_cut_the_samples_makes_no_difference() -> None:
    given = np.random.default_rng(2).uniform(-1, 1, (2, 200_000)).astype(np.float32)
    wav = heard(encoded(given, "wav", "pcm_s16le", 44_100), meters=METERS)
    flac = heard(encoded(given, "flac", "flac", 44_100), meters=METERS)
    assert np.array_equal(wav[0], flac[0])
    assert wav[1].readings["audio.loudness"] == flac[1].readings["audio.loudness"]
    for name in ("clipped_share", "silence_share", "dc_offset", "peak_dbfs", "stereo_correlation"):
        one, other = (end.readings["audio.integrity"].fields[name] for _, end in (wav, flac))
        assert one == other


def test_what_is_no_media_has_no_reading() -> None:
    _, end = heard(PROSE, meters=METERS)
    assert end.readings == dict.fromkeys(METERS, Result.error("MEDIA_UNRECOGNISED"))


def test_memory_does_not_grow_with_length() -> None:
    content = encoded(tone(60, 16_000, channels=1), "wav", "pcm_s16le", 16_000)
    data = content.index(b"data")
    minutes = 30 * content[data + 8 :]
    long = content[: data + 4] + struct.pack("<I", len(minutes)) + minutes
    resident = [
        psutil.Process().memory_info().rss
        for _ in decode(event(), long, meters={"m": audio_integrity.make})
    ]
    assert len(resident) == 30 * 6 + 1
    assert max(resident) - resident[len(resident) // 4] < 20_000_000
