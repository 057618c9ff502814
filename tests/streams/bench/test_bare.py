"""Claims about the benchmark for machines without packages, and about weights that travel there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from earmark.models.manifest import sha256_of
from earmark.models.store import ModelStore
from earmark.streams.bench import weight_piece
from earmark.streams.bench.weight_piece import joined, pack

CARD = "silero-vad"
ABSENT = ("av", "soxr", "confluent_kafka", "fastavro", "rich", "click", "pydantic", "psutil")
RUN = """
import runpy, sys
try:
    runpy.run_module("earmark.streams.bench.bare", run_name="__main__")
finally:
    print(*sys.modules, file=sys.stderr)
"""


@pytest.fixture
def in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_piece, "PIECE_BYTES", 100_000)


@pytest.mark.weights
def test_weights_are_measured_from_pieces_without_any_package_but_those_of_models(
    tmp_path: Path, in_small_pieces: None
) -> None:
    pack(ModelStore(), [CARD], tmp_path)
    arguments = ["--models", str(tmp_path), "--device", "cpu", "--signal", "audio.speech"]
    command = [sys.executable, "-c", RUN, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert row["name"] == "bare[audio.speech]"
    assert row["value"] > 0
    assert not set(ABSENT) & set(done.stderr.split())


@pytest.mark.weights
def test_pieces_are_small_and_make_the_same_file(tmp_path: Path, in_small_pieces: None) -> None:
    store = ModelStore()
    pieces = pack(store, [CARD], tmp_path)
    assert len(pieces) > len({piece.name.partition(".piece-")[0] for piece in pieces})
    assert max(piece.stat().st_size for piece in pieces) <= 100_000
    weights = store.path(CARD)
    assert sha256_of(joined(tmp_path) / weights.relative_to(store.root)) == sha256_of(weights)
