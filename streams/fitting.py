"""Tables that fit the terminal: what names a row stays whole, and what else there is gives way."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

INDENT = (0, 0, 0, 2)  # of what belongs to the row above it
NAME_LETTERS = 46  # of a name that stands in the line of its row
_ENDLESS = 100_000  # columns, to ask how wide something would be

Cells = Sequence[str | Text]
Line = tuple[str | Text, ...]
Row = tuple[Line, RenderableType | None]  # and what is said of it on lines of its own


class Fitting:
    """The first of several forms that is no wider than the terminal; the last where none is."""

    def __init__(self, *forms: RenderableType) -> None:
        self._forms = forms

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        endless = options.update(width=_ENDLESS)
        *wide, last = self._forms
        widths = ((form, console.measure(form, options=endless).maximum) for form in wide)
        yield next((form for form, width in widths if width <= options.max_width), last)


def plain_table(columns: Iterable[Column], rows: Iterable[Cells]) -> Table:
    """A table without lines, whose cells are shown as they are: none of them is markup."""
    # columns remember their cells: those given may serve for other tables too
    table = Table(*(column.copy() for column in columns), box=None, pad_edge=False)
    for cells in rows:
        table.add_row(*map(_as_it_is, cells))
    return table


def detailed_table(
    columns: Sequence[Column], rows: Iterable[Row], *, longest: int = NAME_LETTERS
) -> Group:
    """A table in which a row can have more said of it below, across all columns.

    A name in the first column that is longer than `longest` has a line of its own, and is whole.
    """
    listed = [part for row in rows for part in _with_name_apart(row, longest)]
    lines = [it for it in listed if isinstance(it, tuple)]
    widths = [_widest(it.header, *(line[n] for line in lines)) for n, it in enumerate(columns)]
    fixed = [
        replace(column, no_wrap=True, min_width=width)
        for column, width in zip(columns, widths, strict=True)
    ]
    # each row is a table of its own, as wide as all
    shown = (_line(fixed, it) if isinstance(it, tuple) else it for it in listed)
    return Group(plain_table(fixed, ()), *shown)


def last_below(
    columns: Sequence[Column],
    last: Column,
    rows: Sequence[tuple[Line, str | Text | None]],
    *,
    longest: int = NAME_LETTERS,
) -> Fitting:
    """A table whose last cells, where it is narrow, stand below their rows (`detailed_table`)."""
    return Fitting(
        plain_table([*columns, last], [(*cells, said or "") for cells, said in rows]),
        detailed_table(columns, rows, longest=longest),
    )


def _with_name_apart(row: Row, longest: int) -> Iterator[Line | RenderableType]:
    (name, *others), detail = row
    if _widest(name) > longest:
        yield _as_it_is(name)
        name = ""
    yield (name, *others)
    if detail is not None:
        below = _as_it_is(detail) if isinstance(detail, str) else detail
        yield Padding(below, INDENT, expand=False)


def _line(columns: Sequence[Column], cells: Line) -> Table:
    table = plain_table(columns, [cells])
    table.show_header = False
    return table


def _widest(*cells: RenderableType) -> int:
    return max(cell_len(cell.plain if isinstance(cell, Text) else str(cell)) for cell in cells)


def _as_it_is(cell: str | Text) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)
