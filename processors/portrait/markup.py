"""Elements of HTML made of text that may be hostile: whatever is not an element is escaped.

A notebook shows it among its own: so there are no scripts, no classes, no ids and no style sheet,
only attributes; colours are the reader's but for a few that serve on light and dark.
"""

from collections.abc import Iterable
from html import escape

LONGEST = 2_000  # characters of one text; more is cut, and said to be


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def written(content: object) -> Markup:
    """HTML as it is; anything else as text, without what is not seen or turns reading about."""
    if isinstance(content, Markup):
        return content
    text = str(content)
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]} … ({len(text) - LONGEST:,} characters more)"
    return Markup(escape("".join(map(_seen, text))))


def element(tag: str, *contents: object, style: str = "", **attributes: object) -> Markup:
    """An element; underscores in the names of attributes become hyphens."""
    named = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    if style:
        named["style"] = style
    inside = "".join(f' {name}="{written(value)}"' for name, value in named.items())
    return Markup(f"<{tag}{inside}>{joined(contents)}</{tag}>")


def joined(parts: Iterable[object]) -> Markup:
    """Parts one after the other."""
    return Markup("".join(map(written, parts)))


def number(value: float) -> str:
    """A number short enough to be read; what is none is named."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _seen(letter: str) -> str:
    return letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}"
