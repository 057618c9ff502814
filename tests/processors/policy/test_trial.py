"""A trial says of an item which rulings it has, and which it would have."""

from earmark.processors.policy.decision import VERDICT, Decision
from earmark.processors.policy.trial import EXAMPLES, Judged, Tally, judged
from tests.processors.policy.sample import policy, profile, said

NOW = policy('name = "hate"\nwhen = "text.safety scores.hate >= 0.9"')
THEN = policy('name = "hate"\nwhen = "text.safety scores.hate >= 0.5"')
HATED = profile(said("text.safety", numbers={"scores.hate": 0.7}))
KEY = ("test", "hate", "review", "")


def test_what_would_change_is_the_difference_of_two_verdicts() -> None:
    assert judged(HATED, [NOW], [THEN]) == Judged(before=frozenset(), after=frozenset({KEY}))
    assert judged(HATED, [NOW], [NOW]) == Judged(before=frozenset(), after=frozenset())


def test_what_a_human_decided_stays() -> None:
    human = Decision(decision_id="d", annotator="a", decided_at=1, kind=VERDICT, revision=3)
    assert HATED.revision == human.revision
    assert judged(HATED, [NOW], [THEN], [human]) == Judged(before=frozenset(), after=frozenset())


def test_one_signal_decides_only_what_it_can_alone() -> None:
    both = policy('when = ["text.safety scores.hate >= 0.5", { not = "text.pii labels has card" }]')
    assert judged(HATED, [], [both]).after
    assert not judged(HATED, [], [both], partial=True).after
    assert judged(HATED, [], [THEN], partial=True).after == {KEY}


def test_items_are_counted_by_rule_and_some_are_named() -> None:
    tally = Tally()
    gained = Judged(before=frozenset(), after=frozenset({KEY}))
    for number in range(EXAMPLES + 2):
        tally.add(f"item-{number}", gained)
    tally.add("lost", Judged(before=gained.after, after=frozenset()))
    tally.add("kept", Judged(before=gained.after, after=gained.after))
    change = tally.rules[KEY]
    assert (change.before, change.after, change.new, change.gone) == (2, 8, 7, 1)
    assert (tally.items, tally.affected_before, tally.affected_after, tally.changed) == (9, 2, 8, 8)
    assert change.new_examples == [f"item-{number}" for number in range(EXAMPLES)]
    assert change.gone_examples == ["lost"]
