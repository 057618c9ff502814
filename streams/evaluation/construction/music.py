"""Pieces whose tempo and key are known, and sounds that have neither; pieces by ensemble.

Other seeds than those that the methods were chosen with.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from earmark.models.tonality import TONICS
from earmark.streams.evaluation.construction.piece import (
    RATE_HZ,
    TIMBRES,
    Recipe,
    murmur,
    play,
    recipe,
)
from earmark.streams.evaluation.construction.recording import Recording, wav

PIECES = range(90_000, 90_300)  # so many that an interval is 5 points to each side
MURMURS = range(90_000, 90_020)
OF_AN_ENSEMBLE = 5
ENSEMBLES = range(91_000, 91_012)
SECONDS = 12.0


def recordings() -> Iterator[Recording]:
    """Pieces with `bpm`, `key` and `mode`; murmurs, which have none."""
    for seed in PIECES:
        yield _piece(f"piece-{seed}", recipe(seed))
    for seed in MURMURS:
        labels = {"has_key": False, "has_tempo": False}
        yield Recording(id=f"murmur-{seed}", labels=labels, data=partial(_murmured, seed))


def ensembles() -> Iterator[Recording]:
    """Pieces in many keys and tempi, several by each `instrument`: what sounds, and its groove."""
    for number, seed in enumerate(ENSEMBLES):
        like = recipe(seed)
        chords, lead = TIMBRES[number % len(TIMBRES)], TIMBRES[(3 * number + 1) % len(TIMBRES)]
        for at in range(OF_AN_ENSEMBLE):
            other = recipe(1_000 * seed + at)
            piece = replace(other, groove=like.groove, chords=chords, lead=lead, swing=like.swing)
            label = f"{chords}, {lead}, {like.groove}"
            yield _piece(f"ensemble-{number}-{at}", piece, instrument=label)


def _piece(name: str, piece: Recipe, **labels: str) -> Recording:
    key = TONICS[piece.mode][piece.tonic]
    known = {"class": "music", "bpm": piece.bpm, "key": key, "mode": piece.mode, **labels}
    return Recording(id=name, labels=known, data=partial(_played, piece))


def _played(piece: Recipe) -> bytes:
    return wav(play(piece, SECONDS)[None], RATE_HZ)


def _murmured(seed: int) -> bytes:
    return wav(murmur(seed, SECONDS)[None], RATE_HZ)
