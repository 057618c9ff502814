"""Dates of birth: a date of this or the last century soon after words that announce one.

Whose it is cannot be told: that of a public figure in a biography is found as well.
"""

import re
from collections.abc import Iterator

from earmark.processors.alternation import by_first_letter
from earmark.processors.pii.finding import Finding, Kind
from earmark.processors.pii.passage import Passage

_WORDS = by_first_letter(
    r"\bborn\b|\bd\.?o\.?b\b|date of birth|birth ?date|birthday|geboren|geburtsdatum|\bnée? le"
    r"|date de naissance|\bnac[ií]|fecha de nacimiento|\bnascid[oa]|data de nascimento|\bnat[oa] il"
    r"|data di nascita|geboortedatum|родил(?:ся|ась)|дата рождения|\bfødt|\bfödd|urodzon"
    r"|data urodzenia"
    r"|doğum tarihi|生年月日|出生|生日|생년월일|تاريخ الميلاد|تاريخ الولادة|जन्म ?तिथि",
    ignore_case=True,
)
_DATE = re.compile(
    r"(?<!\d)(?:(?P<y1>\d{4})(?:[-/.]|年|년) ?\d{1,2}(?:[-/.]|月|월) ?\d{1,2}(?:日|일)?"
    r"|\d{1,2}[-/. ]\d{1,2}[-/. ](?P<y2>\d{4}|\d\d)"
    r"|\d{1,2}(?:st|nd|rd|th|\.)?(?: of| de)? [^\W\d_]{3,12}\.?,?(?: de)? (?P<y3>\d{4})"
    r"|[^\W\d_]{3,12}\.? \d{1,2}(?:st|nd|rd|th)?,? (?P<y4>\d{4}))(?!\d)"
)
_DIGIT = re.compile(r"\d")
_REACH = 40  # code points from the words to the end of the date
_YEARS = range(1900, 2100)
_SCORE = 0.85


def birth_findings(passage: Passage) -> Iterator[Finding]:
    """The first date after each such word."""
    for words in _WORDS.finditer(passage.plain):
        date = _DATE.search(passage.plain, words.end(), words.end() + _REACH)
        if date is None or _DIGIT.search(passage.plain, words.end(), date.start()):
            continue  # the number between is the date that the words announce
        year = next(group for group in date.groups() if group)
        if len(year) == len("87") or int(year) in _YEARS:
            yield Finding(kind=Kind.DATE_OF_BIRTH, start=date.start(), end=date.end(), score=_SCORE)
