"""What is computed when some answers are known."""

from collections.abc import Mapping

import pytest

from earmark.processors.identity import AnswerKey
from earmark.processors.loader import load_specs
from earmark.processors.outcome import Result
from earmark.processors.plan import Plan, nothing_kept, plan_for

AUDIO = {"audio.integrity", "audio.loudness", "audio.speech", "audio.transcript"}
TEXTS = {"text.language", "text.safety", "text.embedding"}
SPECS = load_specs(AUDIO | TEXTS)
KEYS = {name: AnswerKey(input_digest=name, config_hash="c") for name in SPECS}


def plan(
    *standing: str, kept: Mapping[str, Result] | None = None, asked: set[str] | None = None
) -> Plan:
    results = kept or {}
    by_topic = {SPECS[name].topic: name for name in SPECS}
    return plan_for(
        SPECS,
        KEYS,
        asked=asked or set(SPECS),
        standing={SPECS[name].topic: KEYS[name] for name in standing},
        recall=(lambda topic, _: results.get(by_topic[topic])) if results else nothing_kept,
    )


def test_where_nothing_is_known_everything_is_computed():
    assert plan().computed == plan().wanted == set(SPECS)
    assert plan().hears


def test_where_everything_stands_nothing_is_computed():
    done = plan(*SPECS)
    assert (done.computed, done.is_done, done.hears) == (set(), True, False)


def test_an_answer_of_another_configuration_does_not_stand():
    old = {SPECS[n].topic: AnswerKey(input_digest=n, config_hash="old") for n in SPECS}
    made = plan_for(SPECS, KEYS, asked=set(SPECS), standing=old, recall=nothing_kept)
    assert made.computed == set(SPECS)


def test_a_new_title_hears_the_audio_only_for_what_reads_the_words_spoken():
    assert plan(*AUDIO).hears  # the transcript, for text.safety
    made = plan(*AUDIO, kept={"audio.transcript": Result.ok(text="words")})
    assert made.wanted == made.computed == TEXTS
    assert not made.hears
    assert made.known.keys() == {"audio.transcript"}


def test_what_a_need_needs_is_not_computed_where_the_need_is_kept():
    made = plan(kept={"audio.transcript": Result.ok()}, asked={"text.safety"})
    assert made.computed == {"text.safety", "text.language"}


def test_clips_are_cut_by_what_runs_even_where_its_answer_is_kept():
    made = plan(kept={"audio.speech": Result.ok()}, asked={"audio.transcript"})
    assert made.computed == {"audio.speech", "audio.transcript"}


@pytest.mark.parametrize("name", sorted(SPECS))
def test_what_is_kept_is_answered_without_being_computed(name: str):
    made = plan(kept={name: Result.ok()}, asked={name})
    assert (made.wanted, made.computed, set(made.known)) == ({name}, set(), {name})
