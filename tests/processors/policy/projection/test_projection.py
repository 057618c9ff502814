"""Whatever a verdict says, its projections have the shapes that others published."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from earmark.processors.error import ConfigurationError
from earmark.processors.policy.decision import VERDICT, DecidedEffect, Decision
from earmark.processors.policy.effect import LIMITS, WARNINGS
from earmark.processors.policy.judgement import decide
from earmark.processors.policy.projection.atproto import labels
from earmark.processors.policy.projection.ddex import parental_warning_xml, parental_warnings
from earmark.processors.policy.projection.dsa import NEAREST, category_of, statement
from earmark.processors.policy.projection.openai import moderation
from earmark.processors.policy.shelf import shipped_policies
from earmark.processors.policy.verdict import Match, Retraction, Ruling, Verdict
from earmark.processors.profile import Profile
from earmark.processors.taxonomy.harm import harms, schemes
from tests.processors.policy.sample import golden_profile, policy, profile, said

NOW = datetime(2026, 11, 26, 5, 0, 0, 123000, tzinfo=UTC)
WHO = {"src": "did:plc:z72i7hdynmk6r22z27h6tvur", "uri": "at://did:web:example.org/a.b.c/k"}
NAMES = sorted(harms())

matches = st.one_of(
    st.builds(
        lambda name, score: Match(
            signal="text.safety", field=f"scores.{name}", operator=">=", expected="0.5", value=score
        ),
        st.sampled_from(NAMES),
        st.floats(0, 1).map(lambda it: f"{it:.6g}"),
    ),
    st.builds(
        lambda found: Match(
            signal="text.pii", field="labels", operator="has", expected="card", value=found
        ),
        st.sampled_from(("card", "card, email")),
    ),
    st.just(Match(signal="text.safety", field="severity", operator=">=", expected="4", value="5")),
    st.just(Match(field="language", operator="=", expected="en", value="en")),
)
effects = st.one_of(
    st.tuples(st.just("limit"), st.sampled_from(LIMITS)),
    st.tuples(st.just("mark-explicit"), st.sampled_from(WARNINGS)),
    st.tuples(st.just("age-rate"), st.sampled_from(("16", "18"))),
    st.tuples(st.just("label"), st.sampled_from(("spam", "self_harm", "personal-data"))),
    st.tuples(st.just("review"), st.none()),
    st.tuples(st.just("notify"), st.just("team")),
)
texts = st.sampled_from(("Hate is kept out.", "\N{SNOWMAN}\n" * 3_000))
FRESH = decide(golden_profile(), [])


@st.composite
def verdicts(draw: st.DrawFn) -> Verdict:
    rulings = [
        Ruling(
            policy="test",
            policy_version="1",
            policy_sha256="0" * 64,
            rule=f"rule-{number}",
            effect=effect,
            value=value,
            reason=draw(st.none() | texts),
            severity=draw(st.integers(0, 7)),
            regions=draw(st.sampled_from(((), ("DE",), ("US",), ("DE", "US")))),
            expires_at=draw(st.none() | st.integers(0, 2_000_000_000_000)),
            conditions=tuple(draw(st.lists(matches, max_size=2))),
            applied_input_types=draw(st.sampled_from(((), ("text",), ("audio", "text")))),
        )
        for number, (effect, value) in enumerate(draw(st.lists(effects, max_size=4)))
    ]
    effect, value = draw(effects)
    return replace(
        FRESH,
        content_type=draw(st.sampled_from(("COMMENT", "TRACK", "OTHER", "HOLOGRAM"))),
        language=draw(st.sampled_from((None, "en-US", "yue"))),
        regions=draw(st.sampled_from(((), ("DE", "US"), ("US",)))),
        automated=draw(st.booleans()),
        decision_id=draw(st.none() | st.just("d")),
        rulings=tuple(rulings),
        retracted=(
            Retraction(policy="p", policy_version="1", rule="r", effect=effect, value=value),
        ),
    )


@cache
def shape(name: str) -> Draft202012Validator:
    """The published shape, as a JSON schema of ours; each names its source."""
    file = Path(__file__).with_name("shape") / f"{name}.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def check(name: str, made: Any) -> None:
    shape(name).validate(json.loads(json.dumps(made)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(verdicts(), st.sampled_from((None, golden_profile())))
def test_every_verdict_has_the_published_shapes(verdict: Verdict, of: Profile | None) -> None:
    check("openai", moderation(verdict, of))
    check("ddex", parental_warnings(verdict, of))
    for label in labels(verdict, created=NOW, **WHO):
        check("atproto", label)
    found = statement(verdict, applied=NOW, profile=of, terms_url="https://example.org/terms")
    if found is not None:
        check("dsa", found)


HATE = policy(
    'name = "hate"\nwhen = "text.safety scores.hate >= 0.5"\neffect = "limit"\nvalue = "remove"\n'
    'severity = 6\nexpires_after = "2 days"',
    'name = "card"\nwhen = "text.pii labels has card"\nseverity = 3\n'
    'effect = "label"\nvalue = "card"',
)
HATED = profile(
    said("text.safety", numbers={"scores.hate": 0.9, "scores.violence": 0.2}, labels=("hate",)),
    said("text.pii", labels=("card",)),
)


def test_openai_flags_what_rulings_are_about_with_our_scores() -> None:
    (result,) = moderation(decide(HATED, [HATE]), HATED)["results"]
    assert result["flagged"]
    assert [code for code, holds in result["categories"].items() if holds] == ["hate"]
    assert result["category_scores"]["violence"] == 0.2
    assert result["category_scores"]["hate/threatening"] == 0.0
    assert result["category_applied_input_types"]["hate"] == ["text"]
    assert result["category_applied_input_types"]["hate/threatening"] == []
    (alone,) = moderation(decide(HATED, [HATE]))["results"]
    assert alone["category_scores"]["hate"] == 0.9
    (fine,) = moderation(decide(HATED, []), HATED)["results"]
    assert not fine["flagged"]


def test_openai_flags_what_was_found_where_the_ruling_is_on_severity() -> None:
    by = policy('when = "text.safety severity >= 4"\neffect = "limit"')
    grave = profile(said("text.safety", numbers={"severity": 5.0}, labels=("violence",)))
    (result,) = moderation(decide(grave, [by]), grave)["results"]
    assert [code for code, holds in result["categories"].items() if holds] == ["violence"]


def test_a_statement_of_reasons_names_restriction_ground_and_end() -> None:
    found = statement(
        decide(HATED, [HATE]), applied=datetime.fromtimestamp(HATED.event_time / 1000, UTC)
    )
    assert found is not None
    check("dsa", found)
    assert found["category"] == "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH"
    assert found["category_addition"] == [
        "STATEMENT_CATEGORY_DATA_PROTECTION_AND_PRIVACY_VIOLATIONS"
    ]
    assert found["decision_visibility"] == [
        "DECISION_VISIBILITY_CONTENT_LABELLED",
        "DECISION_VISIBILITY_CONTENT_REMOVED",
    ]
    assert "end_date_visibility_restriction" not in found  # the label has no end
    assert found["automated_decision"] == "AUTOMATED_DECISION_FULLY"
    assert found["territorial_scope"] == ["DE"]
    assert "scores.hate >= 0.5 (found: 0.9)" in found["decision_facts"]


def test_a_restriction_that_expires_says_when() -> None:
    by = replace(HATE, rules=HATE.rules[:1])
    applied = datetime.fromtimestamp(HATED.event_time / 1000, UTC)
    found = statement(decide(HATED, [by]), applied=applied)
    assert found is not None
    expected = datetime.fromtimestamp(HATED.event_time / 1000 + 2 * 86_400, UTC).date().isoformat()
    assert found["end_date_visibility_restriction"] == expected
    late = statement(decide(HATED, [by]), applied=NOW + timedelta(days=9_000))
    assert late is not None
    assert late["end_date_visibility_restriction"] == late["application_date"]


def test_no_statement_is_due_for_what_restricts_nothing_or_not_here() -> None:
    quality = policy(
        'when = "text.safety scores.hate >= 0.5"\neffect = "review"',
        'when = "item content_type = COMMENT"\neffect = "label"\nvalue = "short"',
    )
    assert statement(decide(HATED, [quality]), applied=NOW) is None
    elsewhere = decide(replace(HATED, regions=("US",)), [HATE])
    assert elsewhere.rulings
    assert statement(elsewhere, applied=NOW) is None


def test_a_statement_keeps_the_words_of_reviewers_to_the_house() -> None:
    effect = DecidedEffect(effect="limit", value="remove")
    human = Decision(
        decision_id="d",
        annotator="ann",
        decided_at=1,
        kind=VERDICT,
        revision=HATED.revision,
        effects=(effect,),
        note="Mr Smith again",
    )
    found = statement(decide(HATED, [HATE], decisions=[human]), applied=NOW)
    assert found is not None
    check("dsa", found)
    assert "Smith" not in json.dumps(found)
    assert found["automated_decision"] == "AUTOMATED_DECISION_NOT_AUTOMATED"
    assert found["automated_detection"] == "No"


def test_categories_come_from_the_crosswalk() -> None:
    for harm in harms():
        codes = schemes()["dsa"].codes(harm)
        assert category_of(harm) in codes or not codes
    for harm, code in NEAREST.items():
        assert code in schemes()["dsa"].codes(harm)


CARD = 'when = "text.pii labels has card"\neffect = "label"\nvalue = "card"'
EXPLICIT = 'when = "content.explicit parental_warning = Explicit"\neffect = "mark-explicit"\n'


def test_ddex_has_the_strongest_warning_and_other_ones_by_territory() -> None:
    of = profile(said("content.explicit"), regions=())
    here = policy(EXPLICIT + 'value = "ExplicitContentEdited"', EXPLICIT + 'regions = ["DE"]')
    assert parental_warnings(decide(of, [here])) == (
        {"ParentalWarningType": "ExplicitContentEdited"},
        {"ParentalWarningType": "Explicit", "ApplicableTerritoryCode": "DE"},
    )
    assert parental_warning_xml(decide(of, [here])).splitlines() == [
        "<ParentalWarningType>ExplicitContentEdited</ParentalWarningType>",
        '<ParentalWarningType ApplicableTerritoryCode="DE">Explicit</ParentalWarningType>',
    ]


def test_ddex_says_nothing_twice() -> None:
    of = profile(said("content.explicit"), regions=())
    twice = policy(EXPLICIT, EXPLICIT + 'regions = ["DE"]')
    assert parental_warnings(decide(of, [twice])) == ({"ParentalWarningType": "Explicit"},)


def test_ddex_says_what_was_found_where_nothing_is_marked() -> None:
    clean = profile(said("content.explicit", words={"parental_warning": "NotExplicit"}))
    verdict = decide(clean, shipped_policies())
    assert parental_warnings(verdict, clean) == ({"ParentalWarningType": "NotExplicit"},)
    assert parental_warnings(verdict) == ({"ParentalWarningType": "Unknown"},)


def test_atproto_takes_back_what_no_longer_holds() -> None:
    before = decide(HATED, [HATE])
    made = {label["val"]: label for label in labels(before, created=NOW, cid="bafyabcdefg", **WHO)}
    assert set(made) == {"!hide", "card"}
    assert made["!hide"]["exp"].endswith("Z")
    assert "exp" not in made["card"]
    assert made["card"]["cts"] == "2026-11-26T05:00:00.123Z"
    after = decide(profile(HATED.signals[1]), [HATE], previous=before)
    found = {label["val"]: label.get("neg", False) for label in labels(after, created=NOW, **WHO)}
    assert found == {"!hide": True, "card": False}


def test_atproto_keeps_a_label_that_another_rule_still_gives() -> None:
    other = policy(
        'name = "b"\nwhen = "text.pii labels has card"\neffect = "limit"\nvalue = "disable"'
    )
    before = decide(HATED, [HATE])
    after = decide(HATED, [other], previous=before)
    found = {label["val"]: label.get("neg", False) for label in labels(after, created=NOW, **WHO)}
    assert found == {"!hide": False, "card": True}


def test_atproto_labels_for_ever_what_one_rule_does() -> None:
    twice = policy(*(f"{CARD}\n{it}" for it in ("", 'expires_after = "1 day"')))
    (label,) = labels(decide(HATED, [twice]), created=NOW, **WHO)
    assert "exp" not in label


@pytest.mark.parametrize("wrong", [{"src": "me"}, {"uri": "nowhere"}])
def test_atproto_needs_addresses(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        labels(decide(HATED, [HATE]), created=NOW, **{**WHO, **wrong})
