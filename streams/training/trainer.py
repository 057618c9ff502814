"""The signals that a model can be trained for here, and how each is trained and measured."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from earmark.models.card import ModelCard, SourceFile
from earmark.models.device import Device
from earmark.models.error import ConfigurationError
from earmark.models.store import ModelStore
from earmark.processors.loader import load_specs
from earmark.processors.outcome import OutcomeKind
from earmark.processors.threshold import label_limit, shipped_thresholds
from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.evaluation import Evaluation, evaluated, measurements
from earmark.streams.evaluation.manifest import Row, row_key
from earmark.streams.evaluation.run import Scored
from earmark.streams.evaluation.task import tasks_of, used_rows
from earmark.streams.training.product import WEIGHTS, Order, Product

_PROFANE = 0.5

Watch = Callable[[str], None]
Train = Callable[[Order, ModelStore, Watch], Product]


def trainer(signal: str) -> Train:
    """How a model for the signal is trained; raises ConfigurationError where it is not."""
    if signal not in TRAINERS:
        known = ", ".join(sorted(TRAINERS))
        raise ConfigurationError(f"nothing is trained for {signal!r} here; for {known} it is")
    return TRAINERS[signal]


def _train_harm(order: Order, store: ModelStore, watch: Watch) -> Product:
    import torch

    from earmark.models.harm_head import HarmReader
    from earmark.models.profanity import load_profanity
    from earmark.models.static_embedding import load_static_embedding
    from earmark.processors.signals.text_safety import EMBEDDING, MODEL, WORDS
    from earmark.streams.training.harm import train
    from earmark.streams.training.harm_fitting import Recipe

    if not order.name.startswith(MODEL):
        raise ConfigurationError(f"heads of text.safety are called {MODEL}-something")
    if order.tests:
        raise ConfigurationError("text.safety is measured on rows held out; --test is for networks")
    torch.set_num_threads(1)  # sums in one order: the same seed gives the same heads
    profanity = load_profanity(store.path(WORDS), store.path(WORDS, "vocabulary.json"))
    embedding = load_static_embedding(
        store.path(EMBEDDING), store.path(EMBEDDING, "tokenizer.json")
    )
    recipe = Recipe(seed=order.seed)
    # nobody looked through these for harm: what is likelier profane than not is no clean text
    texts = [row for row in order.clean if row.text]
    profane_N = profanity.probabilities([row.text or "" for row in texts])
    clean = [row for row, it in zip(texts, profane_N.tolist(), strict=True) if it < _PROFANE]
    trained = train(order.rows, clean, HarmReader(embedding, profanity), recipe, watch)
    held = (trained.by_row, trained.by_source)
    return Product(
        task="probabilities that harms stand in an English text",
        method="logistic regression on hashed words and pieces of words, a static embedding and "
        "profanity-check; the curve by Platt 1999, on rows held out",
        labels=trained.labels,
        languages=("en",),
        note=_left_out(trained.left_out),
        save=trained.weights.save,
        evaluations={
            f"held-out-{each.folds}": _measured_harm(
                order, trained.labels, each.probabilities, f"{each.folds} held out"
            )
            for each in held
        },
        limits="Every row was answered by heads fitted without its fold.",
        recipe=asdict(recipe),
        figures={
            "positives": dict(trained.positives),
            "left_out": dict(trained.left_out),
            "clean_rows": len(clean),
            "calibration_error": {each.folds: dict(each.errors) for each in held},
        },
    )


def _left_out(reasons: Mapping[str, str]) -> str:
    return "; ".join(f"no head for {harm}: {why}" for harm, why in reasons.items())


def _measured_harm(
    order: Order,
    labels: Sequence[str],
    probabilities: Mapping[str, Sequence[float]],
    how: str,
) -> Evaluation:
    """What the evaluation says of answers to rows that were held out."""
    thresholds = shipped_thresholds("text.safety")
    records: dict[str, Record] = {}
    for key, row in probabilities.items():
        scores = dict(zip(labels, row, strict=True))
        over = [label for label, it in scores.items() if it >= label_limit(label, thresholds)]
        records[key] = {"scores": scores, "labels": over, **_ok(thresholds.version)}
    return _evaluated(order, order.rows, records, labels, how, seconds=0.0)


def _train_sentiment(order: Order, store: ModelStore, watch: Watch) -> Product:
    import torch

    from earmark.models.sentiment_head import LABELS
    from earmark.models.static_embedding import load_static_embedding
    from earmark.models.vader import load_vader
    from earmark.processors.signals.text_sentiment import EMBEDDING, VADER
    from earmark.streams.training.sentiment import Recipe, train

    if order.clean or order.tests:
        raise ConfigurationError("text.sentiment is measured on rows held out; give --data alone")
    torch.set_num_threads(1)  # sums in one order: the same seed gives the same head
    vader = load_vader(*(store.path(VADER, name) for name in ("lexicon.txt", "emoji.txt")))
    embedding = load_static_embedding(
        store.path(EMBEDDING), store.path(EMBEDDING, "tokenizer.json")
    )
    recipe = Recipe(seed=order.seed)
    trained = train(order.rows, vader, embedding, recipe, watch)
    held = {"rows": trained.by_row, "sources": trained.by_source}
    return Product(
        task="how people would rate an English text: negative, neutral or positive",
        method="multinomial logit on VADER, hashed words and pieces of words, a static embedding",
        labels=LABELS,
        languages=("en",),
        save=trained.weights.save,
        evaluations={
            f"held-out-{name}": _measured_sentiment(order, said, f"{name} held out")
            for name, said in held.items()
        },
        limits="Every row was answered by a head that was fitted without its fold.",
        recipe=asdict(recipe),
        figures={"calibration_error": {name: dict(it) for name, it in trained.errors.items()}},
    )


def _measured_sentiment(
    order: Order, said: Mapping[str, Mapping[str, float]], how: str
) -> Evaluation:
    """What the evaluation says of answers to rows that were held out."""
    from earmark.processors.signals.text_sentiment import likeliest

    thresholds = shipped_thresholds("text.sentiment")
    records: dict[str, Record] = {}
    for key, probabilities in said.items():
        label = likeliest(probabilities, thresholds["min_probability"])
        records[key] = {
            **_ok(thresholds.version),
            "label": label,
            "confidence": None if label is None else probabilities[label],
            "polarity": None,
        }
    return _evaluated(order, order.rows, records, (), how, seconds=0.0)


def _train_scene(order: Order, store: ModelStore, watch: Watch) -> Product:
    del store  # a network on log-mels stands on no other model
    import torch

    from earmark.models.scene_net import CLASSES, SAMPLE_RATE_HZ
    from earmark.streams.training.fitting import Recipe
    from earmark.streams.training.measurement import hear
    from earmark.streams.training.scene import scorer_with, train

    torch.set_num_threads(1)
    rows = [row for row in order.rows if row.path and row.labels.get("class") in CLASSES]
    if order.clean:
        raise ConfigurationError("--clean is of texts; label recordings class noise or silence")
    if missing := sorted(set(CLASSES) - {str(row.labels["class"]) for row in rows}):
        raise ConfigurationError(f"no recording is labelled class {missing[0]!r}")
    usual = Recipe()
    recipe = Recipe(
        seed=order.seed,
        examples=order.examples or usual.examples,
        epochs=order.epochs or usual.epochs,
    )
    network = train(rows, recipe, watch)
    begun, version = time.perf_counter(), shipped_thresholds(order.signal).version
    tests = [row for row in order.tests if row.path]
    records = {
        row_key(row): {**result.fields, **_ok(version), "outcome": str(result.outcome)}
        for row in tests
        for result in [hear(scorer_with(network), Path(str(row.path)))]
    }
    taken = time.perf_counter() - begun
    return Product(
        task="probabilities that two seconds of sound hold speech, music and noise",
        method="four convolutions over log-mel frames, two over time, statistics, one layer",
        labels=CLASSES,
        sample_rate_hz=SAMPLE_RATE_HZ,
        save=network.save,
        evaluations={"tests": _evaluated(order, tests, records, CLASSES, "tests", seconds=taken)}
        if tests
        else {},
        limits="Measured on the rows of --test, which nothing was fitted to.",
        recipe=asdict(recipe),
        figures={},
    )


def _ok(thresholds: str) -> Record:
    return {
        "outcome": str(OutcomeKind.OK),
        "reason": None,
        "provenance": {"thresholds_version": thresholds},
    }


def _evaluated(
    order: Order,
    rows: Sequence[Row],
    records: Mapping[str, Record],
    labels: Sequence[str],
    how: str,
    *,
    seconds: float,
) -> Evaluation:
    tasks = tasks_of(order.signal)
    used = [row for row in used_rows(rows, tasks) if row_key(row) in records]
    card = ModelCard(
        name=order.name,
        version="1",
        task="",
        licence="",
        files=(SourceFile(name=WEIGHTS, sources=()),),
        labels=tuple(labels),
    )
    scored = Scored(
        spec=load_specs([order.signal])[order.signal],
        card=card,
        records=records,
        rejections={},
        audio_s={},
        seconds=seconds,
        load_seconds=0.0,
        items=len(used),
        device=Device().kind,
        precision=Device().precision,
    )
    names = sorted({row.data for row in used})
    found = measurements(used, tasks, scored)
    return evaluated(found, scored, data=[f"{name} ({how})" for name in names], rows=used)


TRAINERS: Mapping[str, Train] = {
    "text.safety": _train_harm,
    "text.sentiment": _train_sentiment,
    "audio.scene": _train_scene,
}
