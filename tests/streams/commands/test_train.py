"""Claims about `earmark train`: what it writes is of use, and what it may not read stays out."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from safetensors.torch import load_file

from earmark.models.card import read_card
from earmark.models.device import Device
from earmark.models.harm_head import HeadWeights
from earmark.models.scene_net import SceneNet
from earmark.models.sentiment_head import SentimentHead
from earmark.models.static_embedding import StaticEmbedding, load_static_embedding
from earmark.models.store import ModelStore
from earmark.models.vader import Polarity
from earmark.processors.content import ContentEvent, Text
from earmark.processors.outcome import Result
from earmark.processors.signal import ItemView
from earmark.processors.signals.text_safety import EMBEDDING, WORDS, text_safety
from earmark.processors.threshold import shipped_thresholds
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
    abuse, praise = scored_by(tmp_path / "out/text-harm-own.toml", f"{ABUSE[1]}.", f"{PRAISE[2]}.")
    assert abuse.fields["labels"] == ["profanity", "harassment"]
    assert praise.fields["labels"] == []


def scored_by(card: Path, *texts: str) -> Sequence[Result]:
    """What text.safety says by the card, put where a user puts it."""
    root = card.parent / "models"
    (root / "cards").mkdir(parents=True)
    shutil.copy(card, root / "cards")
    for name in (WORDS, EMBEDDING):
        (root / name).symlink_to(ModelStore().root / name)
    store = ModelStore(root, offline=True)
    store.pull(card.stem)
    scorer = text_safety.with_model(card.stem).load(
        store=store, device=Device(), thresholds=shipped_thresholds("text.safety")
    )
    events = [
        ContentEvent(event_id="e", content_id="c", texts=(Text(field="t", text=it, language="en"),))
        for it in texts
    ]
    said: Sequence[Result] = scorer.score([ItemView(event=event) for event in events])
    return said


@pytest.mark.weights
def test_a_head_of_sentiment_learns_what_no_lexicon_knows(tmp_path: Path) -> None:
    words = {"negative": "zumba", "neutral": "plinko", "positive": "wibble"}
    rows = [
        {
            **{"id": f"{label} {number}", "kind": "review", "path": None, "licence": "MIT"},
            **{"labels": {"sentiment": label}, "source": f"source {number % 2}"},
            "text": f"This song is {word} number {number}",
        }
        for label, word in words.items()
        for number in range(100)
    ]
    (tmp_path / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    train = ("train", "text.sentiment", "--data", ".", "--out", "out", "--json")
    done = earmark(*train, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["evaluations"]["held-out-sources"]["metrics"]["accuracy"]["value"] > 0.95
    assert set(said["calibration_error"]["rows"]) == {"source 0", "source 1"}
    card = tmp_path / "out/sentiment-own.toml"
    head = SentimentHead(HeadWeights.load(tmp_path / "out/model.safetensors"), embedding())
    plain = Polarity(value=0.0, wordless=True, words=4)
    assert read_card(card.read_text(), where="card").labels == ("negative", "neutral", "positive")
    for label, word in words.items():
        (found,) = head.probabilities([f"This song is {word} number 7"], [plain])
        assert max(found, key=lambda name: found[name]) == label


def embedding() -> StaticEmbedding:
    path = ModelStore().path
    return load_static_embedding(path(EMBEDDING), path(EMBEDDING, "tokenizer.json"))


def test_a_network_that_was_trained_hears_the_rows_that_it_is_tested_on(tmp_path: Path) -> None:
    random, rows = np.random.default_rng(1), []
    for label in ("speech", "music", "noise", "silence"):
        soundfile.write(tmp_path / f"{label}.wav", random.normal(0, 0.1, 64_000), 16_000)
        rows.append(
            {
                **{"id": label, "kind": label, "path": f"{label}.wav", "source": label},
                **{"labels": {"class": label}, "licence": "synthesised"},
            }
        )
    (tmp_path / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    few = ("--examples", "64", "--epochs", "1", "--out", "out", "--json")
    done = earmark("train", "audio.scene", "--data", ".", "--test", ".", *few, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["evaluations"]["tests"]["n"] == 4
    card = read_card((tmp_path / "out/scene-own.toml").read_text(), where="card")
    assert (card.labels, card.sample_rate_hz) == (("speech", "music", "noise"), 16_000)
    assert set(SceneNet().state_dict()) == set(load_file(tmp_path / "out/model.safetensors"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("text.quality", "--data", "own"), "nothing is trained for 'text.quality' here"),
        (("text.safety", "--data", "nowhere"), "no manifest nowhere"),
        (("audio.scene", "--data", "own"), "no recording is labelled class 'music'"),
        (("text.safety", "--data", "own", "--name", "mine"), "called text-harm-something"),
        (("text.safety", "--data", "own", "--test", "own"), "--test is for networks"),
        (("audio.scene", "--data", "own", "--clean", "own"), "--clean is of texts"),
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
