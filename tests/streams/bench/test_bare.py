"""The models alone, where nothing but torch and numpy and what comes with transformers is there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from earmark.models.manifest import sha256_of
from earmark.models.store import ModelStore, default_home
from earmark.processors.loader import load_specs
from earmark.streams.bench import weight_piece
from earmark.streams.bench.bare_pipeline import spec_of
from earmark.streams.bench.result import read
from earmark.streams.bench.weight_piece import joined, packed

# what a bare GPU machine has not
MISSING = ("av", "soxr", "confluent_kafka", "pydantic", "structlog", "fastavro", "psutil")
CARD = "silero-vad"
ONCE = ("--device", "cpu", "--repetitions", "1")
RUN = f"""
import sys
for name in {MISSING}:
    sys.modules[name] = None  # importing it fails
from earmark.streams.bench.bare import main
main()
"""


@pytest.fixture
def in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_piece, "PIECE_BYTES", 100_000)


@pytest.mark.parametrize("name", load_specs())
def test_each_built_in_signal_is_found_by_its_module(name: str) -> None:
    assert spec_of(name) is load_specs()[name]


@pytest.mark.weights
def test_models_are_measured_with_next_to_nothing_installed(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    weights = ("--weights", str(default_home() / "models"), "--out", str(out))
    asked = ("text.quality", "audio.scene", "--quick", *ONCE)
    done = subprocess.run(
        [sys.executable, "-c", RUN, *asked, *weights], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [row.name for row in read(out).rows] == ["model[text.quality]", "model[audio.scene]"]


@pytest.mark.weights
def test_a_pipeline_is_measured_with_weights_that_came_in_pieces(
    tmp_path: Path, in_small_pieces: None
) -> None:
    packed(ModelStore(), [CARD], tmp_path)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            RUN,
            "audio.speech",
            "--pipeline",
            "--weights",
            str(tmp_path),
            *ONCE,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert row["name"] == "pipeline[audio.speech]"
    assert row["value"] > 0


@pytest.mark.weights
def test_pieces_are_small_and_make_the_same_file(tmp_path: Path, in_small_pieces: None) -> None:
    store = ModelStore()
    pieces = packed(store, [CARD], tmp_path)
    assert len(pieces) > len({piece.name.partition(".piece-")[0] for piece in pieces})
    assert max(piece.stat().st_size for piece in pieces) <= 100_000
    weights = store.path(CARD)
    assert sha256_of(joined(tmp_path) / weights.relative_to(store.root)) == sha256_of(weights)
