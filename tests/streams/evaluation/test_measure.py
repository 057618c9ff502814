import random

import jiwer
import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from earmark.streams.evaluation.measure import (
    Choice,
    Judgement,
    Span,
    classification,
    detection,
    occurrence,
    quantity,
)
from earmark.streams.evaluation.measure_group import false_alarms_by_group
from earmark.streams.evaluation.measure_sequence import edits, neighbours, spans, stretches, words
from earmark.streams.evaluation.measure_tempo import Tempo, tempo


def test_what_was_not_answered_lowers_coverage_and_figures_of_all_but_not_the_others(case):
    cases = [
        case(True, Judgement(score=0.9, positive=True)),
        case(True, None),
        case(False, Judgement(score=0.1, positive=False)),
        case(False, Judgement(score=0.8, positive=True)),
    ]
    found = detection(cases)
    values = found.values
    assert found.roc == ((0, 0), (0, 1), (0.5, 1), (1, 1))
    assert values["recall"] == 1
    assert values["recall_of_all"] == 0.5
    assert values["coverage"] == 0.75
    assert values["precision"] == 0.5
    assert values["false_alarm_rate"] == 0.5
    assert values["auc"] == 1


def test_accuracy_is_of_the_answered_and_balanced_accuracy_weighs_classes_alike(case):
    truth, said = "aaaabbc", "aaabbac"
    cases = [case(t, Choice(label=s)) for t, s in zip(truth, said, strict=True)]
    cases.append(case("c", None))
    values = classification(cases).values
    assert values["accuracy"] == pytest.approx(5 / 7)
    assert values["accuracy_of_all"] == pytest.approx(5 / 8)
    assert values["balanced_accuracy"] == pytest.approx(
        balanced_accuracy_score(list(truth), list(said))
    )


def test_word_edits_are_those_of_jiwer():
    pick = random.Random(3)
    for _ in range(60):
        wanted = [pick.choice("abcd") for _ in range(pick.randint(1, 12))]
        said = [pick.choice("abcd") for _ in range(pick.randint(0, 12))]
        counted = jiwer.process_words(" ".join(wanted), " ".join(said))
        assert edits(wanted, said) == (
            counted.substitutions + counted.deletions + counted.insertions
        )


def test_word_error_is_over_all_words_and_blind_to_spelling_that_means_the_same(case):
    cases = [
        case("Mr. Smith has twenty-one colours.", "mister smith has 21 colors", language="en"),
        case("a red fox runs home", "a red runs home", language="en"),
        case("never read", None, language="en"),
        case("¿Dónde está?", "dónde está", language="es"),
        case("The caller was ...", "the caller was", language="en"),
    ]
    values = words(cases).values
    assert values["word_error"] == pytest.approx(1 / 15)
    assert values["word_error_of_all"] == pytest.approx(3 / 17)
    assert values["exact"] == 0.75


def test_quantities_agree_within_a_bound_and_say_to_which_side_they_lean(case):
    values = quantity(within=0.1)([case(1.0, 1.05), case(2.0, 2.3), case(3.0, None)]).values
    assert values["mae"] == pytest.approx(0.175)
    assert values["bias"] == pytest.approx(0.175)
    assert values["within"] == 0.5
    assert values["largest_error"] == pytest.approx(0.3)


def test_a_span_is_found_once_by_one_of_its_kind_that_overlaps_it_enough(case):
    def span(kind, start, end):
        return Span(kind=kind, start=start, end=end)

    truth = [span("EMAIL_ADDRESS", 0, 10), span("PHONE_NUMBER", 20, 30), span("PERSON", 40, 50)]
    said = [span("EMAIL", 1, 10), span("EMAIL", 0, 10), span("PHONE", 28, 40)]
    kinds = {"EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE"}
    values = spans(kinds=kinds)([case(truth, said)]).values
    assert values["recall"] == 0.5
    assert values["precision"] == pytest.approx(1 / 3)
    assert values["f1"] == pytest.approx(0.4)


def test_segment_error_is_time_missed_and_made_up_over_time_there(case):
    truth = [Span(kind="speech", start=1_000, end=2_000)]
    said = [Span(kind="speech", start=1_200, end=2_300)]
    values = stretches([case(truth, said)]).values
    assert values["segment_error"] == pytest.approx(0.5)
    assert values["missed"] == pytest.approx(0.2)
    assert values["made_up"] == pytest.approx(0.3)


def test_a_hit_is_a_nearest_other_vector_of_the_same_family(case):
    cases = [
        case("a", np.array([1.0, 0.0])),
        case("a", np.array([0.9, 0.1])),
        case("b", np.array([0.0, 1.0])),
        case("b", np.array([1.0, 0.05])),
        case("alone", np.array([0.0, -1.0])),
    ]
    values = neighbours(cases).values
    assert values["hit_rate_1"] == 0  # the last b lies between the two a
    assert values["hit_rate_5"] == 1
    assert values["chance"] == pytest.approx(1 / 4)


def test_random_vectors_hit_as_often_as_chance_says(case):
    random = np.random.default_rng(5)
    cases = [case(str(i % 4), random.normal(size=16)) for i in range(400)]
    values = neighbours(cases).values
    assert values["hit_rate_1"] == pytest.approx(values["chance"], abs=0.07)


@pytest.mark.parametrize(
    ("said", "within", "octave"), [(121.0, 1, 1), (60.5, 0, 1), (239.0, 0, 1), (90.0, 0, 0)]
)
def test_a_tempo_may_be_an_octave_away(case, said, within, octave):
    values = tempo([case(120.0, Tempo(bpm=said))]).values
    assert (values["within"], values["within_octave"]) == (within, octave)


def test_the_group_with_most_false_alarms_is_set_against_the_mean(case):
    def clean(group, positive):
        return case(group, Judgement(score=0.5, positive=positive))

    cases = [clean("a", True), clean("a", False), clean("b", False), clean("b", False)]
    values = false_alarms_by_group(cases).values
    assert values["worst_false_alarm_rate"] == 0.5
    assert values["mean_false_alarm_rate"] == 0.25
    assert values["worst_over_mean"] == 2
    quiet = false_alarms_by_group([clean("a", False), clean("b", False)]).values
    assert quiet["worst_over_mean"] == 1


def test_a_rate_is_of_what_was_answered(case):
    assert occurrence([case("x", True), case("x", False), case("x", None)]).values["rate"] == 0.5
