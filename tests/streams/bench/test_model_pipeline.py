"""The pipelines of transformers read what ours is given, on tiny checkpoints that are made here."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earmark.models.store import ModelStore
from earmark.processors.content import ContentEvent, Text
from earmark.processors.signal import ItemView
from earmark.processors.window import Window
from earmark.streams.bench.model_batch import Given, Passages, Windows
from earmark.streams.bench.model_pipeline import pipeline_of
from earmark.streams.bench.plan import Plan

SIZES = {"unit": "x", "name": "x", "scorer": None, "budget": 4, "budgets": (4,)}
TEXTS = ("Turn it up.", "What a load of rubbish.", "Who plays the bass?")


def texts() -> Given:
    views = [
        ItemView(
            event=ContentEvent(
                event_id=text, content_id=text, texts=(Text(field="comment", text=text),)
            )
        )
        for text in TEXTS
    ]
    return Passages(items=views, pipeline_task="text-classification", **SIZES)


def windows() -> Given:
    noise_T = np.random.default_rng(1).standard_normal(16_000).astype(np.float32)
    items = [Window(samples_T=noise_T, length=16_000)] * 3
    return Windows(items=items, pipeline_task="audio-classification", **SIZES)


ROBERTA = ("Roberta", "ForSequenceClassification")
AST = ("AST", "ForAudioClassification")


@pytest.mark.parametrize(
    ("kind", "made", "config", "given"),
    [
        (
            "sequence-classification",
            ROBERTA,
            {"vocab_size": 400, "pad_token_id": 1, "max_position_embeddings": 34},
            texts(),
        ),
        ("audio-classification", AST, {"max_length": 64, "num_mel_bins": 128}, windows()),
    ],
    ids=["texts", "windows"],
)
def test_the_pipeline_reads_every_item(
    kind: str,
    made: tuple[str, str],
    config: dict[str, Any],
    given: Given,
    tiny: Callable[..., Path],
    add_checkpoint: Callable[..., None],
    store: ModelStore,
    plan: Plan,
    tmp_path: Path,
) -> None:
    folder = tiny(tmp_path / "made", *made, id2label={0: "a", 1: "b"}, **config)
    add_checkpoint("tiny", folder, f'[checkpoint]\nkind = "{kind}"\nactivation = "sigmoid"')
    here = replace(plan, settings=plan.settings.model_copy(update={"home": tmp_path}))
    assert pipeline_of(here, "tiny", given, batch_size=2)() == len(given.items)
