"""Sentences of a text as ranges of code points, found in one pass.

Ends are punctuation before white space, the full stops of Chinese and Japanese, and line breaks;
abbreviations and initials do not end a sentence. The rules are after Unicode Standard Annex #29,
section 5, cut down to what titles, comments and transcripts need.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LONGEST_SENTENCE = 400  # code points; a longer one is cut at white space

_STOP = re.compile(r"[.!?…]+[\"'”’»)\]]*|[。！？]+[」』”’）]*|[\r\n\u2028\u2029]+")
_ABBREVIATIONS = frozenset(
    {"mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs", "etc", "vol", "feat", "ft", "inc"}
    | {"ltd", "co", "e.g", "i.e", "a.m", "p.m", "u.s", "u.k"}
)
_LONGEST_ABBREVIATION = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Code points `start` to `end` (exclusive) of a text, without white space around them."""

    start: int
    end: int


def sentences(text: str) -> Iterator[Sentence]:
    """The sentences of the text in order; together they hold all of it but white space."""
    begin = 0
    for stop in _STOP.finditer(text):
        if _ends_sentence(text, stop):
            yield from _cut(text, begin, stop.end())
            begin = stop.end()
    yield from _cut(text, begin, len(text))


def surroundings(parts: Sequence[Sentence], longest: int) -> Iterator[Sentence]:
    """For each of the sentences the run of them that it stands in, of at most `longest`.

    Runs follow one another; a sentence that is longer is a run by itself.
    """
    run: list[Sentence] = []
    for part in parts:
        if run and part.end - run[0].start > longest:
            yield from _whole(run)
            run = []
        run.append(part)
    yield from _whole(run)


def _whole(run: Sequence[Sentence]) -> Iterator[Sentence]:
    for _ in run:
        yield Sentence(start=run[0].start, end=run[-1].end)


def _ends_sentence(text: str, stop: re.Match[str]) -> bool:
    if stop[0][0] not in ".!?…":
        return True
    following = text[stop.end() : stop.end() + 1]
    if following and not following.isspace():
        return False
    return stop[0] != "." or not _is_abbreviation(text, stop.start())


def _is_abbreviation(text: str, dot: int) -> bool:
    before = text[max(0, dot - _LONGEST_ABBREVIATION - 1) : dot].split()
    word = before[-1].lstrip("([\"'") if before and not text[dot - 1].isspace() else ""
    is_initial = len(word) == 1 and word.isupper() and word != "I"
    return is_initial or word.lower() in _ABBREVIATIONS


def _cut(text: str, start: int, end: int) -> Iterator[Sentence]:
    """The range without white space around it, in parts no longer than a sentence may be."""
    while start < end:
        start = _skip_space(text, start, end)
        stop = min(start + LONGEST_SENTENCE, end)
        if stop < end:
            space = max(text.rfind(" ", start, stop), text.rfind("\t", start, stop))
            stop = space if space > start else stop
        last = start + len(text[start:stop].rstrip())
        if last > start:
            yield Sentence(start=start, end=last)
        start = stop


def _skip_space(text: str, start: int, end: int) -> int:
    while start < end and text[start].isspace():
        start += 1
    return start
