"""An item is judged by what is newest of each kind, whatever came first."""

from collections.abc import Callable, Mapping
from itertools import count

from earmark.processors.policy.compiler import compiled
from earmark.processors.profile import profile_signal
from earmark.streams.judging.item import Item, item_of
from earmark.streams.judging.record import Records
from earmark.streams.judging.state import Held
from earmark.streams.topic import PROFILES, REVIEW_DECISIONS, VERDICTS

SAFETY = "signals.text.safety.v1"
POLICY = compiled(
    """
    name = "p"
    version = "1"
    [[rule]]
    name = "grave"
    when = "text.safety severity >= 5"
    effect = "limit"
    value = "demote"
    fast = true
    [[rule]]
    name = "swearing"
    when = "text.safety labels has profanity"
    effect = "label"
    value = "profanity"
    """,
    "p.toml",
)
offsets = count()
Payload = Callable[..., bytes]


def held(payload: bytes) -> Held:
    return Held(next(offsets), 1_795_600_000_000, payload)


def effects(item: Item) -> tuple[str, ...] | None:
    verdict = item.judge((POLICY,))
    return None if verdict is None else verdict.effects


def safety(payload: Payload, *, severity: int, revision: int = 3) -> bytes:
    return payload(SAFETY, content_id="i", severity=severity, revision=revision)


def profile(payload: Payload, records: Records, *, severity: int, revision: int = 3) -> bytes:
    record = records.read(SAFETY, safety(payload, severity=severity, revision=revision))
    said = profile_signal("text.safety", record)
    fields = {name: getattr(said, name) for name in type(said).__dataclass_fields__}
    return payload(PROFILES, content_id="i", revision=revision, signals=[fields])


def of(records: Records, found: Mapping[str, bytes]) -> Item:
    return item_of("i", {topic: held(payload) for topic, payload in found.items()}, records)


def test_without_a_profile_only_fast_rules_are_looked_at(
    payload: Payload, records: Records
) -> None:
    grave = of(records, {SAFETY: safety(payload, severity=6)})
    assert effects(grave) == ("limit",)
    assert effects(of(records, {SAFETY: safety(payload, severity=1)})) is None


def test_with_a_profile_all_rules_are(payload: Payload, records: Records) -> None:
    item = of(records, {PROFILES: profile(payload, records, severity=6)})
    assert effects(item) == ("label", "limit")


def test_a_record_that_is_newer_than_the_profile_counts(payload: Payload, records: Records) -> None:
    old = profile(payload, records, severity=6, revision=3)
    newer = of(records, {PROFILES: old, SAFETY: safety(payload, severity=1, revision=4)})
    older = of(records, {PROFILES: old, SAFETY: safety(payload, severity=1, revision=2)})
    assert effects(newer) == ("label",)
    assert effects(older) == ("label", "limit")


def test_evidence_comes_from_the_record_that_the_profile_is_made_of(
    payload: Payload, records: Records
) -> None:
    found = {
        PROFILES: profile(payload, records, severity=6),
        SAFETY: safety(payload, severity=6),
    }
    verdict = of(records, found).judge((POLICY,))
    assert verdict is not None
    assert [each.label for each in verdict.rulings[1].evidence] == ["profanity"]


def test_a_human_decision_overrides(payload: Payload, records: Records) -> None:
    found = {
        PROFILES: profile(payload, records, severity=6),
        REVIEW_DECISIONS: payload(REVIEW_DECISIONS, content_id="i"),
    }
    verdict = of(records, found).judge((POLICY,))
    assert verdict is not None
    assert (verdict.automated, verdict.effects) == (False, ("limit",))


def test_an_item_that_is_gone_has_no_verdict(payload: Payload, records: Records) -> None:
    found = {VERDICTS: payload(VERDICTS), REVIEW_DECISIONS: payload(REVIEW_DECISIONS)}
    assert effects(of(records, found)) is None
