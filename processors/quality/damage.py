"""What is not meant for readers: placeholders, wrong encodings, markup, disguised letters."""

import re
from collections.abc import Iterator

from earmark.processors.quality.prose import Prose

_SLOT = re.compile(
    r"\{\{? ?[a-z_][\w.]{0,40} ?\}?\}|\{\d\}|\$\{[\w.]{1,40}\}|%\(\w{1,40}\)s|%[sd](?!\w)"
    r"|%[a-z]+_[a-z_]{1,40}%"
    r"|[\[<](?:insert|your|enter|add) [^\]<>]{1,40}[\]>]"
    r"|[\[<](?:first ?|last ?|user|song|artist|track|album|show|episode|company)?_?(?:name|title"
    r"|date|artist)[\]>]",
    re.IGNORECASE,
)
_FILLER = re.compile(r"lorem ipsum|dolor sit amet|consectetur adipiscing", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"(?:n/?a|none|null|nil|undefined|nan|tba|tbd|tbc|todo|fixme|test(?:ing)?(?: test)*"
    r"|placeholder|untitled"
    r"|(?:no )?(?:description|title|text|lyrics)(?: (?:here|goes here|available|coming soon"
    r"|not available))?"
    r"|coming soon|insert .{1,30} here|x{2,10}|-+|\?+|\.+)[.!]*",
    re.IGNORECASE,
)
_ONE_SLOT, _MORE_SLOTS = 0.7, 0.1

_ODD = re.compile(r"[\u0080-\u017f\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]{2,200}")
_REPLACEMENT = "\ufffd"
_DAMAGED_SHARE = 0.1  # of a text, for the full score: nobody reads on

_MARKUP = re.compile(
    r"</?[a-z][^<>]{0,200}>|&(?:[a-z]{2,8}|#\d{2,6}|#x[0-9a-f]{2,5});|\[/?(?:b|i|u|url|img"
    r"|quote)\b[^\]\[]{0,100}\]",
    re.IGNORECASE,
)
_MARKED_SHARE = 0.2

_LETTER = r"[A-Za-z\u00c0-\u024f\u0400-\u04ff]"
_DISGUISES = (
    # letters of two scripts that look alike, side by side
    re.compile(r"[A-Za-z][\u0400-\u04ff]|[\u0400-\u04ff][A-Za-z]"),
    # invisible signs within a word, where these scripts have no use for them
    re.compile(rf"{_LETTER}[\u00ad\u200b-\u200d\u2060\ufeff]+(?={_LETTER})"),
    # order of display overridden; tags; letters of mathematics
    re.compile(r"[\u202d\u202e\U000e0020-\U000e007f]|[\U0001d400-\U0001d7ff]{2,}"),
)
_FLAG_TAGS = re.compile("\U0001f3f4[\U000e0020-\U000e007f]+")  # emoji of regions, spelled in tags
_DISGUISED_SHARE = 0.25  # of words, for the full score


def template(prose: Prose) -> float:
    """1 for a placeholder or filler text, else by the slots that were left unfilled."""
    if _PLACEHOLDER.fullmatch(prose.text.strip()[:100]) or _FILLER.search(prose.text):
        return 1.0
    slots = sum(1 for _ in _SLOT.finditer(prose.text))
    return min(1.0, _ONE_SLOT + _MORE_SLOTS * (slots - 1)) if slots else 0.0


def mojibake(prose: Prose) -> float:
    """By the share of the text that was decoded wrongly: 1 from a tenth on.

    That is U+FFFD, and what becomes readable when it is encoded as Windows-1252 or Latin-1 and
    decoded as UTF-8.
    """
    text = prose.text
    if text.isascii() or not text:
        return 0.0
    damaged = text.count(_REPLACEMENT) + sum(
        len(run[0]) for run in _ODD.finditer(text) if _is_misread(run[0])
    )
    return min(1.0, damaged / len(text) / _DAMAGED_SHARE)


def markup(prose: Prose) -> float:
    """By the share of the text in tags and entities of HTML or forum markup: 1 from a fifth on."""
    if not any(sign in prose.text for sign in "<&["):
        return 0.0
    marked = sum(len(mark[0]) for mark in _MARKUP.finditer(prose.text))
    return min(1.0, marked / len(prose.text) / _MARKED_SHARE)


def disguise(prose: Prose) -> float:
    """By the words with signs that deceive the eye: 1 when there is one to every four words."""
    if prose.text.isascii():
        return 0.0
    text = _FLAG_TAGS.sub("", prose.text)
    found = sum(sum(1 for _ in pattern.finditer(text)) for pattern in _DISGUISES)
    return min(1.0, found / max(len(prose.words), 1) / _DISGUISED_SHARE)


def _is_misread(run: str) -> bool:
    return any(_is_utf_8(data) for data in _encodings(run))


def _encodings(run: str) -> Iterator[bytes]:
    for encoding in ("cp1252", "latin-1"):
        try:
            yield run.encode(encoding)
        except UnicodeEncodeError:
            continue


def _is_utf_8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
