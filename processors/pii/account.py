"""Numbers with a checksum: payment cards, IBANs, wallets; and US social security numbers.

Cards: ISO/IEC 7812-1 (Luhn) and the issuers' published ranges. IBAN: ISO 13616 (lengths by the
registry of SWIFT, remainder by 97). Wallets: Base58Check, and Bech32 after BIP 173 and 350; an
Ethereum address has no checksum that the standard library could compute, so its form decides.
Social security numbers: the areas, groups and serials that the SSA never issues are left out.
"""

import re
from collections.abc import Iterator
from hashlib import sha256

from earmark.processors.pii.finding import Finding, Kind
from earmark.processors.pii.passage import Passage

_CARD = re.compile(
    r"(?<![\w.+-])(?:\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?"
    r"|\d{4}([ -])\d{6}\2\d{4,5}|\d{12,19})(?!\w|[.,-]\d)"
)
_CARD_WORDS = re.compile(
    r"\bcards?\b|\bcc\b|credit|debit|\bvisa|master ?card|maestro|amex|american express|discover"
    r"|diners|\bjcb\b|karte|carte|tarjeta|cart[ãa]o|carta di|kaart|kort\b|karta|карт|カード|卡|카드"
    r"|بطاقة|कार्ड"
)
_NO_CARD_WORDS = re.compile(
    r"isbn|\bean\b|\bupc\b|barcode|order|tracking|imei|serial|invoice|isrc|ticket"
)
_CARD_SCORE, _RARE_CARD, _UNKNOWN_ISSUER, _WORDS = 0.9, 0.4, 0.25, 0.35
_SHORTEST_COMMON_CARD = 14

# first and last prefix, lengths, whether numbers of other purposes seldom look so
_ISSUERS: tuple[tuple[str, str, range, bool], ...] = (
    ("4", "4", range(13, 20, 3), True),  # Visa
    ("51", "55", range(16, 17), True),  # Mastercard
    ("2221", "2720", range(16, 17), True),
    ("34", "34", range(15, 16), True),  # American Express
    ("37", "37", range(15, 16), True),
    ("6011", "6011", range(16, 20), True),  # Discover
    ("644", "659", range(16, 20), True),
    ("62", "62", range(16, 20), True),  # UnionPay
    ("300", "305", range(14, 20), True),  # Diners Club
    ("36", "36", range(14, 20), True),
    ("38", "39", range(14, 20), True),
    ("3528", "3589", range(16, 20), True),  # JCB
    ("1800", "1800", range(15, 16), False),
    ("2131", "2131", range(15, 16), False),
    ("2200", "2204", range(16, 20), True),  # Mir
    ("81", "82", range(16, 17), False),  # RuPay
    ("50", "50", range(12, 20), False),  # Maestro
    ("56", "69", range(12, 20), False),
)

_IBAN_START = re.compile(r"(?<![^\W_])[A-Z]{2}\d\d(?=[ -]?[A-Z0-9])", re.I)
_IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST",
        26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
_IBAN_SCORE = 0.95
_IBAN_BASE = 97

_SSN = re.compile(r"(?<![\w.-])(?!000|666|9)\d{3}([- ]?)(?!00)\d\d\1(?!0000)\d{4}(?!\w|-\d|\.\d)")
_SSN_WORDS = re.compile(r"\bssn\b|social security|\bss ?#|soc(?:ial)? sec")
_SSN_SCORE, _SSN_WITH_WORDS = 0.6, 0.9

_WALLET = re.compile(
    r"(?<![\w/.])(?:(0x[0-9a-fA-F]{40})|((?i:bc|tb|ltc)1(?i:[02-9ac-hj-np-z]){11,87})"
    r"|([1-9A-HJ-NP-Za-km-z]{26,35}))(?!\w)"
)
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58_BYTES, _BASE58_CHECK_BYTES = 25, 4
_BASE58_VERSIONS = frozenset({0x00, 0x05, 0x30, 0x32, 0x1E, 0x16, 0x41})  # BTC, LTC, DOGE, TRX
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_CONSTANTS = frozenset({1, 0x2BC830A3})  # BIP 173, BIP 350
_BECH32_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKED_WALLET, _WALLET_BY_FORM = 0.99, 0.85


def account_findings(passage: Passage) -> Iterator[Finding]:
    """All four kinds; cards and social security numbers never inside a link."""
    yield from _cards(passage)
    yield from _ibans(passage)
    yield from _social_security_numbers(passage)
    yield from _wallets(passage)


def is_luhn(digits: str) -> bool:
    """Whether the last digit checks the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for at, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + at % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the cross sum of two digits
    return total % 10 == 0


def is_iban(code: str) -> bool:
    """Whether the code, without spaces, has its country's length and remainder 1 by 97."""
    if not code.isascii() or len(code) != _IBAN_LENGTHS.get(code[:2].upper()):
        return False
    number = "".join(str(int(sign, 36)) for sign in code[4:] + code[:4])
    return int(number) % _IBAN_BASE == 1


