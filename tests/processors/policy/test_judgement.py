"""A verdict is a function of profile, policies and human decisions, whatever came before."""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earmark.processors.codec import Codec
from earmark.processors.policy.decision import (
    VALUE,
    VERDICT,
    DecidedEffect,
    Decision,
    corrected,
    decisions_of,
)
from earmark.processors.policy.judgement import decide, decide_fast, with_signal
from earmark.processors.policy.policy import Policy, digest_of
from earmark.processors.policy.shelf import shipped_policies
from earmark.processors.policy.verdict import Verdict, verdict_of, verdict_record
from earmark.processors.profile import Profile, ProfileSignal
from earmark.processors.schema import schema_of
from tests.processors.policy.sample import golden, golden_profile, policy, profile, said

SHIPPED = shipped_policies()
# each example compiles policies: slow by the measure of a machine that does much else
PROPERTY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
COMPARISONS = (
    "text.safety scores.hate >= 0.5",
    "text.safety labels has hate, spam",
    "text.safety severity >= 4",
    "text.safety outcome = ERROR",
    "text.pii labels has email",
    "text.language language = en",
    "content.explicit parental_warning = Explicit",
    "item language in en, de",
    "item content_type = COMMENT",
)
LABELS = ("hate", "spam", "violence")
shares = st.floats(0, 1)
outcomes = st.sampled_from(("OK", "ABSTAINED", "ERROR"))
times = st.integers(0, 4_000_000_000_000)


@st.composite
def signals(draw: st.DrawFn) -> tuple[ProfileSignal, ...]:
    labels = draw(st.lists(st.sampled_from(LABELS), unique=True).map(tuple))
    numbers = {f"scores.{label}": draw(shares) for label in LABELS} | {"severity": 4.0}
    every = (
        said("text.safety", outcome=draw(outcomes), labels=labels, numbers=numbers),
        said("text.pii", labels=draw(st.sampled_from(((), ("email",), ("card", "email"))))),
        said("text.language", language=draw(st.sampled_from((None, "en", "fr")))),
        said("content.explicit"),
    )
    return tuple(draw(st.lists(st.sampled_from(every), unique_by=lambda it: it.signal)))


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    found = draw(signals())
    expected = draw(st.sets(st.sampled_from(("text.safety", "text.pii", "text.language"))))
    return profile(
        *found,
        expected=tuple(sorted(expected)),
        complete=expected <= {signal.signal for signal in found},
        language=draw(st.sampled_from((None, "en-US", "fr"))),
        regions=draw(st.sampled_from(((), ("DE", "US"), ("FR",)))),
        revision=draw(st.integers(1, 2)),
        event_time=draw(times),
    )


@st.composite
def conditions(draw: st.DrawFn, comparisons: tuple[str, ...] = COMPARISONS) -> str:
    leaves = st.sampled_from(comparisons).map(lambda text: f'"{text}"')
    return draw(
        st.recursive(
            leaves,
            lambda inner: st.one_of(
                inner.map(lambda it: f"{{ not = {it} }}"),
                st.tuples(st.sampled_from(("all", "any")), inner, inner).map(
                    lambda it: f"{{ {it[0]} = [{it[1]}, {it[2]}] }}"
                ),
            ),
            max_leaves=4,
        )
    )


@st.composite
def policies(draw: st.DrawFn, comparisons: tuple[str, ...] = COMPARISONS) -> Policy:
    rules = [
        f"when = {draw(conditions(comparisons))}\nseverity = {draw(st.integers(0, 7))}\n"
        + draw(st.sampled_from(("", 'expires_after = "1 day"\n', 'regions = ["DE"]\n')))
        + draw(st.sampled_from(('effect = "review"', 'effect = "label"\nvalue = "x"')))
        for _ in range(draw(st.integers(1, 4)))
    ]
    return policy(*rules)


def value(field: str, *values: str, **fields: Any) -> Decision:
    digest = said("text.safety").input_digest
    made = Decision(decision_id="d", annotator="a", decided_at=1, kind=VALUE, signal="text.safety")
    return replace(made, **{"field": field, "values": values, "input_digest": digest, **fields})


