"""The four mixes that the benchmark measures on, and the blend of them: the same for everybody.

Each is an endless series that follows from a seed. Recordings are files in a folder with a
manifest, `manifest.jsonl`; what is there and has its digest is not made again. The bytes are the
same on machines of one kind with one FFmpeg.

- music: 3 to 6 minutes, mp3 and AAC, stereo, 44.1 kHz
- podcast: 20 to 180 minutes, mp3 and Opus, speech over beds of music, stereo; the shortest first
- voice: 1 to 30 s, lognormal (mu ln 6, sigma 0.8), Opus and AAC, mono
- text: comments (mu ln 18 words, sigma 0.9) and lyrics (mu ln 170, sigma 0.5) in eight languages
- blend: these in turn, by `TURN`
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import file_digest
from itertools import count as numbers
from pathlib import Path
from typing import TypeVar

from earmark.processors.content import Audio, ContentEvent, ContentType, Text
from earmark.streams.bench.coded_file import Form
from earmark.streams.bench.mix_recording import (
    PODCAST_FORMS,
    SONG_FORMS,
    VOICE_FORMS,
    podcast,
    podcast_seconds,
    song,
    voice,
)
from earmark.streams.bench.mix_text import item

SEED = 8
RECIPE = 1  # rises when other bytes follow from a seed: files of another recipe are made again
MANIFEST = "manifest.jsonl"


class Mix(StrEnum):
    """Kinds of content that come together."""

    MUSIC = "music"
    PODCAST = "podcast"
    VOICE = "voice"
    TEXT = "text"
    BLEND = "blend"


RECORDED = (Mix.MUSIC, Mix.PODCAST, Mix.VOICE)  # those that are files
TURN = (Mix.TEXT, Mix.VOICE, Mix.TEXT, Mix.MUSIC, Mix.TEXT, Mix.VOICE, Mix.TEXT, Mix.PODCAST)
_TYPES = {
    Mix.MUSIC: ContentType.TRACK,
    Mix.PODCAST: ContentType.EPISODE,
    Mix.VOICE: ContentType.CLIP,
}
_TITLES = {Mix.MUSIC: "Song", Mix.PODCAST: "Episode", Mix.VOICE: "Voice message"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A recording of a mix, in a file."""

    path: Path
    mix: Mix
    media_type: str
    seconds: float
    language: str | None
    sha256: str


def recorded(
    mix: Mix,
    folder: Path,
    *,
    seconds: float | None = None,
    count: int | None = None,
    seed: int = SEED,
) -> list[Recorded]:
    """The first recordings of the series, made where they are missing.

    They end with the one that reaches `seconds` of audio, or after `count`, whichever comes first;
    at least one of the two must be given. The blend has those of its turn, without the texts.
    """
    return list(recorded_one_by_one(mix, folder, seconds=seconds, count=count, seed=seed))


def recorded_one_by_one(
    mix: Mix, folder: Path, *, seconds: float | None, count: int | None, seed: int = SEED
) -> Iterator[Recorded]:
    """Likewise, each as soon as it is made."""
    series = (each for each in _series(mix, folder, seed) if isinstance(each, Recorded))
    return _first(series, seconds, count)


def texts(count: int, *, seed: int = SEED) -> list[tuple[Text, ...]]:
    """The first texts of the series: of each item all that it has."""
    return [item(seed, number) for number in range(count)]


def events(
    mix: Mix,
    folder: Path,
    *,
    run: str,
    seconds: float | None = None,
    count: int | None = None,
    seed: int = SEED,
) -> list[ContentEvent]:
    """Events over the first of the series, bounded as `recorded` is; `run` makes other items.

    The audio of other runs is the same: a worker that heard it before answers from its cache,
    unless the events carry the header `earmark.force`. Texts have no seconds: of texts alone,
    give a `count`.
    """
    if mix is Mix.TEXT and count is None:
        raise ValueError("texts have no seconds: a count is needed")
    made = _first(_series(mix, folder, seed), seconds, count)
    return [event_of(each, number, run) for number, each in enumerate(made)]


Item = Recorded | tuple[Text, ...]
Some = TypeVar("Some", bound=Item)


