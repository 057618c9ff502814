"""The crosswalk is total both ways and does not contradict itself."""

from dataclasses import replace

import pytest

from earmark.processors.signals.text_safety import text_safety
from earmark.processors.taxonomy.harm import (
    Relation,
    Row,
    Scheme,
    harms,
    problems,
    schemes,
    taxonomy,
)

SCHEMES = sorted(schemes())


def without(scheme: Scheme, code: str) -> Scheme:
    return replace(scheme, rows=tuple(row for row in scheme.rows if row.code != code))


def test_our_harms_are_those_that_signals_name() -> None:
    assert taxonomy() == text_safety.taxonomy
    assert set(harms()) == {
        "harassment", "hate", "sexual", "violence", "self_harm", "illicit", "spam", "profanity",
    }  # fmt: skip
    assert all(harm.definition.endswith(".") for harm in harms().values())


def test_the_schemes_that_people_ask_for_are_there() -> None:
    assert set(SCHEMES) == {
        "mlcommons", "openai", "azure", "perspective", "aws_voice", "iab_sensitive", "ddex",
        "onix_203", "dsa",
    }  # fmt: skip


@pytest.mark.parametrize("name", SCHEMES)
def test_every_harm_has_a_category_or_is_said_to_have_none(name: str) -> None:
    scheme = schemes()[name]
    for harm in harms():
        assert bool(scheme.codes(harm)) != (harm in scheme.none)


@pytest.mark.parametrize("name", SCHEMES)
def test_every_category_has_a_harm_or_a_reason_and_a_source(name: str) -> None:
    for row in schemes()[name].rows:
        assert bool(row.matches) != bool(row.why)
        assert row.source
        assert row.name


@pytest.mark.parametrize("name", SCHEMES)
def test_the_two_directions_agree(name: str) -> None:
    scheme = schemes()[name]
    there = {(harm, code, how) for harm in harms() for code, how in scheme.codes(harm).items()}
    back = {(h, row.code, how) for row in scheme.rows for h, how in scheme.harms(row.code).items()}
    assert there == back != set()


@pytest.mark.parametrize("name", SCHEMES)
def test_at_most_one_category_is_close_to_a_harm_and_one_harm_to_a_category(name: str) -> None:
    scheme = schemes()[name]
    for harm in harms():
        assert list(scheme.codes(harm).values()).count(Relation.CLOSE) <= 1
    for row in scheme.rows:
        assert list(row.matches.values()).count(Relation.CLOSE) <= 1


def test_the_hazards_are_s1_to_s13() -> None:
    assert [row.code for row in schemes()["mlcommons"].rows] == [f"S{n}" for n in range(1, 14)]


def test_ddex_values_are_those_of_content_explicit_and_one_more() -> None:
    assert {row.code for row in schemes()["ddex"].rows} == {
        "Explicit", "ExplicitContentEdited", "NotExplicit", "NoAdviceAvailable", "Unknown",
        "UserDefined",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (without(schemes()["openai"], "illicit/violent"), None),
        (without(schemes()["azure"], "Sexual"), "sexual has neither"),
        (replace(schemes()["azure"], none=frozenset()), "illicit has neither"),
        (replace(schemes()["azure"], none=frozenset(harms())), "hate has a category and"),
        (replace(schemes()["azure"], rows=schemes()["azure"].rows * 2), "Hate stands there twice"),
        (
            replace(
                schemes()["azure"],
                rows=(
                    *schemes()["azure"].rows,
                    Row(code="New", name="New", matches={}, why=None, source="x"),
                ),
            ),
            "New needs either",
        ),
        (replace(schemes()["azure"], none=frozenset({"rudeness"})), "rudeness is no harm"),
    ],
)
def test_a_gap_is_found(broken: Scheme, problem: str | None) -> None:
    found = list(problems(broken))
    assert any(line.startswith(problem) for line in found) if problem else not found


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError):
        schemes()["openai"].codes("rudeness")
    with pytest.raises(KeyError):
        schemes()["openai"].harms("rudeness")
