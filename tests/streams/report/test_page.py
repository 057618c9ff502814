"""Pages: what enters them is text, and nothing leaves them."""

from html.parser import HTMLParser

from earmark.streams.report.page import (
    Column,
    element,
    figure,
    figures,
    heat_table,
    html,
    link,
    page,
    section,
    table,
    terms,
)

HOSTILE = "<script>alert(1)</script>\"'&\u202e\x1b[2J"


class Reader(HTMLParser):
    """Collects tags, attributes and text, and minds that what opens closes."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in {"meta"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def everything(text: str) -> Reader:
    cells = table([Column(heading=text), Column(heading="n", is_number=True)], [(text, 1)])
    heat = heat_table([text], [text], [[1]], corner=text)
    shown = figures(figure(text, element("svg", text)))
    part = section(text, cells, heat, shown, terms([(text, text)]), anchor=text)
    return Reader(page(text, link(text, text), part))


def test_text_from_strangers_stays_text() -> None:
    read = everything(HOSTILE)
    assert "script" not in read.tags
    assert read.text.count("<script>alert(1)</script>\"'&") >= 9
    assert not {"\x1b", "\u202e"} & set(read.text)
    assert not any(name.startswith("on") for name, _ in read.attributes)
    assert read.open == []


def test_what_is_html_is_not_escaped_twice() -> None:
    assert html(html("a < b")) == "a &lt; b"
    assert element("b", element("i", "<"), class_="x") == '<b class="x"><i>&lt;</i></b>'


def test_a_page_fetches_nothing_and_runs_nothing() -> None:
    read = everything("x")
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in read.attributes
    assert not {"script", "link", "img", "iframe"} & set(read.tags)
    assert all((value or "").startswith("#") for name, value in read.attributes if name == "href")
    assert "url(" not in page("x")
    assert "@import" not in page("x")


def test_a_page_follows_the_readers_scheme_and_screen() -> None:
    written = page("x")
    assert "prefers-color-scheme: dark" in written
    assert 'name="viewport"' in written


def test_cells_carry_their_headings_to_narrow_screens() -> None:
    read = Reader(table([Column(heading="pairs")], [(7,)]))
    assert ("data-heading", "pairs") in read.attributes


def test_a_cell_is_the_warmer_the_larger_its_share_of_the_row() -> None:
    written = heat_table(["a", "b"], ["a", "b"], [[3, 1], [0, 0]], corner="")
    assert "var(--heat) 45%" in written
    assert "var(--heat) 15%" in written
    assert written.count("var(--heat) 0%") == 2
