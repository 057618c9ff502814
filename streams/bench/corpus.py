"""What is measured on: recordings and texts, made from what ships with Earmark, the same each time.

The recordings are the four phrases of the shipped speech in seeded orders, with pauses of its own
room between them, and music of the synthesiser. They stand for content of this length and form:
nothing here says how well a model hears or reads.

C: channels, T: samples
"""

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import soxr

from earmark.processors.block import SAMPLE_RATE_HZ, Samples
from earmark.processors.content import Audio, ContentEvent, ContentType, Text
from earmark.processors.wav import wav_bytes
from earmark.streams.bench.shipped_speech import speech
from earmark.streams.synthesiser import RATE_HZ, tune

MUSIC_S = 8.0  # after each 11 s of speech
BIT_RATE_BPS = 128_000
CLIP_S = 2.5  # 80 kB as WAV
PROGRAMME_S = 120.0  # that clips are cut from
SEED = 20

# where the phrases of the shipped speech lie, in seconds, and where nobody speaks
PHRASES_S = ((0.20, 2.25), (3.15, 4.45), (5.25, 7.70), (8.05, 10.55))
ROOM_S = (2.30, 3.10)
_PHRASES = (2, 9)  # fewest in a recording, and one more than most
_PAUSES_S = (0.3, 1.2)

_SENTENCES = (
    "The harbour wakes slowly, and the gulls are the first to know.",
    "Recorded live in one evening, with a borrowed piano and two microphones.",
    "This week we talk to a beekeeper about winter, sugar and patience.",
    "Turn it up on the last chorus, it is worth it.",
    "A novel in forty chapters about a lighthouse and the people it kept apart.",
    "What a load of rubbish, I want my hour back.",
    "Nobody plays the bass like that any more.",
    "In the second part the host reads letters from listeners in four countries.",
    "Damn, that solo!",
    "Remastered from the original tapes, with three songs that were left out.",
    "You are an idiot and your show is garbage.",
    "Good for long drives, and for doing the dishes.",
)


def utterances(count: int) -> list[Samples]:
    """Recordings of speech, 4 to 26 s long, [T] at 16 kHz."""
    random = np.random.default_rng(SEED)
    return [_utterance(random) for _ in range(count)]


def recordings(folder: Path, count: int) -> list[Path]:
    """The utterances as stereo files at 44.1 kHz, mp3 of 128 kbit/s."""
    paths = [folder / f"utterance-{number}.mp3" for number in range(count)]
    for path, samples_T in zip(paths, utterances(count), strict=True):
        path.write_bytes(mp3(_stereo(samples_T)))
    return paths


def programme(seconds: float) -> Samples:
    """Speech and music in turn, as on the radio, [C, T], stereo at 44.1 kHz."""
    turn_CT = np.concatenate((_stereo(speech()), tune(seconds=MUSIC_S)), axis=1)
    length = int(seconds * RATE_HZ)
    return np.tile(turn_CT, -(-length // turn_CT.shape[1]))[:, :length]


def mp3(samples_CT: Samples, *, headed: bool = True) -> bytes:
    """Stereo at 44.1 kHz as mp3; not `headed`, it lacks the frame that states its length."""
    file = BytesIO()
    options = {"write_xing": str(int(headed)), "id3v2_version": "0"}
    with av.open(file, "w", format="mp3", options=options) as container:
        stream = container.add_stream("libmp3lame", rate=RATE_HZ, layout="stereo")
        stream.bit_rate = BIT_RATE_BPS
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples_CT), "fltp", "stereo")
        frame.sample_rate = RATE_HZ
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def long_recording(path: Path, *, minutes: int) -> None:
    """Write a programme of so many minutes as mp3, without ever holding it.

    Its frames are those of one minute again and again: mp3 files can be put one after the other.
    """
    minute = mp3(programme(60), headed=False)
    with path.open("wb") as file:
        for _ in range(minutes):
            file.write(minute)


def audio_events(paths: Sequence[Path], *, run: str) -> list[ContentEvent]:
    """One event with title and recording for each file; `run` makes their items other ones."""
    return [
        ContentEvent(
            event_id=f"{run}-{number}",
            content_id=f"bench:{run}:{number}",
            content_type=ContentType.EPISODE,
            source="earmark.bench",
            language="en",
            audio=Audio(uri=path.as_uri(), media_type="audio/mpeg"),
            texts=(Text(field="title", text=_SENTENCES[number % len(_SENTENCES)]),),
        )
        for number, path in enumerate(paths)
    ]


def text_events(count: int, *, run: str) -> Iterator[ContentEvent]:
    """Events with a title, a description of three sentences and a comment."""
    random = np.random.default_rng(SEED)
    for number in range(count):
        title, *description, comment = random.permutation(_SENTENCES)[:5].tolist()
        yield ContentEvent(
            event_id=f"{run}-{number}",
            content_id=f"bench:{run}:{number}",
            content_type=ContentType.TRACK,
            source="earmark.bench",
            texts=(
                Text(field="title", text=title),
                Text(field="description", text=" ".join(description)),
                Text(field="comment", text=comment),
            ),
        )


def clip_events(count: int, *, run: str) -> Iterator[ContentEvent]:
    """Events with a title and a clip of speech and music in themselves, no two alike."""
    programme_T = _mono(programme(PROGRAMME_S))
    length = int(CLIP_S * SAMPLE_RATE_HZ)
    random = np.random.default_rng([SEED, *run.encode()])
    starts = random.integers(0, len(programme_T) - length, count)
    levels = random.uniform(0.5, 1.0, count)  # of other runs too: what was heard is not heard again
    for number, (start, level) in enumerate(zip(starts, levels, strict=True)):
        yield ContentEvent(
            event_id=f"{run}-{number}",
            content_id=f"bench:{run}:{number}",
            content_type=ContentType.CLIP,
            source="earmark.bench",
            language="en",
            audio=Audio(
                data=wav_bytes(
                    programme_T[start : start + length] * np.float32(level), SAMPLE_RATE_HZ
                )
            ),
            texts=(Text(field="title", text=_SENTENCES[number % len(_SENTENCES)]),),
        )


def _mono(samples_CT: Samples) -> Samples:
    resampled_T: Samples = soxr.resample(samples_CT.mean(axis=0), RATE_HZ, SAMPLE_RATE_HZ)
    return resampled_T


def _utterance(random: np.random.Generator) -> Samples:
    parts = [_cut(*ROOM_S)]
    for _ in range(random.integers(*_PHRASES)):
        parts += [_cut(*random.choice(PHRASES_S)), _room(random.uniform(*_PAUSES_S))]
    return np.concatenate(parts)


def _room(seconds: float) -> Samples:
    return np.resize(_cut(*ROOM_S), int(seconds * SAMPLE_RATE_HZ))


def _cut(start_s: float, end_s: float) -> Samples:
    return speech()[int(start_s * SAMPLE_RATE_HZ) : int(end_s * SAMPLE_RATE_HZ)]


def _stereo(samples_T: Samples) -> Samples:
    resampled_T: Samples = soxr.resample(samples_T, SAMPLE_RATE_HZ, RATE_HZ)
    return np.stack((resampled_T, resampled_T))