def _seconds_of(each: Item) -> float:
    return each.seconds if isinstance(each, Recorded) else 0.0


def _first(series: Iterable[Some], seconds: float | None, count: int | None) -> Iterator[Some]:
    if seconds is None and count is None:
        raise ValueError("a series has no end: seconds or a count are needed")
    total = 0.0
    for number, each in enumerate(series, start=1):
        yield each
        total += _seconds_of(each)
        if (seconds is not None and total >= seconds) or number == count:
            return


def _series(mix: Mix, folder: Path, seed: int) -> Iterator[Item]:
    """All of the mix, without end."""
    shelf = Shelf(folder)
    if mix is Mix.TEXT:
        yield from (item(seed, number) for number in numbers())
    elif mix is not Mix.BLEND:
        yield from (shelf.recording(mix, seed, number) for number in numbers())
    else:
        parts = {part: _series(part, folder, seed) for part in set(TURN)}
        while True:
            yield from (next(parts[part]) for part in TURN)


class Shelf:
    """The recordings in a folder, by its manifest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known = _known(folder)

    def recording(self, mix: Mix, seed: int, number: int) -> Recorded:
        """This one of the series; it is written where it is missing or damaged."""
        form = _form(mix, number)
        path = self._folder / f"{mix}-{seed}-{number:05}{form.suffix}"
        known = self._known.get(path.name)
        if known is not None and path.is_file() and _sha256(path) == known.sha256:
            return known
        return self._make(mix, form, path, seed, number)

    def _make(self, mix: Mix, form: Form, path: Path, seed: int, number: int) -> Recorded:
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        seconds = _written(mix, form, unfinished, seed, number)
        unfinished.replace(path)
        made = Recorded(
            path=path,
            mix=mix,
            media_type=form.media_type,
            seconds=seconds,
            language=None if mix is Mix.MUSIC else "en",
            sha256=_sha256(path),
        )
        self._known[path.name] = made
        with (self._folder / MANIFEST).open("a", encoding="utf-8") as manifest:
            manifest.write(_line(made) + "\n")
        return made


def _written(mix: Mix, form: Form, path: Path, seed: int, number: int) -> float:
    """Write that recording; its seconds."""
    drawn = (seed, RECORDED.index(mix), number)
    if mix is Mix.PODCAST:
        return podcast(path, form, drawn, podcast_seconds(number))
    return (song if mix is Mix.MUSIC else voice)(path, form, drawn)


def _form(mix: Mix, number: int) -> Form:
    forms = {Mix.MUSIC: SONG_FORMS, Mix.PODCAST: PODCAST_FORMS, Mix.VOICE: VOICE_FORMS}[mix]
    return forms[number % len(forms)]


def _line(made: Recorded) -> str:
    """A recording as the manifest has it."""
    record = {
        "path": made.path.name,
        "mix": made.mix,
        "media_type": made.media_type,
        "seconds": made.seconds,
        "language": made.language,
        "sha256": made.sha256,
        "recipe": RECIPE,
    }
    return json.dumps(record)


def _known(folder: Path) -> dict[str, Recorded]:
    """What the manifest names, the last line of each; half a line at its end says nothing."""
    path = folder / MANIFEST
    known: dict[str, Recorded] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        if record.pop("recipe") == RECIPE:
            name = record.pop("path")
            known[name] = Recorded(**record | {"path": folder / name, "mix": Mix(record["mix"])})
    return known


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def event_of(each: Item, number: int, run: str) -> ContentEvent:
    """The event of one item, which has this number in its run."""
    bare = ContentEvent(
        event_id=f"{run}-{number}", content_id=f"bench:{run}:{number}", source="earmark.bench"
    )
    if not isinstance(each, Recorded):
        kind = ContentType.LYRICS if len(each) > 1 else ContentType.COMMENT
        return replace(bare, content_type=kind, language=each[0].language, texts=each)
    return replace(
        bare,
        content_type=_TYPES[each.mix],
        language=each.language,
        audio=Audio(
            uri=each.path.resolve().as_uri(),
            media_type=each.media_type,
            size_bytes=each.path.stat().st_size,
            sha256=each.sha256,
        ),
        texts=(Text(field="title", text=f"{_TITLES[each.mix]} {number}", language="en"),),
    )
