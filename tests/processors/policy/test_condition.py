"""Conditions hold for what is there, wait for what may come, and take nothing for granted."""

import pytest

from earmark.processors.policy.condition import grounds
from earmark.processors.policy.view import View
from earmark.processors.profile import Profile
from tests.processors.policy.sample import golden_profile, policy, profile, said

SAFETY = said("text.safety", numbers={"scores.hate": 0.7, "severity": 4.0}, labels=("hate",))


def truth(condition: str, of: Profile, *, partial: bool = False) -> bool | None:
    return policy(f"when = {condition}").rules[0].when.truth(View(profile=of, partial=partial))


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("text.safety scores.hate >= 0.7", True),
        ("text.safety scores.hate > 0.7", False),
        ("text.safety scores.hate<0.8", True),
        ("text.safety severity = 4", True),
        ("text.safety severity != 4", False),
        ("text.safety labels has hate, violence", True),
        ("text.safety labels lacks hate", False),
        ("text.safety labels lacks spam, violence", True),
        ("text.safety outcome in OK, ABSTAINED", True),
        ("text.safety scores.violence < 0.5", False),  # there is no such score to compare
        ("item content_type not in TRACK, EPISODE", True),
        ("item language = en", True),
        ("item regions has DE, FR", True),
        ("item complete = true", True),
        ("item signals has text.safety", True),
        ("audio.integrity truncated = true", False),
        ("audio.integrity truncated != true", False),  # it is not there, and says nothing
    ],
)
def test_a_comparison_is_what_it_says(condition: str, holds: bool) -> None:
    assert truth(f"'{condition}'", profile(SAFETY)) is holds


@pytest.mark.parametrize(
    ("found", "asked", "holds"),
    [("en-US", "en", True), ("en", "en-US", False), ("EN-us", "en", True), ("eng", "en", False)],
)
def test_a_language_means_all_that_lie_in_it(found: str, asked: str, holds: bool) -> None:
    assert truth(f"'item language in de, {asked}'", profile(language=found)) is holds


def test_a_language_that_is_not_declared_is_the_one_that_was_found() -> None:
    found = said("text.language", language="pt-BR")
    assert truth("'item language = pt'", profile(found, language=None)) is True
    assert truth("'item language = pt'", profile(language=None)) is False


def test_true_and_false_are_compared_by_these_words() -> None:
    cut = said("audio.integrity", numbers={"truncated": 1.0})
    assert truth("'audio.integrity truncated = true'", profile(cut)) is True
    assert truth("'audio.integrity truncated = false'", profile(cut)) is False


WAITED = profile(SAFETY, expected=("text.pii", "text.safety"), complete=False)
PII = "'text.pii labels has email'"
HATE = "'text.safety labels has hate'"
SPAM = "'text.safety labels has spam'"


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (PII, None),
        (f"{{ not = {PII} }}", None),
        (f"{{ any = [{PII}, {HATE}] }}", True),
        (f"{{ any = [{PII}, {SPAM}] }}", None),
        (f"{{ all = [{PII}, {HATE}] }}", None),
        (f"[{PII}, {SPAM}]", False),
        (f"{{ not = {{ any = [{SPAM}, {{ not = {HATE} }}] }} }}", True),
        ("'item missing has text.pii'", True),
    ],
)
def test_what_may_come_yet_is_waited_for(condition: str, holds: bool | None) -> None:
    assert truth(condition, WAITED) is holds


def test_in_a_partial_profile_all_that_is_not_there_may_come() -> None:
    alone = profile(SAFETY, regions=(), language=None)
    for condition in (
        PII,
        "'item regions has DE'",
        "'item language = en'",
        "'item complete = true'",
    ):
        assert truth(condition, alone, partial=True) is None
    assert truth(HATE, alone, partial=True) is True


def test_only_what_holds_is_given_as_the_ground() -> None:
    rule = policy(f"when = {{ any = [{HATE}, {SPAM}, {{ not = {SPAM} }}] }}").rules[0]
    view = View(profile=golden_profile())
    found = [(it.expected, holds) for it, holds in grounds(rule.when, view)]
    assert found == [(("spam",), False)]  # the golden comment has neither label
