r"""Patterns of many alternatives, laid out so that `re` finds quickly that none begins here.

Python's `re` tries the alternatives of a pattern one after the other, at every place of a text.
Here those that begin with the same letter stand together behind it:

    \bfree\b|(?:fast|best) offer  ->  f(?:(?<!\w\w)ree\b|ast offer)|b(?:est offer)

Both find the same. At one place no two alternatives match that begin with different letters, and
those that begin with the same one keep their order.
"""

import re
from collections.abc import Iterator
from functools import cache

_SIGN = re.compile(r"\\.|\[(?:\\.|[^\]\\])+\]|.", re.DOTALL)
_GROUP = re.compile(r"(?P<before>(?:\\b)?)\(\?:")
_HEAD = re.compile(r"(?P<bound>\\b)?(?P<letter>[^\W_])(?![?*+{])")
_NO_WORD_BEFORE = r"(?<!\w\w)"  # before a letter that was just read
_QUANTIFIERS = tuple("?*+{")
_CASED_BEFORE = 0x3000  # scripts whose letters have cases, but for a few that nobody asks for


def by_first_letter(pattern: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """Matches where `pattern` does, and the same; it may have no groups that capture.

    An alternative that begins with no letter stays where it is, and parts those before it from
    those behind it. Raises re.error for what is no pattern.
    """
    return re.compile("|".join(_laid_out(pattern, ignore_case=ignore_case)))


def _laid_out(pattern: str, *, ignore_case: bool) -> Iterator[str]:
    flags = "i" if ignore_case else ""
    alike: dict[str, list[str]] = {}  # what follows each first letter
    for alternative in _expanded(pattern):
        if (head := _HEAD.match(alternative)) is None:
            yield from _together(alike, flags)
            alike.clear()
            yield f"(?{flags}:{alternative})"
        else:
            letter = _any_case(head["letter"]) if ignore_case else head["letter"]
            bound = _NO_WORD_BEFORE if head["bound"] else ""
            alike.setdefault(letter, []).append(bound + alternative[head.end() :])
    yield from _together(alike, flags)


def _together(alike: dict[str, list[str]], flags: str) -> Iterator[str]:
    for letter, tails in alike.items():
        yield f"{letter}(?{flags}:{'|'.join(tails)})"


@cache
def _any_case(letter: str) -> str:
    """A set of all letters that `re` takes for this one where it ignores case."""
    found = re.findall(letter, _letters(), re.IGNORECASE)
    return f"[{''.join(found)}]" if found else letter


@cache
def _letters() -> str:
    return "".join(filter(str.isalpha, map(chr, range(_CASED_BEFORE))))


def _expanded(pattern: str) -> Iterator[str]:
    """The alternatives; one that begins with a group of some is taken apart into these."""
    for alternative in _split(pattern):
        group = _GROUP.match(alternative)
        end = _end_of_group(alternative) if group else 0
        if group is None or alternative.startswith(_QUANTIFIERS, end):
            yield alternative
            continue
        for first in _split(alternative[group.end() : end - 1]):
            yield from _expanded(f"{group['before']}{first}{alternative[end:]}")


def _split(pattern: str) -> Iterator[str]:
    """The pattern cut at the bars that are in no group."""
    start = 0
    for sign, at, depth in _nested(pattern):
        if (sign, depth) == ("|", 0):
            yield pattern[start:at]
            start = at + 1
    yield pattern[start:]


def _end_of_group(alternative: str) -> int:
    """Behind the group that it begins with."""
    return next(at + 1 for sign, at, depth in _nested(alternative) if (sign, depth) == (")", 0))


def _nested(pattern: str) -> Iterator[tuple[str, int, int]]:
    """Each sign of the pattern with its place, and in how many groups it is."""
    depth = 0
    for sign in _SIGN.finditer(pattern):
        depth -= sign[0] == ")"
        yield sign[0], sign.start(), depth
        depth += sign[0] == "("
