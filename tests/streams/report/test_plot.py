"""Plots as parts of a page."""

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from earmark.streams.report.page import Html
from earmark.streams.report.plot import (
    change_bars,
    difference_histogram,
    histogram,
    interval_bars,
    paired_histogram,
    reliability,
)
from earmark.streams.report.statistic import Interval, centred_histogram, histograms

HOSTILE = "$\\frac<b>$ \u202e\x1b\ud800 漢字 #010101"


def drawn(name: str) -> list[Html]:
    values = np.random.default_rng(0).normal(size=300)
    one, other = histograms(values, values + 1)
    differences = centred_histogram(values)
    assert differences is not None
    band = Interval(low=-0.1, high=0.2)
    return [
        paired_histogram(one, other, name=f"{name} pair", label=name),
        histogram(one, name=f"{name} one", label=name),
        difference_histogram(differences, name=f"{name} diff", mean=0.1, interval=band, label=name),
        change_bars([name, "b"], [3, 0], [0, 70_000], name=f"{name} bars"),
        reliability([(0.1, 0.2, 3), (0.9, 0.7, 40)], name=f"{name} reliability"),
        interval_bars(
            [name, "b"],
            [(0.5, 0.4, 0.6), (0.0, None, None)],
            name=f"{name} shares",
            marked=[True, False],
        ),
    ]


def ids(svg: str) -> list[str]:
    return re.findall(r'\bid="([^"]+)"', svg)


def test_a_plot_is_the_same_bytes_each_time() -> None:
    assert drawn("x") == drawn("x")


def test_no_two_plots_of_a_page_share_an_id() -> None:
    found = [each for svg in (*drawn("x"), *drawn("y")) for each in ids(svg)]
    assert found
    assert len(found) == len(set(found))


def test_what_a_plot_refers_to_is_in_it() -> None:
    for svg in drawn("x"):
        referred = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg)
        assert {a or b for a, b in referred} <= set(ids(svg))


@pytest.mark.parametrize("name", ["x", HOSTILE])
def test_a_plot_is_well_formed_whatever_it_is_called(name: str) -> None:
    for svg in drawn(name):
        root = ET.fromstring(svg)  # noqa: S314  # our own
        assert root.attrib["role"] == "img"
        assert "b" not in {node.tag for node in root.iter()}


def test_a_plot_takes_fonts_and_colours_from_its_page() -> None:
    for svg in drawn("x"):
        assert "font-family" not in svg
        assert not re.search(r"#[0-9a-f]{6}\b", svg)
        assert "var(--after)" in svg
        assert "://" not in svg


def test_words_of_a_plot_are_text() -> None:
    bars = drawn("labels")[3]
    texts = [node.text for node in ET.fromstring(bars).iter("text")]  # noqa: S314  # our own
    assert {"labels", "b", "3", "70,000"} <= set(texts)


def test_counts_that_would_hide_the_others_are_drawn_logarithmically() -> None:
    (level,) = histograms(np.repeat(np.arange(4.0), 10))
    (steep,) = histograms(np.repeat(np.arange(4.0), [1, 2, 3, 100_000]))
    assert "logarithmic" not in histogram(level, name="x")
    written = histogram(steep, name="x")
    assert "items, logarithmic" in written
    assert ">100,000<" in written
