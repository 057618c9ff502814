"""A verdict as DDEX's ParentalWarningType, as it stands in a release message (ERN)."""

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from earmark.processors.policy.effect import WARNINGS
from earmark.processors.policy.verdict import MARK_EXPLICIT, Ruling, Verdict
from earmark.processors.profile import Profile

EXPLICIT_SIGNAL = "content.explicit"
FIELD = "parental_warning"
UNKNOWN = "Unknown"
_ELEMENT = "ParentalWarningType"
_TERRITORY = "ApplicableTerritoryCode"


def parental_warnings(
    verdict: Verdict, profile: Profile | None = None
) -> tuple[Mapping[str, str], ...]:
    """The warnings: one for everywhere, then one for each territory where it is another.

    Each has `ParentalWarningType` and, but for the first, `ApplicableTerritoryCode`. Where no
    ruling marks the item, it is what the signal of the profile found, else Unknown.
    """
    marks = [ruling for ruling in verdict.rulings if ruling.effect == MARK_EXPLICIT]
    everywhere = _strongest([it for it in marks if not it.regions]) or _found(profile)
    territories = sorted({region for ruling in marks for region in ruling.regions})
    found = {region: _stronger(_in(marks, region), everywhere) for region in territories}
    return (
        {_ELEMENT: everywhere},
        *(
            {_ELEMENT: value, _TERRITORY: region}
            for region, value in found.items()
            if value != everywhere
        ),
    )


def parental_warning_xml(verdict: Verdict, profile: Profile | None = None) -> str:
    """The same as elements of ERN 4, one a line."""
    lines = []
    for warning in parental_warnings(verdict, profile):
        territory = {name: code for name, code in warning.items() if name == _TERRITORY}
        element = ET.Element(_ELEMENT, territory)
        element.text = warning[_ELEMENT]
        lines.append(ET.tostring(element, encoding="unicode"))
    return "\n".join(lines)


def _in(marks: list[Ruling], region: str) -> str:
    return _strongest([it for it in marks if not it.regions or region in it.regions]) or UNKNOWN


def _strongest(marks: list[Ruling]) -> str | None:
    values = {ruling.value for ruling in marks}
    return next((value for value in WARNINGS if value in values), None)


def _stronger(one: str, other: str) -> str:
    return min(one, other, key=WARNINGS.index)


def _found(profile: Profile | None) -> str:
    signal = profile.signal(EXPLICIT_SIGNAL) if profile is not None else None
    return UNKNOWN if signal is None else signal.words.get(FIELD, UNKNOWN)
