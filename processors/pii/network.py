"""E-mail addresses, IP addresses, and names with passwords in URLs.

The form of an e-mail address is that of the HTML standard (WHATWG, "valid e-mail address"), with
letters of any script (RFC 6531) and a domain of two labels at least. Addresses written to evade
readers ("name at example dot org") are not looked for. IP addresses are checked by the standard
library (RFC 4291 for IPv6).
"""

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from earmark.processors.pii.finding import Finding, Kind
from earmark.processors.pii.passage import Passage

_EMAIL = re.compile(
    r"(?<![\w.!#$%&'*+/=?^`{|}~@-])[\w.!#$%&'*+/=?^`{|}~-]{1,64}"
    r"@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w@]|-\w|\.\w)"
)
_QUOTES = "'`*~|{}=/.!#?&$^%"  # stand around an address rather than in it
# "icon@2x.png": a file for screens of twice the resolution
_FILE_ENDINGS = frozenset(
    {"png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "pdf", "zip"}
    | {"mp3", "mp4", "wav", "flac", "ogg"}
)
_CREDENTIALS = re.compile(
    r"(?<![\w+.-])[a-z][a-z0-9+.-]{1,15}://([^\s/:@?#]{1,100}:[^\s/@?#]{1,100})@", re.I
)

_IPV4 = re.compile(r"(?<![\w.+-])\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\d)")
_IPV6 = re.compile(
    r"(?<![\w:.])[0-9a-f]{0,4}:[0-9a-f:]{1,36}(?:\d{1,3}(?:\.\d{1,3}){3})?(?![\w:]|\.\d)", re.I
)
_MIN_IPV6_GROUPS = 3
_VERSION = re.compile(
    r"(?:\bv|version|\bver|release|build|firmware|update|patch|section|§|chapter)[ .:#]{0,3}$"
)
_ADDRESSED = re.compile(
    r"\bip|address|server|host|ping|ssh|login|logged|log(?:ged)? ?in|proxy|port|gateway|dns"
    r"|connect|\bfrom\b"
)
_BARE, _WITH_WORDS, _IPV6_SCORE = 0.6, 0.95, 0.9


def network_findings(passage: Passage) -> Iterator[Finding]:
    """All three kinds; each is looked for only where its mark stands in the text."""
    if "@" in passage.plain:
        credentials = list(_credentials(passage)) if "://" in passage.plain else []
        yield from credentials
        yield from _emails(passage, frozenset(finding.end for finding in credentials))
    if passage.plain.count(".") >= len("..."):
        yield from _ipv4(passage)
    if passage.plain.count(":") > 1:
        yield from _ipv6(passage)


def _emails(passage: Passage, ends_of_credentials: frozenset[int]) -> Iterator[Finding]:
    """The addresses; a password before the host of a URL is none."""
    for match in _EMAIL.finditer(passage.bounded):
        address = match[0]
        local, _, domain = address.partition("@")
        skipped = len(local) - len(local.lstrip(_QUOTES))
        is_file = domain.rpartition(".")[2].lower() in _FILE_ENDINGS
        if skipped == len(local) or local.endswith(".") or ".." in local or is_file:
            continue
        if match.start() + len(local) in ends_of_credentials:
            continue
        yield Finding(
            kind=Kind.EMAIL, start=match.start() + skipped, end=match.end(), score=_WITH_WORDS
        )


def _credentials(passage: Passage) -> Iterator[Finding]:
    for match in _CREDENTIALS.finditer(passage.bounded):
        yield Finding(
            kind=Kind.URL_CREDENTIALS, start=match.start(1), end=match.end(1), score=_WITH_WORDS
        )


def _ipv4(passage: Passage) -> Iterator[Finding]:
    for match in _IPV4.finditer(passage.bounded):
        before = passage.before(match.start())
        if _VERSION.search(before) or not _names_a_host(match[0]):
            continue
        score = _BARE if not _is_numbering(match[0]) else _BARE / 2
        if _ADDRESSED.search(before):
            score = _WITH_WORDS
        yield Finding(kind=Kind.IP_ADDRESS, start=match.start(), end=match.end(), score=score)


def _ipv6(passage: Passage) -> Iterator[Finding]:
    for match in _IPV6.finditer(passage.bounded):
        candidate = match[0].rstrip(":") if not match[0].endswith("::") else match[0]
        groups = [group for group in candidate.split(":") if group]
        if len(groups) < _MIN_IPV6_GROUPS or not any(c.isdigit() for c in candidate):
            continue
        try:
            IPv6Address(candidate)
        except AddressValueError:
            continue
        end = match.start() + len(candidate)
        yield Finding(kind=Kind.IP_ADDRESS, start=match.start(), end=end, score=_IPV6_SCORE)


def _names_a_host(candidate: str) -> bool:
    """Whether it is an address, and not one that is the same on every machine."""
    try:
        address = IPv4Address(candidate)
    except AddressValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def _is_numbering(candidate: str) -> bool:
    """Four small numbers are a version or a paragraph unless words say otherwise."""
    return all(len(part) == 1 for part in candidate.split("."))
