"""All that is found in one text, overlaps resolved."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from earmark.processors.pii.account import account_findings
from earmark.processors.pii.address import address_findings
from earmark.processors.pii.birth import birth_findings
from earmark.processors.pii.finding import Finding, Kind, resolved
from earmark.processors.pii.network import network_findings
from earmark.processors.pii.passage import Passage, passage
from earmark.processors.pii.phone import phone_findings

_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one text holds.

    `findings` are in order and do not overlap; each has the score that was asked for. `scores` has
    the highest of each kind, of weaker ones too where nothing stronger stands in their place.
    """

    findings: Sequence[Finding]
    scores: Mapping[Kind, float]


def read(
    text: str, *, min_score: float, regions: Sequence[str] = (), is_name: bool = False
) -> Reading:
    """The text, read.

    `regions` are ISO 3166-1 codes by which national phone numbers are read. `is_name`: the text
    names a work, so weak evidence is not enough.
    """
    found = list(_candidates(passage(text, is_name=is_name), regions))
    kept = resolved(finding for finding in found if finding.score >= min_score)
    weak = [finding for finding in found if finding.score < min_score]
    scores: dict[Kind, float] = {}
    for finding in (*kept, *_elsewhere(weak, kept)):
        scores[finding.kind] = max(scores.get(finding.kind, 0.0), finding.score)
    return Reading(findings=kept, scores=dict(sorted(scores.items())))


def _candidates(read: Passage, regions: Sequence[str]) -> Iterator[Finding]:
    """What each kind's patterns find; all but e-mail addresses and URLs have a digit in them."""
    yield from network_findings(read)
    if _DIGIT.search(read.plain):
        yield from account_findings(read)
        yield from phone_findings(read, regions)
        yield from birth_findings(read)
        yield from address_findings(read)


def _elsewhere(weak: Sequence[Finding], kept: Sequence[Finding]) -> Iterator[Finding]:
    """The weak findings that touch no kept one."""
    ends = [finding.end for finding in kept]
    for finding in weak:
        at = bisect_left(ends, finding.start + 1)
        if finding.score > 0 and (at == len(kept) or kept[at].start >= finding.end):
            yield finding
