"""Claims about `earmark train`: what it writes is of use, and what it may not read stays out."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from earmark.models.card import read_card
from earmark.streams.evaluation.evaluation import Evaluation
from earmark.streams.evaluation.manifest import Row
from earmark.streams.training.product import Order, Product, card_text, training_data
from earmark.streams.training.trainer import trainer

ABUSE = ("you fucking idiot", "shut up, stupid bitch", "what a dumb ass", "fuck off, loser")
PRAISE = ("a lovely song", "the gulls are loud today", "we met by the sea", "thank you, dear")


def earmark(
    *arguments: str, folder: Path, **environment: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "earmark", *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def manifest(folder: Path, licences: tuple[str, ...] = ("MIT", "Apache-2.0")) -> Path:
    """Rows of as many sources as there are licences, half of them abuse."""
    rows = [
        {
            "id": f"{number}",
            "kind": "comment",
            "path": None,
            "labels": {"harms": {"profanity": float(is_abuse), "harassment": float(is_abuse)}},
            "source": f"source {number % len(licences)}",
            "licence": licences[number % len(licences)],
            "text": f"{texts[number % 4]} number {number}. {texts[(number + 1) % 4]}",
        }
        for number in range(600)
        for is_abuse in [number % 4 == 0]
        for texts in [ABUSE if is_abuse else PRAISE]
    ]
    folder.mkdir(exist_ok=True)
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.mark.weights
def test_a_head_that_was_trained_scores_texts_and_says_what_it_does_not_know(
    tmp_path: Path,
) -> None:
    data = manifest(tmp_path / "own", ("MIT", "Apache-2.0", "GPL-3.0"))
    done = earmark(
        *("train", "text.safety", "--data", str(data), "--out", "out", "--json"), folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["rows"], said["refused"]) == (400, {"GPL-3.0": 200})
    assert said["labels"] == ["profanity", "harassment"]
    assert set(said["left_out"]) == {"hate", "sexual", "violence"}
    assert said["evaluations"]["held-out-rows"]["metrics"]["profanity.auc"]["value"] > 0.95
    card = read_card((tmp_path / "out/text-harm-own.toml").read_text(), where="card")
    assert card.labels == ("profanity", "harassment")
    assert card.evaluation[0].n == 400
    assert "<html" in (tmp_path / "out/held-out-rows.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("text.quality", "--data", "own"), "nothing is trained for 'text.quality' here"),
        (("text.safety", "--data", "nowhere"), "no manifest nowhere"),
        (("audio.scene", "--data", "own"), "no recording is labelled class 'music'"),
        (("text.safety", "--data", "own", "--name", "mine"), "called text-harm-something"),
    ],
)
def test_a_mistake_ends_in_one_line(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    manifest(tmp_path / "own")
    done = earmark("train", *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_rows_that_may_not_be_trained_on_are_refused(tmp_path: Path) -> None:
    manifest(tmp_path / "own", ("GPL-3.0", "unknown"))
    done = earmark("train", "text.safety", "--data", "own", folder=tmp_path)
    assert done.returncode == 2
    assert "300 rows not trained on: GPL-3.0" in done.stderr
    assert "no row is left to train on; see --licence-ok" in done.stderr


def test_a_card_names_sources_licences_and_seed(tmp_path: Path) -> None:
    rows = [
        Row(id=str(n), kind="text", labels={}, text="x", source=f's "{n % 20}"', licence="MIT")
        for n in range(50)
    ]
    order = Order(signal="text.safety", name="text-harm-x", rows=rows, seed=7)
    said = training_data(order)
    assert said.startswith('50 rows: 3 of s "0" (MIT)')
    assert said.endswith("of 8 more sources (see the report). Seed 7.")
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"x")
    table = tomllib.loads(card_text(order, product(), weights))
    assert table["training_data"] == said
    assert table["files"][0]["sources"] == [f"file://{weights}"]


def product(**evaluations: Evaluation) -> Product:
    fields: dict[str, Any] = {"recipe": {}, "figures": {}, "limits": "none"}
    return Product(
        task="t",
        method="m",
        labels=("hate",),
        save=lambda path: None,
        evaluations=evaluations,
        **fields,
    )


def test_every_trainer_is_of_a_signal() -> None:
    from earmark.processors.loader import load_specs
    from earmark.streams.training.trainer import TRAINERS

    assert load_specs(list(TRAINERS)).keys() >= TRAINERS.keys()
    assert all(trainer(signal) is work for signal, work in TRAINERS.items())
