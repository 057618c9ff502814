"""Languages under one name each, however a data set or a signal calls them."""

from functools import cache
from importlib.resources import files


def primary(language: object) -> str:
    """The primary subtag of a BCP-47 tag: `en` of `en-GB`."""
    return str(language).replace("_", "-").split("-")[0].lower()


def canonical(language: object) -> str:
    """The primary subtag under the one name that BCP-47 has for it: `de` of `deu`."""
    subtag = primary(language)
    return _short_codes().get(subtag, subtag)


@cache
def _short_codes() -> dict[str, str]:
    """ISO 639-3 (and 639-2/B) codes to the shorter ones that BCP-47 asks for (RFC 5646, 2.2.1)."""
    lines = (files(__package__) / "iso639.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split() for line in lines if line and not line.startswith("#"))
    return {long: short for short, *longs in pairs for long in longs}
