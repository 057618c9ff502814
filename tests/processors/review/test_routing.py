"""Questions follow from profile, verdict and budget alone, and none is asked twice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.processors.policy.verdict import verdict_of
from earmark.processors.profile import Profile, ProfileSignal
from earmark.processors.release import golden_record
from earmark.processors.review.budget import Budget
from earmark.processors.review.option import Audit, Options, Sent, Severe, shipped_options
from earmark.processors.review.question import Question, Reason, day_of, question_of
from earmark.processors.review.routing import requests
from earmark.processors.schema import avro_folder, schema_of

PATIENT = settings(deadline=None, max_examples=50)  # a busy machine is no failure
DAY = "2026-11-26"


@dataclass(frozen=True, kw_only=True)
class Match:
    signal: str | None = "text.safety"
    field: str = "scores.hate"
    value: str = "0.9"


@dataclass(frozen=True, kw_only=True)
class Ruling:
    policy: str = "comments"
    rule: str = "hate"
    effect: str = "limit"
    value: str | None = None
    severity: int = 0
    automated: bool = True
    conditions: Sequence[Match] = (Match(),)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    rulings: Sequence[Ruling]
    verdict_id: str = "a" * 32


def safety(labels: tuple[str, ...] = (), **scores: float) -> ProfileSignal:
    return ProfileSignal(
        signal="text.safety",
        outcome="OK",
        signal_id="1" * 32,
        input_digest="2" * 64,
        revision=3,
        event_time=0,
        model="text-harm 1",
        language="en-GB",
        labels=labels,
        numbers={f"scores.{label}": score for label, score in scores.items()},
    )


def profile(*signals: ProfileSignal, content_id: str = "comment-7") -> Profile:
    return Profile(
        content_id=content_id,
        tenant="demo",
        source="app",
        content_type="COMMENT",
        revision=3,
        event_time=0,
        complete=True,
        signals=signals,
    )


def asked(
    of: Profile,
    *rulings: Ruling,
    options: Options | None = None,
    budget: Budget | None = None,
) -> Sequence[Question]:
    options = options or replace(shipped_options(), audit=Audit())
    verdict = Judgement(rulings=rulings) if rulings else None
    return requests(of, verdict, options, budget=budget or Budget(options), day=DAY)


AUDITED = Options(audit=Audit(rate=1.0, signals={"text.safety": "labels"}))


def test_a_score_near_its_threshold_is_asked_about_once_with_all_near_ones() -> None:
    (question,) = asked(profile(safety(("hate",), hate=0.55, harassment=0.45, profanity=0.45)))
    assert question.reason == Reason.UNCERTAIN
    assert [subject.field for subject in question.subjects] == ["scores.harassment", "scores.hate"]
    assert (question.asks, question.chance) == ("labels", 1.0)
    assert question.stratum == "COMMENT/en/harassment"
    assert 0.0 < question.priority < 1.0


def test_the_margin_is_in_logits_around_the_threshold_of_the_label() -> None:
    assert asked(profile(safety(profanity=0.75)))  # threshold 0.8
    assert not asked(profile(safety(hate=0.75)))  # threshold 0.5
    assert not asked(profile(safety(hate=1.0)))


def test_a_signal_that_gave_no_answer_is_not_in_doubt() -> None:
    assert not asked(profile(replace(safety(hate=0.5), outcome="ERROR")))


def test_a_grave_rule_and_one_that_sends_to_review_are_asked_about_each_once() -> None:
    grave = [Ruling(severity=5, effect=effect) for effect in ("limit", "label")]
    sent = Ruling(rule="sent", effect="review", value="hotline")
    found = asked(profile(safety(hate=0.99)), *grave, sent, Ruling(rule="mild", severity=4))
    assert [(each.reason, each.rule, each.queue) for each in found] == [
        (Reason.SEVERE, "hate", "severe"),
        (Reason.POLICY, "sent", "hotline"),
    ]
    assert found[0].subjects[0].score == 0.99
    assert found[0].verdict_id == "a" * 32


def test_what_a_human_ruled_is_not_sent_to_humans() -> None:
    assert not asked(profile(safety(hate=0.99)), Ruling(severity=7, automated=False))


def test_the_same_question_has_the_same_id_until_the_input_changes() -> None:
    first, again = safety(hate=0.5), replace(safety(hate=0.51), signal_id="9" * 32)
    changed = replace(first, input_digest="3" * 64)
    ids = [asked(profile(signal))[0].request_id for signal in (first, again, changed)]
    assert ids[0] == ids[1] != ids[2]


def test_nothing_is_asked_or_counted_twice_also_after_the_budget_came_back() -> None:
    budget = Budget(AUDITED)
    found = asked(profile(safety()), options=AUDITED, budget=budget)
    restored = Budget.restored(AUDITED, [*found, *found])
    assert len(found) == 1
    for each in (budget, restored):
        assert not asked(profile(safety()), options=AUDITED, budget=each)
        assert each.spent(DAY) == {Reason.AUDIT: {"COMMENT/en/none": 1}}


def test_a_draw_is_the_same_on_every_host_and_another_with_another_seed() -> None:
    items = [profile(safety(), content_id=f"c{i}") for i in range(2_000)]

    def drawn(seed: str) -> set[str]:
        audit = Audit(rate=0.1, signals={"text.safety": "labels"})
        options = Options(seed=seed, audit=audit)
        return {each.content_id for item in items for each in asked(item, options=options)}

    assert drawn("a") == drawn("a") != drawn("b")
    assert 150 < len(drawn("a")) < 250
    assert len(drawn("a") & drawn("b")) < 50


def test_a_stratum_takes_no_more_than_its_share_of_the_day() -> None:
    options = Options(policy=Sent(per_day=8), stratum_share=0.5)
    budget = Budget(options)

    def ask(number: int, rule: str) -> int:
        ruling = Ruling(rule=rule, effect="review", conditions=())
        item = profile(content_id=f"{rule}{number}")
        return len(asked(item, ruling, options=options, budget=budget))

    assert sum(ask(number, "spam") for number in range(20)) == 4
    assert sum(ask(number, "hate") for number in range(20)) == 4
    assert ask(0, "third") == 0


def test_severe_rules_are_not_bounded_unless_that_is_asked_for() -> None:
    options = Options(severe=Severe())
    budget = Budget(options)
    for number in range(500):
        item = profile(safety(hate=0.9), content_id=str(number))
        assert len(asked(item, Ruling(severity=6), options=options, budget=budget)) == 1


def test_estimates_are_right_though_the_chance_falls_as_the_budget_is_spent() -> None:
    """Horvitz-Thompson: the sum of 1/chance over the drawn estimates how many there are."""
    audit = Audit(rate=0.2, per_day=60, signals={"text.safety": "labels"})
    totals, smallest = [], 1.0
    for seed in range(30):
        options = Options(seed=str(seed), stratum_share=1.0, audit=audit)
        budget, drawn = Budget(options), list[Question]()
        for number in range(400):
            item = profile(safety(), content_id=str(number))
            drawn += asked(item, options=options, budget=budget)
        totals.append(sum(1 / each.chance for each in drawn))
        smallest = min(smallest, *(each.chance for each in drawn))
    assert 370 < sum(totals) / len(totals) < 430
    assert smallest < 0.1


def test_the_chance_of_a_doubtful_item_is_that_of_either_draw() -> None:
    shipped = shipped_options()
    halved = tuple(replace(each, rate=0.5) for each in shipped.uncertain.signals)
    options = replace(
        AUDITED,
        uncertain=replace(shipped.uncertain, signals=halved, per_day=None),
        audit=replace(AUDITED.audit, rate=0.5),
    )
    items = (profile(safety(hate=0.5), content_id=str(number)) for number in range(400))
    found = [each for item in items for each in asked(item, options=options)]
    assert {each.chance for each in found} == {0.75}
    assert 260 < len(found) < 340
    assert {each.reason for each in found} == {Reason.UNCERTAIN, Reason.AUDIT}


def test_strata_have_rates_of_their_own() -> None:
    audit = shipped_options().audit
    assert audit.rate_of("COMMENT/en/none") == 0.005
    assert audit.rate_of("COMMENT/en/hate") == 0.01


@PATIENT
@given(st.integers(min_value=0, max_value=4_000_000_000_000))
def test_a_day_is_in_utc(milliseconds: int) -> None:
    assert day_of(milliseconds) <= day_of(milliseconds + 1)
    assert day_of(milliseconds // 86_400_000 * 86_400_000) == day_of(milliseconds)


def test_a_question_reads_back_from_its_record() -> None:
    record = golden_record(avro_folder(), schema_of("review.requests.v1"))
    assert question_of(record).record() == record
    (question,) = asked(profile(safety(hate=0.5)))
    assert question_of(question.record()) == question
    assert record.keys() == question.record().keys()


@pytest.mark.parametrize("name", ["signal", "input_digest"])
def test_a_question_about_a_verdict_is_about_no_one_signal(name: str) -> None:
    (question,) = asked(profile(safety(hate=0.99)), Ruling(severity=7))
    assert getattr(question, name) is None


def test_a_verdict_of_the_policies_is_asked_about_as_it_is() -> None:
    record = dict(golden_record(avro_folder(), schema_of("verdicts.v1")))
    graver = [{**ruling, "severity": 7} for ruling in record["rulings"]]
    verdict = verdict_of({**record, "rulings": graver})
    options = shipped_options()
    (question,) = requests(
        profile(safety(hate=0.99)), verdict, options, budget=Budget(options), day=DAY
    )
    assert question.reason == Reason.SEVERE
    assert (question.policy, question.rule) == (graver[0]["policy"], graver[0]["rule"])
    assert {each.effect for each in question.effects} == set(record["effects"])
