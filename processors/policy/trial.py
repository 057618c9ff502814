"""What policies would make of an item, beside what those in force make of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from earmark.processors.policy.decision import Decision
from earmark.processors.policy.judgement import decide, decide_fast
from earmark.processors.policy.policy import Policy
from earmark.processors.profile import Profile

EXAMPLES = 5  # items named for a rule, each way

Key = tuple[str, str, str, str]  # policy, rule, effect and value of a ruling


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The rulings on one item under the policies in force, and under those on trial."""

    before: frozenset[Key]
    after: frozenset[Key]


@dataclass(slots=True, kw_only=True)
class RuleChange:
    """How many items a rule affects, and which ones it would affect newly or no longer."""

    before: int = 0
    after: int = 0
    new: int = 0
    gone: int = 0
    new_examples: list[str] = field(default_factory=list)
    gone_examples: list[str] = field(default_factory=list)

    def add(self, content_id: str, *, was: bool, is_now: bool) -> None:
        """Count one item."""
        self.before += was
        self.after += is_now
        if is_now and not was:
            self.new += 1
            _keep(self.new_examples, content_id)
        if was and not is_now:
            self.gone += 1
            _keep(self.gone_examples, content_id)


@dataclass(slots=True, kw_only=True)
class Tally:
    """All items together: `changed` are those on which there is another ruling at least."""

    items: int = 0
    affected_before: int = 0
    affected_after: int = 0
    changed: int = 0
    rules: dict[Key, RuleChange] = field(default_factory=dict)

    def add(self, content_id: str, judged: Judged) -> None:
        """Count one item, each item once."""
        self.items += 1
        self.affected_before += bool(judged.before)
        self.affected_after += bool(judged.after)
        self.changed += judged.before != judged.after
        for key in judged.before | judged.after:
            change = self.rules.setdefault(key, RuleChange())
            change.add(content_id, was=key in judged.before, is_now=key in judged.after)


def judged(
    profile: Profile,
    before: Sequence[Policy],
    after: Sequence[Policy],
    decisions: Iterable[Decision] = (),
    *,
    partial: bool = False,
) -> Judged:
    """The item under both sets of policies.

    With `partial` the profile is one signal's, and only rules count that it decides alone.
    """
    told = tuple(decisions)
    was = _keys(profile, before, told, partial=partial)
    same = [it.sha256 for it in before] == [it.sha256 for it in after]
    is_now = was if same else _keys(profile, after, told, partial=partial)
    return Judged(before=was, after=is_now)


def rule_keys(policies: Iterable[Policy]) -> tuple[Key, ...]:
    """The rulings that the policies can give, sorted: one that never holds is worth a line."""
    return tuple(
        sorted(
            (policy.name, rule.name, rule.effect, rule.value or "")
            for policy in policies
            for rule in policy.rules
        )
    )


def _keys(
    profile: Profile, policies: Sequence[Policy], told: Sequence[Decision], *, partial: bool
) -> frozenset[Key]:
    if partial:
        all_fast = [_fast(policy) for policy in policies]
        verdict = decide_fast(profile, all_fast, decisions=told)
    else:
        verdict = decide(profile, policies, decisions=told)
    return frozenset(ruling.key for ruling in verdict.rulings)


def _fast(policy: Policy) -> Policy:
    return replace(policy, rules=tuple(replace(rule, fast=True) for rule in policy.rules))


def _keep(examples: list[str], content_id: str) -> None:
    if len(examples) < EXAMPLES:
        examples.append(content_id)
