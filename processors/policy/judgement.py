"""What policies make of an item: a pure function of its profile, the policies and human decisions.

    profile -- corrected by humans --> view -- rules --> rulings -- a human's verdict? --> verdict

The verdict before this one adds only what it says of the past: its id, and what no longer holds.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from earmark.processors.policy.condition import Comparison, grounds
from earmark.processors.policy.decision import Decision, corrected, standing_verdict
from earmark.processors.policy.evidence import Records, current, input_types, places
from earmark.processors.policy.policy import Policy, Rule, offered
from earmark.processors.policy.verdict import (
    HUMAN,
    Retraction,
    Ruling,
    Verdict,
    verdict_id,
)
from earmark.processors.policy.view import View, item_language
from earmark.processors.profile import Profile, ProfileSignal, profile_signal

NO_RECORDS: Records = MappingProxyType({})


def decide(
    profile: Profile,
    policies: Iterable[Policy],
    *,
    records: Records = NO_RECORDS,
    decisions: Iterable[Decision] = (),
    previous: Verdict | None = None,
) -> Verdict:
    """The verdict on an item, with no rulings where nothing holds.

    `records` are the signals' own, by name; they add evidence, and are used only where the profile
    is made of them. `decisions` are all that humans decided about the item. `previous` is the
    verdict that stands. Equal profile, policies and decisions give an equal verdict but for its
    `retracted` and `previous_verdict_id`, whatever was said in between.
    """
    decisions = tuple(decisions)
    rulings, touched = _judged(profile, policies, records, decisions, fast=False)
    return _verdict(profile, rulings, decisions, previous, touched=touched)


def decide_fast(
    profile: Profile,
    policies: Iterable[Policy],
    *,
    records: Records = NO_RECORDS,
    decisions: Iterable[Decision] = (),
    previous: Verdict | None = None,
) -> Verdict:
    """The verdict of the fast rules, on what there is of a profile (`with_signal`).

    What slower rules said in `previous` stands until `decide` looks at the whole profile, whose
    verdict is the same as if there had been none of these. `complete` is false in it.
    """
    policies, decisions = tuple(policies), tuple(decisions)
    rulings, touched = _judged(profile, policies, records, decisions, fast=True)
    slow = () if previous is None else _slow(previous, policies)
    both = {ruling.key: ruling for ruling in (*slow, *rulings)}
    return _verdict(
        replace(profile, complete=False),
        tuple(both.values()),
        decisions,
        previous,
        touched=touched or not all(ruling.automated for ruling in slow),
    )


def with_signal(
    profile: Profile | None, name: str, record: Mapping[str, Any], *, complete: bool = False
) -> Profile:
    """The profile with the signal `name` as this record has it; of it alone where there is none.

    What the envelope of a signal does not say, the item's regions, is taken from the profile.
    """
    said = profile_signal(name, record)
    others = () if profile is None else profile.signals
    newest = profile if profile is not None and profile.revision > said.revision else None
    return Profile(
        content_id=record["content_id"],
        tenant=newest.tenant if newest else record["tenant"],
        source=newest.source if newest else record["source"],
        content_type=newest.content_type if newest else record["content_type"],
        language=newest.language if newest else _declared(record),
        regions=() if profile is None else profile.regions,
        revision=newest.revision if newest else said.revision,
        event_time=max(said.event_time, 0 if profile is None else profile.event_time),
        expected=() if profile is None else profile.expected,
        complete=complete,
        signals=_joined(others, said),
    )


def _declared(record: Mapping[str, Any]) -> str | None:
    """The language that the producer declares: signals that find one keep it elsewhere."""
    declared: str | None = record.get("declared_language", record["language"])
    return declared


def _joined(others: Iterable[ProfileSignal], said: ProfileSignal) -> tuple[ProfileSignal, ...]:
    kept = [signal for signal in others if signal.signal != said.signal]
    return tuple(sorted((*kept, said), key=lambda signal: signal.signal))


def _judged(
    profile: Profile,
    policies: Iterable[Policy],
    records: Records,
    decisions: Iterable[Decision],
    *,
    fast: bool,
) -> tuple[tuple[Ruling, ...], bool]:
    """The rulings of the policies, and whether a human has changed what they are about."""
    told, changed = corrected(profile, decisions)
    view = View(profile=told, partial=fast, changed=changed)
    at_hand = current(profile, records)
    found = [
        _ruling(policy, rule, view, at_hand)
        for policy in policies
        if policy.scope.holds(view)
        for rule in policy.rules
        if (rule.fast or not fast) and offered(view, rule.regions) and rule.when.truth(view)
    ]
    return tuple(found), bool(changed)


def _ruling(policy: Policy, rule: Rule, view: View, records: Records) -> Ruling:
    resting = list(grounds(rule.when, view))
    of_signals = [ground for ground, holds in resting if holds]
    after = rule.expires_after_ms
    return Ruling(
        policy=policy.name,
        policy_version=policy.version,
        policy_sha256=policy.sha256,
        rule=rule.name,
        effect=rule.effect,
        value=rule.value,
        reason=rule.reason,
        severity=rule.severity,
        regions=_regions(view, rule.regions or policy.scope.regions),
        expires_at=None if after is None else view.profile.event_time + after,
        automated=not any(_is_told(ground, view) for ground, _ in resting),
        conditions=tuple(ground.match(view, holds=holds) for ground, holds in resting),
        evidence=places(of_signals, records),
        applied_input_types=input_types((ground for ground, _ in resting), records),
    )


def _regions(view: View, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Those in which it holds: of the item's, where it says where it is offered."""
    here = set(wanted) & set(view.regions) if view.regions else set(wanted)
    return tuple(sorted(here))


