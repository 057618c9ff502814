"""Telephone numbers: those that the numbering plans know, and those that look and read like one.

Numbers with `+` are checked by Google's libphonenumber (package phonenumbers); so are national
ones, in the regions that the event or its language names. Elsewhere the common ways of writing
decide: North American groups, a leading zero, an area code in brackets. Words around the number
("call", "fax", "order no.") weigh in, and a bare row of digits is a number only by them.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import phonenumbers

from earmark.processors.pii.finding import Finding, Kind
from earmark.processors.pii.passage import Passage

MAX_REGIONS = 4
MAX_GROUPS_LEFT_OUT = 4
MAX_CHECKS = 2_000  # of one text against numbering plans, 0.1 ms each; then form alone decides

_EXTENSION = r"(?:,? ?(?:x|ext\.?|extension|#) ?\d{1,6})"
_CANDIDATE = re.compile(
    r"(?<![\w+#$€£¥₹%=@/])(?<!\d[:.,-])(?<!\w-)"
    r"(?:\+ ?|\(\+)?\(?\d(?:[ .\-/()]{0,3}\d){5,16}"
    rf"{_EXTENSION}?(?![\w%°€£¥₹@]|[.,:/-]\d)"
)
_EXTENDED = re.compile(rf"{_EXTENSION}$")
_GROUPS = re.compile(r"\d+")
_NORTH_AMERICAN = re.compile(r"(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d([ .-]))\d{3}[ .-]\d{4}")
_LEADING_ZERO = re.compile(r"0[1-9]\d{0,4}(?:[ /.-]{1,3}\d{2,8}){1,4}")
_BRACKETS = re.compile(r"\((?!19\d\d|20\d\d)0?\d{2,4}\)[ /-]{0,2}\d{2,5}(?:[ -]?\d{2,5}){0,3}")
_TRIPLES = re.compile(r"\d{3}([ -])\d{3}\1\d{3}")
_THOUSANDS = re.compile(r"\d{1,3}([ .])\d{3}(?:\1\d{3})+")
_DATE = re.compile(
    r"(?:19|20)\d\d([-/. ])\d{1,2}\1\d{1,2}(?: \d{1,2})?|\d{1,2}([-/. ])\d{1,2}\2(?:19|20)\d\d"
    r"(?: \d{1,2})?|(?:19|20)\d\d ?[-/] ?(?:19|20)\d\d"
)
_IP = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_ISBN = re.compile(r"97[89][ -]?(?:\d[ -]?){9}\d")

_WORDS = re.compile(
    r"phone|\btel\b|\btel[.:ée]|\bcall\b|calling|\bfax|mobile|\bcell\b|whats ?app|\bviber"
    r"|telegram|\btext (?:me|us)"
    r"|\btxt|\bsms\b|\bdial|\bring\b|hotline|helpline|\bcontact|reach (?:me|us|him|her|them)"
    r"|messages? (?:to|me)"
    r"|answer|number is|my number|\bph[:.]|\bmob[:.]|telefon|handy|anruf|rufen|t[ée]l[ée]phone"
    r"|portable|appel"
    r"|llama|tel[ée]fono|m[óo]vil|celular|ll[áa]me|ligue|telefone|chiama|cellulare|bellen"
    r"|телефон|\bтел\b|звони"
    r"|電話|电话|手机|전화|هاتف|اتصل|फ़ोन|फोन|โทร"
)
_WORDS_AFTER = re.compile(
    r"^[ (,:-]{0,4}(?:office|fax|mobile|cell|home|work|whats ?app|phone|tel)\b"
)
_OTHER_WORDS = re.compile(
    r"(?:isbn|issn|isrc|order|invoice|tracking|serial|\bsku|barcode|\bean\b|\bupc\b|ticket"
    r"|version|\bid\b|model"
    r"|catalog(?:ue)?|article|account|patent|doi|bestell\w*|commande|pedido|score[sd]?|pages?"
    r"|years?|between)"
    r"(?: ?(?:no|nr|number|num|n°|№|is))?[ .:#-]{0,3}$"
)
_OTHER_AFTER = re.compile(
    r"^ ?(?:views|streams|plays|km|kg|usd|eur|dollars|euros?|people|followers|subscribers|copies"
    r"|votes|bytes|times|bpm|hz)\b"
)
_VALID_ABROAD, _POSSIBLE_ABROAD = 0.9, 0.7
_VALID_GROUPED, _VALID_TRIPLES, _VALID_PLAIN = 0.75, 0.55, 0.45
_BRACKETED, _ZERO_LED, _GROUPED, _PLAIN = 0.65, 0.6, 0.3, 0.2
_FOR, _AGAINST = 0.35, 0.5
_CERTAIN = 0.99
_ZERO_LED_DIGITS = range(9, 13)
_SHORTEST = 7
_SHORTEST_COUNTING = 3  # numbers
_COUNTING_STEPS = ({1}, {-1}, {2}, {-2})
_ABROAD_DIGITS = range(8, 16)  # ITU-T E.164
_LONGEST_NATIONAL = 12

_REGIONS = {
    "en": "US GB AU IN", "de": "DE AT CH", "fr": "FR BE CH CA", "es": "ES MX AR CO",
    "pt": "BR PT", "it": "IT CH", "nl": "NL BE", "sv": "SE FI", "da": "DK", "no": "NO", "nb": "NO",
    "fi": "FI", "pl": "PL", "cs": "CZ", "sk": "SK", "hu": "HU", "ro": "RO", "bg": "BG", "el": "GR",
    "tr": "TR", "ru": "RU KZ", "uk": "UA", "ar": "EG SA AE MA", "he": "IL", "fa": "IR", "hi": "IN",
    "bn": "BD IN", "ur": "PK", "id": "ID", "ms": "MY", "vi": "VN", "th": "TH", "ja": "JP",
    "ko": "KR", "zh": "CN TW HK",
}  # fmt: skip
_MOBILE = frozenset(
    {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}
)
_REGION_SUBTAG = 2


def regions_of(regions: Sequence[str], language: str | None) -> tuple[str, ...]:
    """Where national numbers may be from: the event's regions, else those of its language."""
    known = [region.upper() for region in regions if len(region) == _REGION_SUBTAG]
    subtags = (language or "").replace("_", "-").split("-")
    if not known:
        known = [tag.upper() for tag in subtags[1:] if len(tag) == _REGION_SUBTAG]
    return tuple((known or _REGIONS.get(subtags[0].lower(), "").split())[:MAX_REGIONS])


