"""Answers kept on disk: found by what they were made of, bounded, forgotten with their item."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from earmark.processors.codec import encode_signal
from earmark.processors.content import Audio
from earmark.processors.identity import AnswerKey, key_of
from earmark.processors.loader import load_specs
from earmark.processors.outcome import OutcomeKind, Result, Signal
from earmark.streams.answer_cache import TRIM_EVERY, AnswerCache
from earmark.streams.reuse import Reuse
from tests.streams.test_receipt import event, signal

KEY = AnswerKey(input_digest="d", config_hash="c")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.sqlite"


def loudness(item: str = "item", digest: str = "d", lufs: float = -14.5) -> Signal:
    made = signal(replace(event(), content_id=item), digest=digest, name="audio.loudness")
    return replace(made, result=Result.ok(integrated_lufs=lufs, gated_share=0.25))


def put(cache: AnswerCache, *signals: Signal) -> None:
    cache.put((s.topic, key_of(s), s.event.content_id, encode_signal(s, 1)) for s in signals)


def test_an_answer_comes_back_for_another_item_and_another_process(path: Path) -> None:
    cache = AnswerCache(path, max_bytes=10_000)
    put(cache, loudness())
    cache.close()
    again = AnswerCache(path, max_bytes=10_000)
    found = again.get(loudness().topic, KEY)
    assert found is not None
    assert (found.outcome, found.fields["integrated_lufs"]) == (OutcomeKind.OK, -14.5)
    assert again.get(loudness().topic, replace(KEY, config_hash="other")) is None
    assert again.get("signals.audio.speech.v1", KEY) is None
    again.close()


def test_a_cache_of_no_bytes_keeps_nothing_and_says_nothing_of_what_was_kept(path: Path) -> None:
    kept, none = AnswerCache(path, max_bytes=10_000), AnswerCache(path, max_bytes=0)
    put(none, loudness())
    assert kept.get(loudness().topic, KEY) is None
    put(kept, loudness())
    assert none.get(loudness().topic, KEY) is None
    for cache in (kept, none):
        cache.close()


def test_an_answer_that_was_too_long_to_be_published_is_not_kept(path: Path) -> None:
    cache = AnswerCache(path, max_bytes=10_000)
    made = signal(event(), digest="d", name="audio.transcript")
    put(cache, replace(made, result=Result.ok(text="word " * 200_000)))
    assert cache.get(made.topic, KEY) is None
    cache.close()


def test_an_answer_that_points_into_others_of_its_item_is_not_kept(path: Path) -> None:
    cache = AnswerCache(path, max_bytes=10_000)
    of = replace(event(), audio=Audio(data=b"speech"))
    safety = signal(of, digest="d", name="text.safety")
    flight: Any = SimpleNamespace(event=of, plan=None, written=(safety, loudness()))
    pipeline: Any = SimpleNamespace(specs=load_specs())
    receipts: Any = None
    Reuse(receipts, cache).committed([flight], pipeline, lambda each: encode_signal(each, 1))
    kept = [cache.get(each.topic, KEY) is not None for each in (safety, loudness())]
    assert kept == [False, True]
    cache.close()


def test_two_workers_share_one_file(path: Path) -> None:
    one, other = AnswerCache(path, max_bytes=10_000), AnswerCache(path, max_bytes=10_000)
    put(one, loudness())
    put(other, loudness(), loudness(digest="e"))
    assert one.get(loudness().topic, replace(KEY, input_digest="e")) is not None
    one.close()
    other.close()


def test_what_was_made_of_an_erased_item_is_forgotten(path: Path) -> None:
    cache = AnswerCache(path, max_bytes=10_000)
    put(cache, loudness("gone"), loudness("stays", digest="e"))
    cache.forget(["gone"])
    assert cache.get(loudness().topic, KEY) is None
    assert cache.get(loudness().topic, replace(KEY, input_digest="e")) is not None
    files = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert (b"gone" in files, b"stays" in files) == (False, True)
    cache.close()


def test_the_oldest_go_when_there_are_too_many_bytes(path: Path) -> None:
    cache = AnswerCache(path, max_bytes=20 * len(encode_signal(loudness(), 1)))
    for number in range(TRIM_EVERY + 1):
        put(cache, loudness(digest=str(number)))
    kept = [
        number
        for number in range(TRIM_EVERY + 1)
        if cache.get(loudness().topic, replace(KEY, input_digest=str(number)))
    ]
    assert 10 <= len(kept) <= 20
    assert kept[-1] == TRIM_EVERY
    cache.close()


def test_a_damaged_file_is_made_again_and_a_folder_in_its_place_stops_nobody(
    path: Path, tmp_path: Path
) -> None:
    path.write_bytes(b"no database at all" * 100)
    (tmp_path / "folder").mkdir()
    for at in (path, tmp_path / "folder"):
        cache = AnswerCache(at, max_bytes=10_000)
        put(cache, loudness())
        assert cache.get(loudness().topic, KEY) is not None
        cache.close()
