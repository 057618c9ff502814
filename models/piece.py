"""Long texts in pieces that a tokenizer can take."""

import re

# A tokenizer takes a text for one word, and memory and time for it: longer ones are cut.
PIECE_CODE_POINTS = 4_000

_PIECE = re.compile(rf"\s*(.{{1,{PIECE_CODE_POINTS}}})(?:\s|$)|\s*(.{{{PIECE_CODE_POINTS}}})", re.S)


def pieces(text: str) -> list[str]:
    """The text, cut at white space where it is long, or anywhere if it has none; none if empty."""
    text = text.strip()
    if len(text) <= PIECE_CODE_POINTS:
        return [text] if text else []
    return [match.group(1) or match.group(2) for match in _PIECE.finditer(text)]