def _is_told(ground: Comparison, view: View) -> bool:
    return (ground.subject, ground.field) in view.changed


def _slow(previous: Verdict, policies: Iterable[Policy]) -> tuple[Ruling, ...]:
    """The rulings of rules that are in force as they were, and do not answer at once."""
    standing = {
        (policy.name, policy.sha256, rule.name)
        for policy in policies
        for rule in policy.rules
        if not rule.fast
    }
    return tuple(
        ruling
        for ruling in previous.rulings
        if (ruling.policy, ruling.policy_sha256, ruling.rule) in standing
    )


def _verdict(
    profile: Profile,
    rulings: tuple[Ruling, ...],
    decisions: Iterable[Decision],
    previous: Verdict | None,
    *,
    touched: bool,
) -> Verdict:
    decision = standing_verdict(profile, decisions)
    held = rulings if decision is None else tuple(_of_human(decision, rulings))
    held = tuple(sorted(held, key=lambda ruling: ruling.key))
    decision_id = None if decision is None else decision.decision_id
    verdict = Verdict(
        content_id=profile.content_id,
        verdict_id=verdict_id(profile.content_id, held, decision_id),
        tenant=profile.tenant,
        content_type=profile.content_type,
        language=item_language(profile),
        regions=profile.regions,
        revision=profile.revision,
        event_time=profile.event_time,
        complete=profile.complete,
        effects=tuple(sorted({ruling.effect for ruling in held})),
        severity=max((ruling.severity for ruling in held), default=0),
        automated=decision is None and not touched,
        decision_id=decision_id,
        rulings=held,
    )
    return verdict if previous is None else _after(verdict, previous)


def _of_human(decision: Decision, rulings: Iterable[Ruling]) -> Iterator[Ruling]:
    """What a human wants, as grave as the policies find the same effects."""
    rulings = tuple(rulings)
    for wanted in dict.fromkeys(decision.effects):
        alike = [it.severity for it in rulings if it.effect == wanted.effect]
        yield Ruling(
            policy=HUMAN,
            policy_version="",
            policy_sha256="",
            rule=wanted.effect,
            effect=wanted.effect,
            value=wanted.value,
            reason=decision.note,
            severity=max(alike, default=0),
            automated=False,
        )


def _after(verdict: Verdict, previous: Verdict) -> Verdict:
    """The verdict with what it says of the past; said again, it says the same of it."""
    if verdict.verdict_id == previous.verdict_id:
        return replace(
            verdict,
            retracted=previous.retracted,
            previous_verdict_id=previous.previous_verdict_id,
        )
    holding = {ruling.key for ruling in verdict.rulings}
    gone = (ruling for ruling in previous.rulings if ruling.key not in holding)
    return replace(
        verdict,
        retracted=tuple(_retraction(it) for it in sorted(gone, key=lambda it: it.key)),
        previous_verdict_id=previous.verdict_id,
    )


def _retraction(ruling: Ruling) -> Retraction:
    return Retraction(
        policy=ruling.policy,
        policy_version=ruling.policy_version,
        rule=ruling.rule,
        effect=ruling.effect,
        value=ruling.value,
    )
