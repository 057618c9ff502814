"""Landmarks, and the passages that they find."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.models.alignment import aligned
from earmark.models.fingerprint import (
    CHUNK,
    RATE_HZ,
    Fingerprint,
    LandmarkFold,
    fingerprint,
    mixed,
)
from earmark.streams.synthesiser import RATE_HZ as TUNE_HZ
from earmark.streams.synthesiser import tune


def melody(seed: int, seconds: float = 12.0) -> np.ndarray:
    """Tones at random, [T] at `RATE_HZ`: no two seeds share a passage."""
    random = np.random.default_rng(seed)
    wave_T = np.zeros(int(seconds * RATE_HZ), np.float32)
    for at in range(0, len(wave_T) - RATE_HZ, RATE_HZ // 8):
        t = np.arange(RATE_HZ // 2) / RATE_HZ
        tone = np.sin(2 * np.pi * random.uniform(250, 3_000) * t) * np.exp(-8 * t)
        wave_T[at : at + len(t)] += 0.2 * tone.astype(np.float32)
    return wave_T + 1e-3 * random.standard_normal(len(wave_T)).astype(np.float32)


def landmarks(found: Fingerprint) -> set[tuple[int, int]]:
    return set(zip(found.hashes_H.tolist(), found.times_H.tolist(), strict=True))


def test_a_cut_copy_is_found_where_it_was_cut() -> None:
    whole = melody(1)
    found = aligned(fingerprint(whole[5 * RATE_HZ + 77 :]), fingerprint(whole))
    assert found is not None
    assert found.score > 0.2
    assert found.offset_ms == pytest.approx(5_010, abs=32)
    assert found.matched_ms > 4_000


def test_other_pieces_share_nothing() -> None:
    pieces = [fingerprint(melody(seed)) for seed in range(8)]
    pairs = [(a, b) for a in pieces for b in pieces if a is not b]
    assert not [pair for pair in pairs if aligned(*pair)]


def test_a_passage_is_found_within_what_is_much_longer() -> None:
    jingle = melody(1, 6)
    long = np.concatenate([melody(2, 60), jingle, melody(3, 60)])
    found = aligned(fingerprint(long), fingerprint(jingle))
    assert found is not None
    assert found.start_ms == pytest.approx(60_000, abs=1_500)
    assert found.offset_ms == pytest.approx(-60_000, abs=32)
    assert 3_000 < found.matched_ms < 7_000


def test_gain_changes_nothing() -> None:
    whole = melody(1)
    loud, quiet = landmarks(fingerprint(whole)), landmarks(fingerprint(whole / 4))
    assert len(loud & quiet) > 0.98 * len(loud)


def test_the_same_hash_everywhere_is_one_vote() -> None:
    beat = Fingerprint(hashes_H=np.full(400, 5, np.uint32), times_H=np.arange(400, dtype=np.uint32))
    assert aligned(beat, beat) is None


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 400), st.integers(0, 5))
def test_what_is_kept_of_a_long_recording_is_what_thinning_leaves_of_all(
    most: int, seed: int
) -> None:
    whole_T = melody(seed, 8)
    everything = fingerprint(whole_T)
    fold = LandmarkFold(most=most)
    for at in range(0, len(whole_T), CHUNK):
        fold.step(whole_T[at : at + CHUNK])
    kept = fold.finish()
    assert len(kept) <= most
    assert landmarks(kept) == landmarks(everything.thinned(kept.share))


def test_density_is_bounded() -> None:
    mix_T = tune(seed=3, seconds=40).mean(axis=0)[:: TUNE_HZ // RATE_HZ]
    found = fingerprint(np.ascontiguousarray(mix_T))
    assert 19 * 30 < len(found) <= 24 * 40


def test_packed_landmarks_are_pairs_of_little_endian_words() -> None:
    found = Fingerprint(
        hashes_H=np.array([1, 2**22], np.uint32), times_H=np.array([0, 7], np.uint32), share=0.5
    )
    assert found.packed() == bytes.fromhex("01000000 00000000 00004000 07000000")
    assert landmarks(Fingerprint.unpacked(found.packed())) == landmarks(found)


def test_hashes_are_spread_evenly_by_share() -> None:
    spread_H = mixed(np.arange(100_000, dtype=np.uint32) << 6)
    assert np.histogram(spread_H, 10, (0, 1))[0] == pytest.approx(10_000, rel=0.02)
