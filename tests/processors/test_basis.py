"""A basis changes with what decides a signal's answers, and with nothing else."""

from dataclasses import replace

import pytest

from earmark.models.store import ModelStore
from earmark.processors.basis import Basis, basis_of
from earmark.processors.loader import load_specs
from earmark.processors.signal import SignalSpec
from earmark.processors.threshold import Thresholds, shipped_thresholds

SPEC = load_specs()["text.sentiment"]
CARDS = ModelStore().cards()
SHIPPED = shipped_thresholds(SPEC.name)


def basis(spec: SignalSpec = SPEC, thresholds: Thresholds = SHIPPED) -> Basis:
    return basis_of(spec, CARDS, thresholds)


def test_models_and_methods_are_named_with_their_versions():
    assert basis().models[0] == "text-sentiment 1"
    loudness = basis_of(load_specs()["audio.loudness"], CARDS, Thresholds())
    assert (loudness.models, loudness.thresholds) == (("itu-r-bs.1770-5 2",), "")


@pytest.mark.parametrize(
    "other",
    [
        basis(replace(SPEC, preprocessing_version="next")),
        basis(replace(SPEC, models=("profanity-check",))),
        basis(thresholds=Thresholds(version="x", values={**SHIPPED.values, "min_probability": 1})),
    ],
)
def test_what_decides_the_answers_decides_the_basis(other: Basis):
    assert other.config != basis().config


def test_an_identical_model_under_the_same_name_and_version_but_other_weights_is_told_apart():
    card = CARDS["vader"]
    other = replace(card, files=(replace(card.files[0], sha256="0" * 64), *card.files[1:]))
    changed = basis_of(SPEC, {**CARDS, "vader": other}, SHIPPED)
    assert changed.models == basis().models
    assert changed.config != basis().config


def test_a_mere_version_of_thresholds_changes_nothing_but_what_is_said_of_it():
    other = basis(thresholds=replace(SHIPPED, version="renamed"))
    assert (other.thresholds, other.config) == ("renamed", basis().config)
