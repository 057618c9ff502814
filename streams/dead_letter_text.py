"""Dead letters as people and programs read them: tables, lines, pages, and objects for JSON."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.table import Column

from earmark.processors.codec import jsonable
from earmark.streams.dead_letter import DeadLetter
from earmark.streams.fitting import Fitting, detailed_table, plain_table
from earmark.streams.printable import printable

HEX_BYTES = 512  # of a letter are shown
LONGEST_SHOWN = 200  # characters of a string, to people


@dataclass(slots=True, kw_only=True)
class Class:
    """The letters of one error class, of which `example` came first."""

    example: DeadLetter
    letters: int = 0
    redriven: int = 0
    first: int = sys.maxsize  # milliseconds since the epoch
    last: int = 0

    def add(self, letter: DeadLetter, *, redriven: bool) -> None:
        """Count one more."""
        self.letters += 1
        self.redriven += redriven
        self.first = min(self.first, letter.timestamp)
        self.last = max(self.last, letter.timestamp)


@dataclass(slots=True)
class Tally:
    """Letters counted by class."""

    classes: dict[str, Class] = field(default_factory=dict)

    def add(self, letter: DeadLetter, *, redriven: bool = False) -> None:
        """Count one more."""
        within = self.classes.setdefault(letter.error_class, Class(example=letter))
        within.add(letter, redriven=redriven)

    def ordered(self) -> list[tuple[str, Class]]:
        """The classes, the most frequent first."""
        return sorted(self.classes.items(), key=lambda item: -item[1].letters)

    def objects(self) -> Iterator[dict[str, object]]:
        """Each class for JSON."""
        return (_class_object(name, found) for name, found in self.ordered())

    def table(self) -> Fitting:
        """All classes for people; where it is narrow, each example has lines of its own."""
        classes = [(printable(name), it) for name, it in self.ordered()]
        one_line = [(*_numbers(name, it), *_times(it), _example(it)) for name, it in classes]
        two_lines = [((*_numbers(name, it), *_minutes(it)), _example(it)) for name, it in classes]
        return Fitting(
            plain_table((*_columns(), Column("example")), one_line),
            detailed_table(_columns(), two_lines),
        )


def _columns() -> list[Column]:
    names = ("class", "letters", "redriven", "first", "last")
    return [
        Column(name, justify="right" if name in {"letters", "redriven"} else "left", no_wrap=True)
        for name in names
    ]


def _numbers(name: str, found: Class) -> tuple[str, str, str]:
    return name, f"{found.letters:,}", f"{found.redriven:,}"


def _times(found: Class) -> tuple[str, str]:
    return _time(found.first), _time(found.last)


def _minutes(found: Class) -> tuple[str, str]:
    """Likewise without seconds: they are on the line of each letter."""
    first, last = (time[:16].replace("T", " ") for time in _times(found))
    return first, last


def _example(found: Class) -> str:
    return _short(printable(f"{found.example.place} {found.example.reason}"))


def letter_object(letter: DeadLetter, *, redriven: bool) -> dict[str, object]:
    """The letter for JSON, without its value."""
    return {
        "place": str(letter.place),
        "timestamp": letter.timestamp,
        "key": None if letter.key is None else letter.key.decode(errors="replace"),
        "class": letter.error_class,
        "reason": letter.reason,
        "attempt": letter.attempt,
        "redriven": redriven,
        "size": len(letter.value or b""),
        "headers": [{"name": name, "value": _header(value)} for name, value in letter.headers],
    }


def _class_object(name: str, found: Class) -> dict[str, object]:
    return {
        "class": name,
        "letters": found.letters,
        "redriven": found.redriven,
        "first": found.first,
        "last": found.last,
        "example": {"place": str(found.example.place), "reason": found.example.reason},
    }


def letter_line(letter: DeadLetter, *, redriven: bool) -> str:
    """Place, time, key, class, attempt and reason in one line."""
    key = (letter.key or b"").decode(errors="replace")
    state = "redriven" if redriven else f"attempt {letter.attempt}"
    return printable(
        f"{letter.place!s:<10}  {_time(letter.timestamp)}  {key:<24}  {letter.error_class:<21}  "
        f"{state:<9}  {letter.reason}"
    )


def letter_page(
    letter: DeadLetter, record: Any, undecodable: str | None, *, redriven: bool
) -> Iterator[str]:
    """The letter in lines for people: headers, its first bytes, and the record or why it has none.

    Long strings in the record are cut.
    """
    value = letter.value or b""
    yield letter_line(letter, redriven=redriven)
    yield "\nheaders"
    for name, content in letter.headers:
        yield printable(f"  {name}: {_header(content)}")
    yield f"\n{len(value):,} bytes" + (f", of which {HEX_BYTES}" if len(value) > HEX_BYTES else "")
    yield from hex_lines(value[:HEX_BYTES])
    if undecodable is not None:
        yield ""
        yield printable(f"no event can be read: {undecodable}")
        return
    yield "\nevent"
    text = json.dumps(_shortened(jsonable(record)), ensure_ascii=False, indent=2)
    yield from (f"  {printable(line)}" for line in text.splitlines())


def hex_lines(content: bytes) -> Iterator[str]:
    """The bytes in rows of sixteen: offset, hexadecimal, and what of it is ASCII."""
    for at in range(0, len(content), 16):
        row = content[at : at + 16]
        letters = "".join(
            letter if letter.isascii() and letter.isprintable() else "."
            for letter in row.decode("latin-1")
        )
        yield f"  {at:08x}  {row.hex(' '):<47}  {letters}"


def _shortened(value: Any) -> Any:
    match value:
        case dict():
            return {name: _shortened(part) for name, part in value.items()}
        case list():
            return [_shortened(part) for part in value]
        case str():
            return _short(value)
        case _:
            return value


def _short(text: str) -> str:
    if len(text) <= LONGEST_SHOWN:
        return text
    return f"{text[:LONGEST_SHOWN]}... ({len(text):,} characters)"


def _header(value: str | bytes | None) -> str | None:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _time(timestamp: int) -> str:
    time = datetime.fromtimestamp(max(0, timestamp) / 1000, UTC)
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")
