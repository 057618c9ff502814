"""A finding in a text: what kind, where, how certain; and what is done with several of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds that are looked for. Names of persons are not: no pattern tells them."""

    EMAIL = "email"
    PHONE = "phone"
    CARD = "card"
    IBAN = "iban"
    IP_ADDRESS = "ip_address"
    URL_CREDENTIALS = "url_credentials"
    STREET_ADDRESS = "street_address"
    US_SSN = "us_ssn"
    CRYPTO_WALLET = "crypto_wallet"
    DATE_OF_BIRTH = "date_of_birth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Code points `start` to `end` (exclusive) of a text.

    `score`, in (0, 1], is a weight of evidence, set by hand; it is not a calibrated probability.
    """

    kind: Kind
    start: int
    end: int
    score: float

    @property
    def length(self) -> int:
        """Its code points."""
        return self.end - self.start


def resolved(findings: Iterable[Finding]) -> list[Finding]:
    """The findings in order, without overlaps: of those that overlap, the longest stays.

    Among equally long ones the most certain does. So a card number is no phone number, and an
    e-mail address in the credentials of a URL goes with them.
    """
    kept: list[Finding] = []
    for cluster in _clusters(sorted(findings, key=lambda f: (f.start, f.end))):
        kept += _without_overlaps(cluster)
    return kept


def redacted(text: str, findings: Sequence[Finding]) -> str:
    """The text with each finding replaced by its kind: `write to [EMAIL]`."""
    parts, at = [], 0
    for finding in findings:
        parts += [text[at : finding.start], f"[{finding.kind.upper()}]"]
        at = finding.end
    return "".join((*parts, text[at:]))


def _clusters(findings: Iterable[Finding]) -> Iterator[list[Finding]]:
    """Runs of findings that hang together; few in each, however many there are."""
    cluster: list[Finding] = []
    reach = 0
    for finding in findings:
        if cluster and finding.start >= reach:
            yield cluster
            cluster = []
        cluster.append(finding)
        reach = max(reach if len(cluster) > 1 else 0, finding.end)
    if cluster:
        yield cluster


def _without_overlaps(cluster: Sequence[Finding]) -> list[Finding]:
    kept: list[Finding] = []
    for finding in sorted(cluster, key=lambda f: (-f.length, -f.score, f.start, f.kind)):
        if all(finding.end <= other.start or finding.start >= other.end for other in kept):
            kept.append(finding)
    return sorted(kept, key=lambda f: f.start)