def phone_findings(passage: Passage, regions: Sequence[str]) -> Iterator[Finding]:
    """The numbers outside links, those in regions checked by the plans of these."""
    checker = _Checker(regions)
    at = 0
    while match := _CANDIDATE.search(passage.bounded, at):
        at = match.end()
        if passage.is_in_link(match.start()):
            continue
        best = _best(passage, match.start(), match[0], checker)
        if best.score > 0:
            at = best.end
            yield best


def _best(passage: Passage, start: int, candidate: str, checker: "_Checker") -> Finding:
    """The likeliest reading of the digits, the longest of those that are equally likely."""
    best = _scored(passage, start, candidate, checker)
    for reading in _shorter(candidate):
        if best.score >= _VALID_GROUPED:
            break
        best = max(best, _scored(passage, start, reading, checker), key=lambda f: f.score)
    return best


def _shorter(candidate: str) -> Iterator[str]:
    """The candidate without its last groups, which may be a number of their own."""
    for _ in range(MAX_GROUPS_LEFT_OUT):
        candidate = candidate.rpartition(" ")[0].rstrip(" (-/.")
        if len(_digits(candidate)) < _SHORTEST:
            return
        yield candidate


def _scored(passage: Passage, start: int, reading: str, checker: "_Checker") -> Finding:
    end = start + len(reading)
    score = checker.by_form(reading)
    if score:
        score = _weighed(score, passage, start, end)
    return Finding(kind=Kind.PHONE, start=start, end=end, score=max(score, 0.0))


def _weighed(score: float, passage: Passage, start: int, end: int) -> float:
    """The score of the form, in the light of the words around."""
    before, after = passage.before(start), passage.after(end)
    if _OTHER_WORDS.search(before) or _OTHER_AFTER.search(after):
        return score - _AGAINST
    if _WORDS.search(before) or _WORDS_AFTER.search(after):
        return min(score + _FOR, _CERTAIN)
    return score - _AGAINST if passage.is_name and score < _VALID_ABROAD else score


