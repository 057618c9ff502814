"""One self-contained HTML page: headings, tables, figures, all text escaped.

Nothing is fetched and nothing runs: the page says so to the browser too, should anything slip
through. It follows the reader's light or dark scheme and reads on a telephone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from earmark.streams.printable import printable

POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class Html(str):
    """Text that is HTML already; any other text is escaped where it enters a page."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table; numbers stand to the right."""

    heading: str
    is_number: bool = False


def html(content: object) -> Html:
    """The content for a page: HTML as it is, anything else as text that cannot steer it."""
    if isinstance(content, Html):
        return content
    return Html(escape(printable(str(content), keep="\n")))


def joined(parts: Iterable[object], separator: str = "") -> Html:
    """Parts one after the other."""
    return Html(html(separator).join(html(part) for part in parts))


def element(tag: str, *contents: object, **attributes: str) -> Html:
    """An element; `class_` is the attribute `class`, underscores become hyphens."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html(value)}"'
        for name, value in attributes.items()
    )
    return Html(f"<{tag}{written}>{joined(contents)}</{tag}>")


def page(title: str, *parts: object) -> str:
    """A whole document."""
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html(title)}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n{joined(parts, chr(10))}\n</main>\n</body>\n</html>\n"
    )


def section(title: str, *parts: object, anchor: str) -> Html:
    """A part of the page under a heading, which `link` leads to by its anchor."""
    return element("section", element("h2", title), joined(parts, "\n"), id=anchor)


def link(text: str, anchor: str) -> Html:
    """A link to a section of this page."""
    return element("a", text, href=f"#{anchor}")


def table(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> Html:
    """A table; on a narrow screen each row becomes a list of its cells under their headings."""
    head = element("tr", *(element("th", it.heading, **_align(it)) for it in columns))
    body = [
        element(
            "tr",
            *(
                element("td", element("div", cell), data_heading=column.heading, **_align(column))
                for column, cell in zip(columns, row, strict=True)
            ),
        )
        for row in rows
    ]
    return element(
        "table", element("thead", head), element("tbody", joined(body, "\n")), class_="rows"
    )


def heat_table(
    rows: Sequence[str], columns: Sequence[str], counts: Sequence[Sequence[int]], *, corner: str
) -> Html:
    """Counts as numbers on a ground that is the darker the larger their share of their row."""
    head = element("tr", element("th", corner), *(element("th", it) for it in columns))
    body = (
        element(
            "tr",
            element("th", name),
            *(
                _heat_cell(count, sum(of_row), is_diagonal=name == column)
                for column, count in zip(columns, of_row, strict=True)
            ),
        )
        for name, of_row in zip(rows, counts, strict=True)
    )
    return element("table", element("thead", head), element("tbody", *body), class_="heat")


def figure(caption: object, drawing: Html) -> Html:
    """A drawing with what it shows above it."""
    return element("figure", element("figcaption", caption), drawing)


def figures(*shown: Html) -> Html:
    """Figures side by side, as many as the screen is wide."""
    return element("div", *shown, class_="figures")


def terms(meanings: Iterable[tuple[object, object]]) -> Html:
    """Words and what they mean."""
    return element(
        "dl", *(joined((element("dt", word), element("dd", said))) for word, said in meanings)
    )


def _align(column: Column) -> dict[str, str]:
    return {"class_": "number"} if column.is_number else {}


def _heat_cell(count: int, of: int, *, is_diagonal: bool) -> Html:
    # 60 % at most: the number has to stay readable on it
    warmth = round(60 * count / of) if of else 0
    ground = f"background:color-mix(in srgb, var(--heat) {warmth}%, var(--panel))"
    kind = "diagonal" if is_diagonal else "other"
    return element("td", f"{count:,}" if count else "·", style=ground, class_=kind)