def _cards(passage: Passage) -> Iterator[Finding]:
    at = 0
    while match := _CARD.search(passage.bounded, at):
        found = None if passage.is_in_link(match.start()) else _card(passage, match)
        if found:
            yield found
        # groups that are no card may end in the first ones of a card
        at = found.end if found else match.start() + len("0000")


def _card(passage: Passage, match: re.Match[str]) -> Finding | None:
    for candidate in _card_readings(match):
        digits = candidate.replace(" ", "").replace("-", "")
        if len(set(digits)) > 1 and is_luhn(digits):
            score = _card_score(digits, passage, match.start(), match.end())
            end = match.start() + len(candidate)
            return Finding(kind=Kind.CARD, start=match.start(), end=end, score=score)
    return None


def _card_readings(match: re.Match[str]) -> Iterator[str]:
    """The number, and where a short group follows the number without that group."""
    yield match[0]
    if match[1] and len(match[0]) > len("0000 0000 0000 0000"):
        yield match[0][: len("0000 0000 0000 0000")]


def _card_score(digits: str, passage: Passage, start: int, end: int) -> float:
    known = [is_common for low, high, lengths, is_common in _ISSUERS
             if len(digits) in lengths and low <= digits[: len(low)] <= high]  # fmt: skip
    is_common = any(known) and len(digits) >= _SHORTEST_COMMON_CARD
    score = _CARD_SCORE if is_common else _RARE_CARD if known else _UNKNOWN_ISSUER
    before = passage.before(start)
    if _CARD_WORDS.search(before) or _CARD_WORDS.search(passage.after(end)):
        return min(score + _WORDS, 0.99)
    return score - _WORDS if _NO_CARD_WORDS.search(before) else score


def _ibans(passage: Passage) -> Iterator[Finding]:
    for match in _IBAN_START.finditer(passage.bounded):
        length = _IBAN_LENGTHS.get(match[0][:2].upper())
        if length is None:
            continue
        end = _end_of_code(passage.bounded, match.start(), length)
        code = passage.plain[match.start() : end].replace(" ", "").replace("-", "")
        if end and is_iban(code):
            yield Finding(kind=Kind.IBAN, start=match.start(), end=end, score=_IBAN_SCORE)


def _end_of_code(text: str, start: int, length: int) -> int:
    """Where `length` letters and digits end, single spaces between them; 0 where they do not."""
    at, signs = start, 0
    while at < len(text) and signs < length:
        if text[at].isalnum() and text[at].isascii():
            signs += 1
        elif text[at] not in " -" or text[at - 1] in " -":
            return 0
        at += 1
    is_whole = signs == length and not text[at : at + 1].isalnum()
    return at if is_whole else 0


def _social_security_numbers(passage: Passage) -> Iterator[Finding]:
    for match in _SSN.finditer(passage.bounded):
        has_words = bool(_SSN_WORDS.search(passage.before(match.start())))
        if passage.is_in_link(match.start()) or (match[1] != "-" and not has_words):
            continue
        score = _SSN_WITH_WORDS if has_words else _SSN_SCORE
        yield Finding(kind=Kind.US_SSN, start=match.start(), end=match.end(), score=score)


def _wallets(passage: Passage) -> Iterator[Finding]:
    for match in _WALLET.finditer(passage.bounded):
        ethereum, bech32, base58 = match.groups()
        if ethereum or (bech32 and _is_bech32(bech32)) or (base58 and _is_base58(base58)):
            score = _WALLET_BY_FORM if ethereum else _CHECKED_WALLET
            yield Finding(
                kind=Kind.CRYPTO_WALLET, start=match.start(), end=match.end(), score=score
            )


def _is_base58(code: str) -> bool:
    number = 0
    for sign in code:
        value = _BASE58.find(sign)
        if value < 0:
            return False
        number = number * len(_BASE58) + value
    if number.bit_length() > _BASE58_BYTES * 8:
        return False
    payload = number.to_bytes(_BASE58_BYTES, "big")
    body, check = payload[:-_BASE58_CHECK_BYTES], payload[-_BASE58_CHECK_BYTES:]
    digest = sha256(sha256(body).digest()).digest()
    return payload[0] in _BASE58_VERSIONS and digest[:_BASE58_CHECK_BYTES] == check


def _is_bech32(code: str) -> bool:
    if code not in {code.lower(), code.upper()}:
        return False
    prefix, _, data = code.lower().rpartition("1")
    values = [ord(sign) >> 5 for sign in prefix] + [0] + [ord(sign) & 31 for sign in prefix]
    places = [_BECH32.find(sign) for sign in data]
    return min(places) >= 0 and _polymod(values + places) in _BECH32_CONSTANTS


def _polymod(values: list[int]) -> int:
    """The checksum of BIP 173."""
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_BECH32_GENERATORS):
            check ^= generator if top >> bit & 1 else 0
    return check