class _Checker:
    """Weighs numbers by their form and their numbering plans."""

    def __init__(self, regions: Sequence[str]) -> None:
        self._regions = regions
        self._checks_left = MAX_CHECKS

    def by_form(self, reading: str) -> float:
        """How far the number looks like one, words aside; 0: it is something else."""
        reading = _EXTENDED.sub("", reading)
        digits = _digits(reading)
        if reading.lstrip("(").startswith("+"):
            return self._abroad(reading)
        if len(set(digits)) == 1 or _is_other(reading):
            return 0.0
        if digits.startswith("00") and (score := self._abroad(f"+{digits[2:]}")) >= (
            _VALID_ABROAD if reading.isdigit() else _POSSIBLE_ABROAD
        ):
            return score
        return max(self._by_groups(reading, digits), self._at_home(reading, digits))

    def _by_groups(self, reading: str, digits: str) -> float:
        if _NORTH_AMERICAN.fullmatch(reading):
            return _VALID_GROUPED if self._is_valid(reading, "US") else _BRACKETED
        if _BRACKETS.fullmatch(reading):
            return _BRACKETED
        if _LEADING_ZERO.fullmatch(reading) and len(digits) in _ZERO_LED_DIGITS:
            return _ZERO_LED
        if len(digits) > _LONGEST_NATIONAL:
            return 0.0
        is_grouped = len(digits) < len(reading) and not _THOUSANDS.fullmatch(reading)
        return _GROUPED if is_grouped else _PLAIN

    def _at_home(self, reading: str, digits: str) -> float:
        if len(digits) > _LONGEST_NATIONAL:
            return 0.0
        return max((self._in(region, reading, digits) for region in self._regions), default=0.0)

    def _in(self, region: str, reading: str, digits: str) -> float:
        """A number of the region as people there write it counts more."""
        number = self._parsed(reading, region)
        if number is None or not phonenumbers.is_valid_number_for_region(number, region):
            return 0.0
        groups = _GROUPS.findall(reading)
        if len(groups) == 1:
            return _ZERO_LED if digits[0] == "0" else _VALID_PLAIN
        if digits[0] == "0":
            return _VALID_GROUPED if len(min(groups, key=len)) > 1 else _VALID_PLAIN
        if _is_usual(number, groups):
            return _VALID_GROUPED
        is_mobile = phonenumbers.number_type(number) in _MOBILE
        return _VALID_TRIPLES if is_mobile and _TRIPLES.fullmatch(reading) else _VALID_PLAIN

    def _abroad(self, reading: str) -> float:
        if self._checks_left <= 0:
            return _POSSIBLE_ABROAD if len(_digits(reading)) in _ABROAD_DIGITS else 0.0
        number = self._parsed(reading, None)
        if number is None:
            return 0.0
        if phonenumbers.is_valid_number(number):
            return _VALID_ABROAD
        return _POSSIBLE_ABROAD if phonenumbers.is_possible_number(number) else 0.0

    def _is_valid(self, reading: str, region: str) -> bool:
        number = self._parsed(reading, region)
        return number is not None and phonenumbers.is_valid_number_for_region(number, region)

    def _parsed(self, reading: str, region: str | None) -> phonenumbers.PhoneNumber | None:
        if self._checks_left <= 0:
            return None
        self._checks_left -= 1
        try:
            return phonenumbers.parse(reading, region)
        except phonenumbers.NumberParseException:
            return None


def _is_usual(number: phonenumbers.PhoneNumber, groups: Sequence[str]) -> bool:
    """Whether the groups are those of the numbering plan; a mobile number may lack its zero."""
    if groups == _GROUPS.findall(_format(number, phonenumbers.PhoneNumberFormat.NATIONAL)):
        return True
    abroad = _GROUPS.findall(_format(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL))
    return phonenumbers.number_type(number) in _MOBILE and groups == abroad[1:]


def _format(number: phonenumbers.PhoneNumber, style: int) -> str:
    return phonenumbers.format_number(number, style)


def _digits(reading: str) -> str:
    return "".join(_GROUPS.findall(reading))


def _is_other(reading: str) -> bool:
    """Dates, spans of years, IP addresses, ISBNs and countings have digits and separators too."""
    return any(form.fullmatch(reading) for form in (_DATE, _IP, _ISBN)) or _is_counting(reading)


def _is_counting(reading: str) -> bool:
    numbers = [int(group) for group in _GROUPS.findall(reading)]
    steps = {b - a for a, b in pairwise(numbers)}
    return len(numbers) >= _SHORTEST_COUNTING and steps in _COUNTING_STEPS
