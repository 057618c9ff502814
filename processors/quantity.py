"""How many of what, in words for people."""


def quantity(count: int, noun: str, plural: str = "") -> str:
    """The number with its noun, which takes an s, or `plural`, for all but one."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
