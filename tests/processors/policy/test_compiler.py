"""Every fault of a policy is named, with its file, line, key and what would be right."""

import pytest

from earmark.processors.policy.compiler import compiled
from earmark.processors.policy.condition import AllOf, Comparison
from earmark.processors.policy.fault import PolicyError
from tests.processors.policy.sample import policy

FAULTY = """
name = "comments"
version = 1
vershun = "1"
[scope]
content_types = ["COMENT"]
languages = ["english!"]
regions = ["Germany"]

[[rule]]
name = "abuse"
when = [
  "text.safty severity >= 4",
  { any = ["text.safety scores.hat >= 0.4", "text.safety severity has 4"] },
]
effect = "labl"
severity = 9
expires_after = "soon"

[[rule]]
name = "abuse"
when = { all = ["text.safety labels has haet"], ani = ["text.safety severity >= often"] }
effect = "age-rate"
value = 99
fast = "yes"
"""
FAULTS = [
    (3, "version", "1 is not a string", ""),
    (4, "vershun", "no such key", "did you mean version?"),
    (6, "scope, content_types", "no content type COMENT", "did you mean COMMENT?"),
    (7, "scope, languages", "'english!' is no language", "write BCP-47, as en or pt-BR"),
    (8, "scope, regions", "'Germany' is no region", "write ISO 3166, as DE, or UN M.49, as 150"),
    (13, "rule abuse, when", "there is no signal text.safty", "did you mean text.safety?"),
    (14, "rule abuse, when", "text.safety has no scores for hat", "did you mean hate?"),
    (14, "rule abuse, when", "severity is a number: no 'has'", None),
    (16, "rule abuse, effect", "no effect labl", "did you mean label?"),
    (17, "rule abuse, severity", "9 is out of range", None),
    (18, "rule abuse, expires_after", "'soon' is no duration", None),
    (21, "rule abuse, name", "there is another rule abuse", ""),
    (22, "rule abuse, when", "labels is never haet", "did you mean hate?"),
    (22, "rule abuse, when", "no 'ani' of conditions", "did you mean any?"),
    (24, "rule abuse, value", "99 is no age", "as 16 or 18"),
    (25, "rule abuse, fast", "'yes' is not true or false", ""),
]


def faults_of(text: str) -> PolicyError:
    with pytest.raises(PolicyError) as raised:
        compiled(text, "comments.toml")
    return raised.value


def test_all_faults_are_found_at_once_each_at_its_line() -> None:
    found = faults_of(FAULTY).faults
    assert [(it.line, it.key, it.message) for it in found] == [it[:3] for it in FAULTS]
    for fault, (*_, hint) in zip(found, FAULTS, strict=True):
        assert hint is None or fault.hint == hint
    assert str(found[1]) == "comments.toml:4: vershun: no such key; did you mean version?"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('name = "a"\nversion = ', 2, "not TOML"),
        ('name = "a"\nversion = "1"', 1, "has no rule"),
        ('name = "a"\nversion = "1"\nrule = ["x"]', 3, "is not a table"),
        ('name = "a"\nversion = "1"\n[rule]\nname = "b"', 3, "write [[rule]]"),
        pytest.param(f"version = {'1' * 5_000}", 1, "thousands of digits", id="long"),
        ('name = "human"\nversion = "1"\n[[rule]]', 1, "what humans' rulings are called"),
        ("", 1, "is missing"),
        ("a = " + "[" * 5_000, 1, "too deep"),
    ],
)
def test_a_text_that_is_no_policy_has_a_fault(text: str, line: int, message: str) -> None:
    found = faults_of(text).faults
    assert any(fault.line == line and message in str(fault) for fault in found)


@pytest.mark.parametrize(
    "rule",
    [
        "when = ['text.safety severity > 1', 'text.pii labels has card']\nfast = true",
        "when = 'item complete = false'\nfast = true",
        "when = 'text.safety is bad'",
        "when = 'text.safety severity >= '",
        "when = 'text.safety severity >= nan'",
        "when = 'text.pii labels has card,, iban'",
        "when = 'content.explicit parental_warning = explicit'",
        "when = 'text.safety severity = 3, 4'",
        "when = []",
        "when = { all = 'text.safety severity > 1' }",
        "when = 4",
        "",
        "when = 'text.safety severity > 1'\neffect = 'label'",
        "when = 'text.safety severity > 1'\neffect = 'mark-explicit'\nvalue = 'explicit'",
        "when = 'text.safety severity > 1'\nexpires_after = '0 days'",
        pytest.param(
            f"when = 'text.safety severity > 1'\nexpires_after = '{'1' * 5_000} days'", id="long"
        ),
        pytest.param(
            f"when = 'text.safety severity > 1'\neffect = 'age-rate'\nvalue = '{'1' * 5_000}'",
            id="old",
        ),
        "when = 'text.safety severity > 1'\nregions = ['DE']\n[scope]\nregions = ['FR']",
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(rule: str) -> None:
    with pytest.raises(PolicyError):
        policy(rule)


def test_conditions_nested_without_end_are_refused_in_words() -> None:
    deep = "{ not = " * 60 + "'text.safety severity > 1'" + " }" * 60
    with pytest.raises(PolicyError, match="deep"):
        policy(f"when = {deep}")


def test_a_rule_is_read_as_it_is_written() -> None:
    rule = policy(
        "when = ['audio.music scores.hard rock >= 0.5', 'text.topics labels has Food & Drink']\n"
        "expires_after = '2 weeks'\nseverity = 3\nregions = ['DE']\neffect = 'age-rate'\nvalue = 16"
    ).rules[0]
    assert (rule.expires_after_ms, rule.severity, rule.regions) == (1_209_600_000, 3, ("DE",))
    assert (rule.effect, rule.value) == ("age-rate", "16")
    assert isinstance(rule.when, AllOf)
    rock, food = rule.when.parts
    assert isinstance(rock, Comparison)
    assert isinstance(food, Comparison)
    assert (rock.field, rock.number) == ("scores.hard rock", 0.5)
    assert food.expected == ("Food & Drink",)


def test_the_digest_is_that_of_the_text() -> None:
    one, other = (
        policy("when = 'text.safety severity > 1'"),
        policy("when = 'text.safety severity > 2'"),
    )
    assert one.sha256 != other.sha256
    assert one.sha256 == policy("when = 'text.safety severity > 1'").sha256
