"""The mixes of the benchmark: what is in them, and that everybody has the same."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from earmark.processors.content import validated
from earmark.processors.decode import decode
from earmark.streams.bench.mix import MANIFEST, TURN, Mix, Recorded, events, recorded, texts
from earmark.streams.bench.mix_recording import PODCAST_S, podcast_seconds, voice_seconds
from earmark.streams.bench.mix_text import LANGUAGES, words

RECORDINGS = {Mix.MUSIC: 1, Mix.PODCAST: 1, Mix.VOICE: 3}
MANY = 2_000


@pytest.fixture(name="folder", scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mix")
    for mix, count in RECORDINGS.items():
        recorded(mix, folder, count=count)
    return folder


def digests(found: list[Recorded]) -> list[str]:
    return [each.sha256 for each in found]


@pytest.mark.parametrize("mix", [Mix.MUSIC, Mix.VOICE])
def test_two_makings_are_equal(mix: Mix, folder: Path, tmp_path: Path) -> None:
    first = digests(recorded(mix, folder, count=1))
    assert digests(recorded(mix, tmp_path, count=1)) == first


def test_another_seed_is_another_series(folder: Path, tmp_path: Path) -> None:
    first = digests(recorded(Mix.VOICE, folder, count=3))
    assert not set(first) & set(digests(recorded(Mix.VOICE, tmp_path, count=3, seed=9)))


@pytest.mark.parametrize("mix", RECORDINGS)
def test_a_recording_decodes_to_the_seconds_it_states_without_an_error(
    mix: Mix, folder: Path
) -> None:
    made = recorded(mix, folder, count=RECORDINGS[mix])
    for event, each in zip(events(mix, folder, run="x", count=len(made)), made, strict=True):
        blocks = list(decode(event, each.path))
        seconds = sum(len(block.samples_T) for block in blocks) / 16_000
        assert seconds == pytest.approx(each.seconds, abs=0.1)
        assert blocks[-1].end is not None
        assert blocks[-1].end.error is None


def test_lengths_lie_in_their_ranges(folder: Path) -> None:
    assert all(180 <= each.seconds <= 360.1 for each in recorded(Mix.MUSIC, folder, count=1))
    assert all(0.9 <= each.seconds <= 30.1 for each in recorded(Mix.VOICE, folder, count=3))
    assert all(PODCAST_S[0] <= podcast_seconds(n) <= PODCAST_S[1] for n in range(MANY))


def test_the_first_podcast_is_the_shortest_and_the_lengths_fill_their_range() -> None:
    lengths = [podcast_seconds(number) for number in range(50)]
    assert lengths[0] == pytest.approx(PODCAST_S[0])
    assert max(late / early for early, late in pairwise(sorted(lengths))) < 1.1


def test_voice_clips_are_lognormal() -> None:
    logarithms = np.log([voice_seconds((8, 2, number)) for number in range(MANY)])
    assert np.exp(np.median(logarithms)) == pytest.approx(6, rel=0.06)
    assert np.std(logarithms) == pytest.approx(0.75, abs=0.05)  # 0.8 before both ends were cut


@pytest.mark.parametrize(("lyrics", "median", "sigma"), [(False, 18, 0.87), (True, 170, 0.48)])
def test_texts_are_lognormal(lyrics: bool, median: float, sigma: float) -> None:
    drawn = [
        count for is_lyrics, count in (words(8, n) for n in range(MANY)) if is_lyrics is lyrics
    ]
    assert np.median(drawn) == pytest.approx(median, rel=0.1)
    assert np.std(np.log(drawn)) == pytest.approx(sigma, abs=0.06)


def test_texts_are_the_same_each_time_hardly_two_alike_in_eight_languages() -> None:
    made = texts(400)
    assert made == texts(400)
    assert made != texts(400, seed=9)
    assert {text.language for item in made for text in item} == set(LANGUAGES)
    assert len(LANGUAGES) == 8
    assert len({item[-1].text for item in made}) > 395


def test_a_series_ends_with_the_recording_that_reaches_the_seconds(folder: Path) -> None:
    first, second, third = recorded(Mix.VOICE, folder, count=3)
    bounded = recorded(Mix.VOICE, folder, seconds=first.seconds + second.seconds + 0.01)
    assert bounded == [first, second, third]
    assert recorded(Mix.VOICE, folder, seconds=1_000, count=2) == [first, second]


def test_a_series_without_a_bound_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="no end"):
        recorded(Mix.VOICE, folder)
    with pytest.raises(ValueError, match="a count"):
        events(Mix.TEXT, folder, run="x", seconds=10)


def test_what_is_there_is_not_made_again_and_what_is_damaged_is(tmp_path: Path) -> None:
    whole, damaged = recorded(Mix.VOICE, tmp_path, count=2)
    before = whole.path.stat().st_mtime_ns
    damaged.path.write_bytes(b"half")
    assert recorded(Mix.VOICE, tmp_path, count=2) == [whole, damaged]
    assert whole.path.stat().st_mtime_ns == before
    assert damaged.path.stat().st_size > len(b"half")


def test_the_manifest_names_each_file_and_half_a_line_spoils_nothing(tmp_path: Path) -> None:
    (made,) = recorded(Mix.VOICE, tmp_path, count=1)
    manifest = tmp_path / MANIFEST
    record = json.loads(manifest.read_text())
    assert record["path"] == made.path.name
    assert record["sha256"] == made.sha256
    assert record["media_type"] == "audio/ogg"
    manifest.write_text(manifest.read_text() + '{"path": "voi')
    assert recorded(Mix.VOICE, tmp_path, count=1) == [made]
    assert len(recorded(Mix.VOICE, tmp_path, count=2)) == 2
    assert recorded(Mix.VOICE, tmp_path, count=2) == recorded(Mix.VOICE, tmp_path, count=2)


def test_the_blend_has_all_four_in_turn(folder: Path) -> None:
    blended = events(Mix.BLEND, folder, run="x", count=len(TURN))
    types = ["COMMENT" if kind is Mix.TEXT else kind for kind in TURN]
    of = {"TRACK": Mix.MUSIC, "EPISODE": Mix.PODCAST, "CLIP": Mix.VOICE, "LYRICS": "COMMENT"}
    assert [of.get(event.content_type, event.content_type) for event in blended] == types


def test_events_are_valid_and_those_of_two_runs_are_different_items(folder: Path) -> None:
    both = [e for run in "ab" for e in events(Mix.VOICE, folder, run=run, count=3)]
    assert len({event.content_id for event in both}) == 6
    assert all(validated(event).audio for event in both)
