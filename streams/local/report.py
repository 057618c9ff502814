"""What a start tells the people who wait for it: progress of downloads, and lines of text."""

from collections.abc import Callable

Report = Callable[[str], None]


def unreported(line: str) -> None:
    """A report that nobody reads."""


def silent(label: str, done: int, total: int | None) -> None:
    """A progress (see `earmark.models.source.Progress`) that nobody watches."""