decided = st.lists(
    st.one_of(
        st.builds(
            value,
            st.sampled_from(("scores.hate", "severity", "language")),
            st.sampled_from(("0", "1", "7", "true", "en", "?")),
            decided_at=times,
            decision_id=st.sampled_from("abc"),
        ),
        st.builds(lambda them: value("labels", *them), st.lists(st.sampled_from(LABELS))),
        st.builds(
            Decision,
            decision_id=st.sampled_from("def"),
            annotator=st.just("a"),
            decided_at=times,
            kind=st.just(VERDICT),
            revision=st.integers(1, 2),
            effects=st.sampled_from(((), (DecidedEffect(effect="limit", value="remove"),))),
        ),
    ),
    max_size=3,
    unique_by=lambda it: (it.decided_at, it.decision_id),
)


@PROPERTY
@given(profiles(), policies(), decided, st.randoms())
def test_no_order_matters(of: Profile, by: Policy, told: list[Decision], shuffled: Any) -> None:
    verdict = decide(of, [by, *SHIPPED], decisions=told)
    turned = replace(of, signals=shuffled.sample(of.signals, len(of.signals)))
    rules = tuple(shuffled.sample(by.rules, len(by.rules)))
    again = [*SHIPPED[::-1], replace(by, rules=rules)]
    assert decide(turned, again, decisions=shuffled.sample(told, len(told))) == verdict
    assert digest_of(again) == digest_of([by, *SHIPPED])


@PROPERTY
@given(profiles(), policies(), policies(), decided)
def test_the_past_changes_only_what_is_said_of_it(
    of: Profile, by: Policy, before: Policy, told: list[Decision]
) -> None:
    fresh = decide(of, [by], decisions=told)
    after = decide(of, [by], decisions=told, previous=decide(of, [before]))
    assert after.says_the_same(fresh)
    assert after.verdict_id == fresh.verdict_id
    assert decide(of, [by], decisions=told, previous=after) == after


@PROPERTY
@given(profiles(), profiles(), policies(), decided)
def test_all_that_no_longer_holds_is_retracted_and_nothing_else(
    was: Profile, of: Profile, by: Policy, told: list[Decision]
) -> None:
    before = decide(was, [by], decisions=told)
    after = decide(of, [by], decisions=told, previous=before)
    gone = {ruling.key for ruling in before.rulings} - {ruling.key for ruling in after.rulings}
    if after.verdict_id != before.verdict_id:
        found = [(it.policy, it.rule, it.effect, it.value or "") for it in after.retracted]
        assert found == sorted(gone)
        assert after.previous_verdict_id == before.verdict_id


@PROPERTY
@given(profiles(), policies(), decided)
def test_verdicts_pass_through_avro(of: Profile, by: Policy, told: list[Decision]) -> None:
    verdict = decide(of, [by], decisions=told)
    codec = Codec(schema_of("verdicts.v1"))
    assert verdict_of(codec.decode(codec.encode(verdict_record(verdict), 1))) == verdict


@PROPERTY
@given(profiles(), decided)
def test_to_correct_twice_is_to_correct_once(of: Profile, told: list[Decision]) -> None:
    once, changed = corrected(of, told)
    assert corrected(once, told) == (once, changed)


@PROPERTY
@given(profiles(), policies(tuple(it for it in COMPARISONS if "text.safety" in it)))
def test_what_fast_rules_say_of_a_signal_alone_holds_of_the_whole(of: Profile, by: Policy) -> None:
    fast = replace(by, rules=tuple(replace(rule, fast=True) for rule in by.rules))
    alone = replace(of, signals=tuple(it for it in of.signals if it.signal == "text.safety"))
    early = decide_fast(alone, [fast])
    whole = decide(of, [fast])
    assert {ruling.key for ruling in early.rulings} <= {ruling.key for ruling in whole.rulings}
    assert decide(of, [fast], previous=early).says_the_same(whole)
    assert not early.complete


