"""What is wrong with a policy's text, and at which line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from earmark.processors.error import ConfigurationError

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.-]+)\s*\]\]?\s*(?:#.*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong: where it stands, what it is and what would be right."""

    file: str
    line: int  # from 1
    key: str  # such as `rule harassment, when`; "" for the file as a whole
    message: str
    hint: str = ""

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{self.file}:{self.line}: {key}{self.message}{hint}"


class PolicyError(ConfigurationError):
    """Policies cannot be used; `faults` are all that is wrong with them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        more = f" (and {len(faults) - 1} more: earmark policy check)" if len(faults) > 1 else ""
        super().__init__(f"{faults[0]}{more}")
        self.faults = tuple(faults)


class Lines:
    """Finds the line in a TOML text on which a table, a key or a string stands."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines() or [""]
        self._tables = [
            (number, found[2])
            for number, line in enumerate(self._lines, start=1)
            if (found := _HEADER.fullmatch(line))
        ]

    def of_table(self, name: str, index: int = 0) -> int:
        """Where the table begins, the `index`-th of its name; 1 if it is not found."""
        starts = [number for number, found in self._tables if found == name]
        return starts[index] if index < len(starts) else 1

    def of_key(self, key: str, table: str = "", index: int = 0) -> int:
        """Where the key stands in the table ("": before all tables), or the table begins."""
        first, last = self._span(table, index)
        form = re.compile(rf"\s*\"?{re.escape(key)}\"?\s*(=|\.)")
        found = (number for number in range(first, last) if form.match(self._lines[number - 1]))
        return next(found, first if table else 1)

    def of_text(self, written: str, key: str, table: str, index: int) -> int:
        """Where the string stands, from its key on, or the key does."""
        start = self.of_key(key, table, index)
        _, last = self._span(table, index)
        found = (it for it in range(start, last) if written in self._lines[it - 1])
        return next(found, start)

    def _span(self, table: str, index: int) -> tuple[int, int]:
        """From the table's first line to the one after its last."""
        first = self.of_table(table, index) if table else 1
        after = (number for number, _ in self._tables if number > first or not table)
        return first, next(after, len(self._lines) + 1)
