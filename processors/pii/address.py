"""Street addresses as far as their words show: a kind of street, a name, a number.

Each language has its order and its words; the ones here are the commonest
of some twenty. What looks like an address may be the name of a work ("21 Jump Street"); in a title
it takes more than that.
"""

import re
from collections.abc import Iterator

from earmark.processors.alternation import by_first_letter
from earmark.processors.pii.finding import Finding, Kind
from earmark.processors.pii.passage import Passage

_NUMBER = r"\d{1,5}[a-z]?(?:[-/]\d{1,4})?"
_NOT_INSIDE = r"(?<![\w$€£.,:/#-])"
_WORD = r"[^\W\d_][\w.'’-]{0,30}"
_CITY = r"[^\W\d_][\w'’-]{1,30}"
_UNIT = r"(?:,?\s{1,3}(?:apt|apartment|suite|ste|unit|flat|floor|room)\b\.? ?#?\w{1,6}){0,2}"
_PLACE = (  # city, state, postal code
    rf"(?:,?\s{{1,3}}{_CITY}(?: {_CITY})?,? (?:[a-z]{{2}} )?\d{{4,5}}(?:-\d{{4}})?)?"
)

_ENGLISH_KINDS = (
    "street|st|road|rd|avenue|ave|lane|ln|drive|dr|court|ct|boulevard|blvd|way|place|pl|square"
    "|sq|terrace|parkway|pkwy|circle|highway|hwy|crescent|close|gardens|grove|alley|trail|row"
    "|mews|hill"
)
_BEFORE_NAME = (
    r"rue|avenue|boulevard|all[ée]e|chemin|quai|impasse|place|route|cours|calle|c/|avenida"
    r"|avda?\.|plaza|paseo|camino|carrera|rua|r[úu]a|travessa|pra[çc]a|via|viale|piazza|corso"
    r"|largo|strada|ulica|ul\.|al\.|pl\.|os\.|улица|ул\.|проспект|пр\.|переулок|пер\.|вул\."
    r"|jalan|jl\.|đường|οδός"
)
_ENDINGS = (
    r"stra(?:ß|ss)e|str\.|allee|gasse|straat|laan|plein|gracht|dijk|singel|gatan|gränd|vägen"
    r"|vej|vænget|vegur|veien|vegen|katu|kuja|polku|stræti|straeti"
    r"|platz|weg|damm|ufer|kade|gata|väg|torg|gade|braut|gate|tie"
)
_SEPARATE_KINDS = r"utca|út|u\.|tér|körút|sokak|caddesi|cad\.|sok\."
_NUMBER_SIGN = r"(?:(?:n[o°º]\.?|№|nr\.?|д\.) ?)?"

# kinds that are other words too, small within a sentence or at the end of other words
_DOUBTFUL = frozenset(
    {"via", "place", "route", "cours", "plaza", "camino", "largo", "corso", "strada", "paseo"}
    | {"avenue", "boulevard", "carrera", "os.", "al.", "pl."}
    | {"platz", "weg", "damm", "ufer", "kade", "gata", "väg", "torg", "gade", "braut", "gate"}
    | {"tie"}
)