def test_nothing_holds_is_a_verdict_too() -> None:
    verdict = decide(profile(said("text.safety", numbers={}, labels=())), SHIPPED)
    assert (verdict.rulings, verdict.effects, verdict.severity) == ((), (), 0)
    assert verdict.automated


HATE = policy('when = "text.safety scores.hate >= 0.5"\neffect = "limit"\nseverity = 4')
HATED = profile(said("text.safety", numbers={"scores.hate": 0.9}, labels=("hate",)))


def test_a_human_verdict_overrides_for_its_revision() -> None:
    record = golden("review.decisions.v1")
    human = replace(decisions_of(record)[0], kind=VERDICT, revision=HATED.revision, note="Fine.")
    none = decide(HATED, [HATE], decisions=[replace(human, effects=())])
    assert (none.rulings, none.automated, none.decision_id) == ((), False, human.decision_id)
    limit = DecidedEffect(effect="limit", value="remove")
    held = decide(HATED, [HATE], decisions=[replace(human, effects=(limit,))])
    (ruling,) = held.rulings
    assert (ruling.policy, ruling.value, ruling.severity, ruling.reason) == (
        "human",
        "remove",
        4,
        "Fine.",
    )
    later = replace(HATED, revision=HATED.revision + 1)
    assert decide(later, [HATE], decisions=[replace(human, effects=())]).automated


def test_a_human_value_holds_for_the_same_input_only() -> None:
    fine = value("labels")
    assert decide(HATED, [HATE], decisions=[fine]).rulings == ()
    assert not decide(HATED, [HATE], decisions=[fine]).automated
    other = replace(fine, input_digest="0" * 64)
    assert decide(HATED, [HATE], decisions=[other]) == decide(HATED, [HATE])


def test_a_ruling_that_rests_on_a_human_value_says_so() -> None:
    quiet = profile(said("text.safety", numbers={"scores.hate": 0.1}, labels=()))
    (ruling,) = decide(quiet, [HATE], decisions=[value("scores.hate", "1")]).rulings
    assert not ruling.automated
    assert ruling.conditions[0].value == "1"


def test_the_newest_of_two_decisions_holds() -> None:
    old, new = value("labels", decided_at=1), value("labels", "hate", decided_at=2)
    assert decide(HATED, [HATE], decisions=[new, old]).rulings
    assert not decide(HATED, [HATE], decisions=[replace(old, decided_at=3), new]).rulings
    limit = DecidedEffect(effect="limit")
    verdict = replace(old, kind=VERDICT, revision=HATED.revision, effects=(limit,))
    none = replace(verdict, effects=(), decided_at=2)
    assert not decide(HATED, [HATE], decisions=[verdict, none]).rulings
    assert decide(HATED, [HATE], decisions=[replace(verdict, decided_at=3), none]).rulings


def test_who_says_a_score_says_so_of_its_label() -> None:
    by = policy('when = "text.safety labels has hate"')
    assert decide(HATED, [by]).rulings
    assert not decide(HATED, [by], decisions=[value("scores.hate", "false")]).rulings


def test_an_id_names_the_answers_and_the_decision_not_the_last_digits_of_scores() -> None:
    moved = replace(HATED, signals=(replace(HATED.signals[0], numbers={"scores.hate": 0.91}),))
    assert decide(moved, [HATE]).verdict_id == decide(HATED, [HATE]).verdict_id
    other = replace(HATED, signals=(replace(HATED.signals[0], signal_id="f" * 32),))
    assert decide(other, [HATE]).verdict_id != decide(HATED, [HATE]).verdict_id
    none = value("labels", kind=VERDICT, revision=HATED.revision)
    decided = decide(HATED, [], decisions=[none])
    assert decided.rulings == decide(HATED, []).rulings
    assert decided.verdict_id != decide(HATED, []).verdict_id


def test_expiry_counts_from_the_event() -> None:
    by = policy('when = "text.safety scores.hate >= 0.5"\nexpires_after = "2 hours"')
    (ruling,) = decide(HATED, [by]).rulings
    assert ruling.expires_at == HATED.event_time + 7_200_000


