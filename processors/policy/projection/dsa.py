"""A verdict as a statement of reasons for the EU's DSA Transparency Database (Art. 17 and 24(5)).

Fields and their values are those of the database's API. Policies speak for the terms of a service:
whether content is illegal is never said here. No text of the content goes into a statement, only
what was found in it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from earmark.processors.policy.projection.harm import PII, concerns, harms_of
from earmark.processors.policy.verdict import (
    AGE_RATE,
    LABEL,
    LIMIT,
    Match,
    Ruling,
    Verdict,
)
from earmark.processors.profile import Profile
from earmark.processors.taxonomy.harm import Relation, schemes

SCHEME = "dsa"
OTHER_VIOLATION = "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"
PRIVACY = "STATEMENT_CATEGORY_DATA_PROTECTION_AND_PRIVACY_VIOLATIONS"
# among categories that the crosswalk has as equally near: which one a ruling on the harm means
NEAREST = {
    "violence": "STATEMENT_CATEGORY_VIOLENCE",
    "illicit": "STATEMENT_CATEGORY_UNSAFE_AND_PROHIBITED_PRODUCTS",
    "spam": "STATEMENT_CATEGORY_SCAMS_AND_FRAUD",
    "sexual": OTHER_VIOLATION,  # not PROTECTION_OF_MINORS: nothing is known of anyone's age
}
VISIBILITY = {
    (LIMIT, "remove"): "DECISION_VISIBILITY_CONTENT_REMOVED",
    (LIMIT, "disable"): "DECISION_VISIBILITY_CONTENT_DISABLED",
    (LIMIT, "demote"): "DECISION_VISIBILITY_CONTENT_DEMOTED",
    (LIMIT, "interaction"): "DECISION_VISIBILITY_CONTENT_INTERACTION_RESTRICTED",
    (AGE_RATE, None): "DECISION_VISIBILITY_CONTENT_AGE_RESTRICTED",
    (LABEL, None): "DECISION_VISIBILITY_CONTENT_LABELLED",
}
DEMONETISE = (LIMIT, "demonetise")
EEA = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE"),
    *("IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
)
_SPOKEN = ("TRACK", "EPISODE", "AUDIOBOOK", "CHAPTER", "CLIP")
_WRITTEN = ("COMMENT", "LYRICS", "DESCRIPTION", "PLAYLIST")
_NEARNESS = (Relation.CLOSE, Relation.BROAD, Relation.NARROW, Relation.RELATED)
_SHORT, _LONG, _FACTS = 500, 2_000, 5_000  # characters that the fields take
_LANGUAGE_LETTERS = 2


def statement(
    verdict: Verdict,
    *,
    applied: datetime,
    profile: Profile | None = None,
    terms_url: str | None = None,
) -> Mapping[str, Any] | None:
    """The statement that a restriction asks for, for JSON; None where nothing is restricted.

    Labels count where they are about a harm or personal data. Nothing is due where it
    restricts outside the European Economic Area only. `applied` is when the restriction began,
    `terms_url` where the terms are that it goes by.
    """
    rulings = [ruling for ruling in verdict.rulings if _restricts(ruling, profile)]
    scope = _scope(verdict, rulings)
    if not rulings or not scope:
        return None
    today = applied.astimezone(UTC).date()
    optional = {
        **_decisions(rulings, today),
        "category_addition": _categories(rulings, profile)[1:],
        "content_language": _language(verdict.language),
        "decision_ground_reference_url": terms_url,
    }
    return {
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": _cut(_ground(rulings), _SHORT),
        "incompatible_content_explanation": _cut(_explanation(rulings), _LONG),
        "incompatible_content_illegal": "No",
        "content_type": _content_types(verdict),
        **({"content_type_other": "Other"} if _is_other(verdict) else {}),
        "category": _categories(rulings, profile)[0],
        "territorial_scope": scope,
        "content_date": _day(verdict.event_time).isoformat(),
        "application_date": today.isoformat(),
        "decision_facts": _cut(_facts(rulings), _FACTS),
        "source_type": "SOURCE_VOLUNTARY",
        "automated_detection": "Yes" if any(it.conditions for it in rulings) else "No",
        "automated_decision": _automated(verdict),
        "puid": f"{verdict.verdict_id}-{today:%Y%m%d}",
        **{name: value for name, value in optional.items() if value},
    }


def category_of(harm: str) -> str:
    """The category of a harm: the nearest in the crosswalk; terms in general where it has none."""
    codes = schemes()[SCHEME].codes(harm)
    if harm in NEAREST and NEAREST[harm] in codes:
        return NEAREST[harm]
    return min(codes, key=lambda code: _NEARNESS.index(codes[code]), default=OTHER_VIOLATION)


def _restricts(ruling: Ruling, profile: Profile | None) -> bool:
    if ruling.effect == LABEL:
        return bool(harms_of(ruling, profile)) or concerns(ruling, PII)
    return _kind(ruling) in VISIBILITY or _kind(ruling) == DEMONETISE


def _kind(ruling: Ruling) -> tuple[str, str | None]:
    return (ruling.effect, ruling.value if ruling.effect == LIMIT else None)


def _decisions(rulings: Sequence[Ruling], today: date) -> Mapping[str, Any]:
    """The restrictions, and when they end if they do."""
    seen = [ruling for ruling in rulings if _kind(ruling) in VISIBILITY]
    paid = [ruling for ruling in rulings if _kind(ruling) == DEMONETISE]
    return {
        "decision_visibility": sorted({VISIBILITY[_kind(ruling)] for ruling in seen}),
        "end_date_visibility_restriction": _end(seen, today),
        "decision_monetary": "DECISION_MONETARY_SUSPENSION" if paid else None,
        "end_date_monetary_restriction": _end(paid, today),
    }


def _end(rulings: Iterable[Ruling], today: date) -> str | None:
    """When the last of them ends; None where one of them has no end."""
    ends = [ruling.expires_at for ruling in rulings]
    known = [end for end in ends if end is not None]
    if not ends or len(known) < len(ends):
        return None
    return max(_day(max(known)), today).isoformat()


def _categories(rulings: Iterable[Ruling], profile: Profile | None) -> list[str]:
    """The categories of the rulings, those of the gravest first; at least one."""
    found: list[str] = []
    for ruling in sorted(rulings, key=lambda it: (-it.severity, it.key)):
        found += [category_of(harm) for harm in harms_of(ruling, profile)]
        found += [PRIVACY] if concerns(ruling, PII) else []
    return list(dict.fromkeys(found)) or [OTHER_VIOLATION]


def _scope(verdict: Verdict, rulings: Iterable[Ruling]) -> list[str]:
    """Where it is restricted in the EEA: where the rulings hold, else where it is offered."""
    regions = {it for ruling in rulings for it in ruling.regions or verdict.regions or EEA}
    return sorted(regions & set(EEA))


def _content_types(verdict: Verdict) -> list[str]:
    if verdict.content_type in _SPOKEN:
        return ["CONTENT_TYPE_AUDIO"]
    return ["CONTENT_TYPE_OTHER" if _is_other(verdict) else "CONTENT_TYPE_TEXT"]


def _is_other(verdict: Verdict) -> bool:
    return verdict.content_type not in (*_SPOKEN, *_WRITTEN)


def _language(tag: str | None) -> str | None:
    """ISO 639-1 in upper case; None where the language has no code of two letters."""
    primary = (tag or "").partition("-")[0]
    return primary.upper() if len(primary) == _LANGUAGE_LETTERS else None


def _automated(verdict: Verdict) -> str:
    if verdict.automated:
        return "AUTOMATED_DECISION_FULLY"
    decided = verdict.decision_id is not None
    return "AUTOMATED_DECISION_NOT_AUTOMATED" if decided else "AUTOMATED_DECISION_PARTIALLY"


def _ground(rulings: Iterable[Ruling]) -> str:
    return "; ".join(_named(ruling) for ruling in rulings)


def _named(ruling: Ruling) -> str:
    version = f" {ruling.policy_version}" if ruling.policy_version else ""
    return f"policy {ruling.policy}{version}, rule {ruling.rule}"


def _explanation(rulings: Iterable[Ruling]) -> str:
    reasons = dict.fromkeys(ruling.reason or _named(ruling) for ruling in rulings)
    return " ".join(reasons)


def _facts(rulings: Iterable[Ruling]) -> str:
    lines = [f"{_named(it)}: {'; '.join(map(_fact, it.conditions)) or 'decided'}" for it in rulings]
    return "\n".join(lines)


def _fact(match: Match) -> str:
    found = f" (found: {match.value})" if match.value else ""
    return f"{match.signal or 'item'} {match.field} {match.operator} {match.expected}{found}"


def _day(time_ms: int) -> date:
    return datetime.fromtimestamp(time_ms / 1000, UTC).date()


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[: characters - 1]}…"