# a name, its kind and a number
_NAME_FIRST = (
    rf"(?<!\w)(?P<name>[^\W\d_][\w'’-]{{1,30}}-?)(?P<kind>{_ENDINGS}) {_NUMBER}(?!\w){_UNIT}",
    rf"(?<!\w)(?P<name>{_WORD} )(?P<kind>stra(?:ß|ss)e|allee|gasse) {_NUMBER}(?!\w){_UNIT}",
    rf"(?<!\w)(?P<name>(?:{_WORD} ){{1,2}})(?P<kind>{_SEPARATE_KINDS}) (?:no:? ?)?{_NUMBER}"
    r"(?!\w)",
)
_OTHERS = (
    rf"{_NOT_INSIDE}{_NUMBER},? (?P<name>(?:{_WORD} ){{1,4}}?)"
    rf"(?P<kind>(?P<bare>{_ENGLISH_KINDS}))\b\.?"
    rf"{_UNIT}{_PLACE}",
    rf"{_NOT_INSIDE}{_NUMBER},? (?:(?:bis|ter),? )?(?P<kind>{_BEFORE_NAME}) "
    rf"(?P<name>{_WORD}(?: {_WORD}){{0,4}})",
    rf"(?<!\w)(?P<kind>{_BEFORE_NAME})(?:(?<=[./]) ?| )(?P<name>{_WORD}(?: {_WORD}){{0,4}}?)"
    rf",? ?{_NUMBER_SIGN}{_NUMBER}(?!\w){_UNIT}",
    rf"(?<!\w)(?P<name>(?:{_WORD} ){{1,4}}){_NUMBER},?\s{{1,3}}"
    rf"(?P<kind>apt|apartment|suite)\b\.?"
    r" ?#?\d{1,5}",
    r"(?<!\w)(?P<kind>p\. ?o\. ?box|po box|postfach|apartado|boîte postale) (?P<name>)\d{1,6}"
    r"(?!\w)",
    r"(?<!\w)(?P<kind>psc|unit|cmr) (?P<name>)\d{3,5},? box \d{1,6}"
    r"(?:,?\s(?:apo|fpo|dpo) [a-z]{2} \d{5})?",
    r"〒 ?\d{3}-\d{4}(?P<kind>)(?P<name>)",
    r"(?P<name>[\u3400-\u9fff]{1,12})(?P<kind>路|街|道|巷)\d{1,5}号",
    r"(?P<name>[\uac00-\ud7a3]{2,10})(?P<kind>로|길) \d{1,5}(?:-\d{1,4})?(?!\w)",
)
_NAME_FIRST_PATTERNS, _OTHER_PATTERNS = (
    tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)
    for patterns in (_NAME_FIRST, _OTHERS)
)
# what there is wherever one of the patterns matches; the last for those with the name first
_MARKS = by_first_letter(
    r"[路街道巷〒로길]"
    rf"|\b(?:{_ENGLISH_KINDS}|{_BEFORE_NAME}|{_SEPARATE_KINDS}|box|postfach|apartado|apt|apartment|suite)"
    rf"|(?:{_ENDINGS}) \d",
    ignore_case=True,
)
_NUMBERED = by_first_letter(rf"(?:{_ENDINGS}|{_SEPARATE_KINDS}) (?:no:? ?)?\d", ignore_case=True)
_WORDS = re.compile(
    r"address|\blives? (?:at|on|in)|\bliving (?:at|on)|\bship(?:ped)? to|deliver|\bresid"
    r"|located at|\bmail (?:it )?to"
    r"|\bmeet (?:me|us|you) at|send .{0,12}to|adresse|anschrift|wohn|habite|direcci[óo]n|vive en"
    r"|endere[çc]o"
    r"|indirizzo|abita|адрес|жив[её]т|住所|地址|주소|عنوان|पता"
)
_TITLE_GOES_ON = re.compile(r" [A-Z]")  # "10 Best Road Songs"
_PARTICLES = frozenset(
    {
        "de",
        "du",
        "des",
        "la",
        "le",
        "les",
        "el",
        "los",
        "las",
        "da",
        "do",
        "dos",
        "das",
        "di",
        "del",
    }
    | {"della", "dei", "of", "the", "van", "den", "der", "von", "und", "y", "e"}
)
_NAMED, _LOWER_CASE, _BOX, _FOR, _AGAINST = 0.6, 0.25, 0.7, 0.3, 0.3
_LONG = 24  # code points: with a unit or a place in it


def address_findings(passage: Passage) -> Iterator[Finding]:
    """What the patterns match outside links, if the text has a digit and a word for a street."""
    for pattern in _patterns_for(passage.plain):
        for match in pattern.finditer(passage.plain):
            if not passage.is_in_link(match.start()):
                start, end = match.start(), match.end()
                score = _score(passage, match)
                yield Finding(kind=Kind.STREET_ADDRESS, start=start, end=end, score=score)


def _patterns_for(plain: str) -> Iterator[re.Pattern[str]]:
    """Those that may match: they are dear, and a few words tell that they cannot."""
    if _MARKS.search(plain):
        yield from _OTHER_PATTERNS
        if _NUMBERED.search(plain):
            yield from _NAME_FIRST_PATTERNS


def _score(passage: Passage, match: re.Match[str]) -> float:
    score = _BOX if not match["name"] else _NAMED if _is_named(match) else _LOWER_CASE
    if _WORDS.search(passage.before(match.start())):
        return score + _FOR
    return score - _AGAINST if passage.is_name and len(match[0]) < _LONG else score


def _is_named(match: re.Match[str]) -> bool:
    """Whether name and kind are written as those of a street, and end there."""
    words = [word for word in match["name"].split() if word.lower() not in _PARTICLES]
    ends_bare = match.groupdict().get("bare") and match.end() - match.end("bare") <= len(".")
    goes_on = ends_bare and _TITLE_GOES_ON.match(match.string, match.end())
    return (
        bool(words)
        and all(_is_capital(word) for word in words)
        and match["kind"] not in _DOUBTFUL
        and not goes_on
    )


def _is_capital(word: str) -> bool:
    """Whether it is written as a name; scripts without case write all words so."""
    return not word[0].islower()