def test_a_ruling_holds_in_those_of_its_regions_where_the_item_is() -> None:
    rule = 'when = "text.safety scores.hate >= 0.5"\nregions = ["DE", "FR"]'
    assert decide(HATED, [policy(rule)]).rulings[0].regions == ("DE",)
    assert decide(replace(HATED, regions=()), [policy(rule)]).rulings[0].regions == ("DE", "FR")
    assert decide(replace(HATED, regions=("US",)), [policy(rule)]).rulings == ()


def test_a_scope_keeps_a_policy_to_its_items() -> None:
    rule = 'when = "text.safety scores.hate >= 0.5"'
    for scope, holds in (
        ('content_types = ["TRACK"]', False),
        ('tenants = ["demo"]', True),
        ('languages = ["de", "en"]', True),
        ('languages = ["de"]', False),
        ('regions = ["FR"]', False),
    ):
        made = policy(rule, head=f"[scope]\n{scope}")
        assert bool(decide(HATED, [made]).rulings) is holds, scope


def test_a_fast_rule_waits_until_the_item_is_known_to_be_in_scope() -> None:
    rule = 'when = "text.safety scores.hate >= 0.5"\nfast = true'
    alone = replace(HATED, language=None, regions=())
    for scope in ('languages = ["en"]', 'regions = ["DE"]'):
        by = policy(rule, head=f"[scope]\n{scope}")
        assert not decide_fast(alone, [by]).rulings
        assert decide_fast(HATED, [by]).rulings


def test_fast_rules_add_to_what_slow_rules_said() -> None:
    slow = 'name = "slow"\nwhen = "text.pii labels has email"'
    fast = 'name = "fast"\nwhen = "text.safety scores.profanity >= 0.9"\nfast = true'
    by = policy(slow, fast)
    before = decide(profile(said("text.pii", labels=("email",))), [by])
    partial = with_signal(None, "text.safety", golden("signals.text.safety.v1"))
    after = decide_fast(partial, [by], previous=before)
    assert [ruling.rule for ruling in after.rulings] == ["fast", "slow"]
    assert after.retracted == ()
    assert [it.rule for it in decide_fast(partial, [by]).rulings] == ["fast"]
    quiet = replace(partial, signals=(said("text.safety", numbers={}, labels=()),))
    taken_back = decide_fast(quiet, [by], previous=after)
    assert [it.rule for it in taken_back.rulings] == ["slow"]
    assert [it.rule for it in taken_back.retracted] == ["fast"]
    changed = replace(by, sha256="0" * 64)
    assert [it.rule for it in decide_fast(partial, [changed], previous=before).rulings] == ["fast"]


def test_a_signal_is_put_into_the_profile_that_is_there() -> None:
    record = {**golden("signals.text.safety.v1"), "revision": 2}
    known = golden_profile()
    made = with_signal(known, "text.safety", record)
    assert made.regions == known.regions
    assert made.revision == known.revision
    assert [it.signal for it in made.signals] == [it.signal for it in known.signals]
    found = made.signal("text.safety")
    assert found is not None
    assert found.signal_id == record["signal_id"]
    newer = with_signal(known, "text.safety", {**record, "revision": 9, "language": "de"})
    assert (newer.revision, newer.language) == (9, "de")


def evidence_of(verdict: Verdict) -> list[tuple[str, str | None, int | None, int | None]]:
    return [(it.kind, it.label, it.start, it.end) for it in verdict.rulings[0].evidence]


def test_evidence_is_where_the_record_of_the_same_answer_says_so() -> None:
    record = golden("signals.text.safety.v1")
    of = profile(said("text.safety"))
    by = policy('when = "text.safety scores.profanity >= 0.9"')
    with_places = decide(of, [by], records={"text.safety": record})
    assert evidence_of(with_places) == [("span", "profanity", 0, 16)]
    assert with_places.rulings[0].applied_input_types == ("audio", "text")
    other = {**record, "signal_id": "f" * 32}
    assert evidence_of(decide(of, [by], records={"text.safety": other})) == []
    assert with_places.verdict_id == decide(of, [by]).verdict_id


