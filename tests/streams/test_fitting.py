"""Tables on narrow terminals: what names a row is whole."""

from rich.console import Console, RenderableType
from rich.table import Column

from earmark.streams.fitting import Fitting, detailed_table, plain_table


def printed(shown: RenderableType, width: int = 40) -> list[str]:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(shown)
    return [line.rstrip() for line in captured.get().splitlines()]


def test_the_first_form_that_fits_is_shown_and_the_last_where_none_does() -> None:
    forms = ["wide " * 10, "narrow " * 3, "n"]
    shown = Fitting(*(plain_table([Column("x")], [(form.strip(),)]) for form in forms))
    assert printed(shown, 80)[1] == forms[0].strip()
    assert printed(shown, 40)[1] == forms[1].strip()
    assert printed(shown, 10)[1] == "n"


def test_what_is_said_of_a_row_stands_below_it_and_moves_no_column() -> None:
    columns = [Column("name"), Column("count", justify="right")]
    rows = [(("a", "1"), "words " * 10), (("the-longest", "1,000"), None)]
    lines = printed(detailed_table(columns, rows))
    assert lines[0] == "name         count"
    assert lines[1] == "a                1"
    assert lines[2].startswith("  words words")
    assert lines[-1] == "the-longest  1,000"


def test_a_long_name_has_a_line_of_its_own() -> None:
    columns = [Column("name"), Column("count", justify="right")]
    rows = [(("a-very-long-name-of-something", "1"), "below"), (("b", "20"), None)]
    assert printed(detailed_table(columns, rows, longest=10), 30) == [
        "name  count",
        "a-very-long-name-of-something",
        "          1",
        "  below",
        "b        20",
    ]


def test_a_cell_is_no_markup() -> None:
    assert printed(plain_table([Column("name")], [("[red]x[/red]",)]))[1] == "[red]x[/red]"
    assert printed(detailed_table([Column("name")], [(("[red]x",), "[b]y")]))[1:] == [
        "[red]x",
        "  [b]y",
    ]


def test_of_no_rows_the_headings_are_left() -> None:
    assert printed(detailed_table([Column("name"), Column("count")], [])) == ["name  count"]