def test_evidence_is_of_the_label_that_is_asked_for() -> None:
    record = golden("signals.text.pii.v1")
    by = policy('when = "text.pii labels has phone, card"')
    verdict = decide(profile(said("text.pii")), [by], records={"text.pii": record})
    assert evidence_of(verdict) == [("span", "phone", 0, 12)]


def test_stretches_of_a_recording_are_evidence_too() -> None:
    record = golden("signals.audio.speech.v1")
    by = policy('when = "audio.speech speech_share >= 0"')
    verdict = decide(profile(said("audio.speech")), [by], records={"audio.speech": record})
    first = record["segments"][0]
    assert ("time_range", None, first["start_ms"], first["end_ms"]) in evidence_of(verdict)


def test_what_is_said_is_shown_where_it_is_heard() -> None:
    safety, heard = golden("signals.text.safety.v1"), golden("signals.audio.transcript.v1")
    segments = [
        {**heard["segments"][0], "text": "good morning", "start_ms": 0, "end_ms": 900},
        {**heard["segments"][0], "text": "damn it", "start_ms": 1_000, "end_ms": 1_800},
    ]
    span = {"field": "transcript", "start": 13, "end": 17, "label": "profanity", "score": 0.9}
    records = {
        "text.safety": {**safety, "spans": [span], "source_signal_id": heard["signal_id"]},
        "audio.transcript": {**heard, "segments": segments},
    }
    of = profile(said("text.safety"), said("audio.transcript"))
    by = policy('when = "text.safety scores.profanity >= 0.9"')
    assert evidence_of(decide(of, [by], records=records)) == [
        ("time_range", "profanity", 1_000, 1_800),
        ("span", "profanity", 13, 17),
    ]
    records["text.safety"]["source_signal_id"] = "of another time"
    assert evidence_of(decide(of, [by], records=records)) == [("span", "profanity", 13, 17)]


def test_of_many_places_the_surest_of_the_label_are_shown() -> None:
    record = golden("signals.text.safety.v1")
    spans = [
        {**record["spans"][0], "start": at, "end": at + 1, "score": at / 100, "label": label}
        for at in range(30)
        for label in ("profanity", "hate")
    ]
    records = {"text.safety": {**record, "spans": spans}}
    by = policy('when = "text.safety scores.profanity >= 0.9"')
    found = evidence_of(decide(profile(said("text.safety")), [by], records=records))
    assert found == [("span", "profanity", at, at + 1) for at in range(29, 9, -1)]


def test_only_stretches_that_are_as_the_rule_says_are_shown() -> None:
    record = golden("signals.audio.speech_quality.v1")
    poor, good = (
        {**record["segments"][0], "start_ms": at, "mos": mos} for at, mos in ((0, 1.5), (1, 4))
    )
    by = policy('when = "audio.speech_quality mos < 2"')
    of = profile(said("audio.speech_quality", numbers={"mos": 1.8}))
    records = {"audio.speech_quality": {**record, "segments": [good, poor]}}
    assert [it[2] for it in evidence_of(decide(of, [by], records=records))] == [0]


def test_a_signal_that_failed_neither_confirms_nor_denies() -> None:
    failed = profile(said("text.safety", outcome="ERROR", numbers={}, labels=()))
    hate = '"text.safety labels has hate"'
    by = policy(
        f"when = {hate}", f"when = {{ not = {hate} }}", 'when = "text.safety outcome = ERROR"'
    )
    assert [it.rule for it in decide(failed, [by]).rulings] == ["rule-2"]
    told = [it.rule for it in decide(failed, [by], decisions=[value("labels", "hate")]).rulings]
    assert told == ["rule-0", "rule-2"]
    skipped = profile(said("text.safety", outcome="SKIPPED", numbers={}, labels=()))
    lacks = policy('when = "text.safety labels lacks hate"', f"when = {{ not = {hate} }}")
    assert [it.rule for it in decide(skipped, [lacks]).rulings] == ["rule-1"]
