"""Looks at a page as people do: opens it, takes its pictures, and asks whether all can use it."""

from importlib.resources import files
from pathlib import Path

from playwright.sync_api import Page, expect

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
GRAVE = {"serious", "critical"}
WIDE, NARROW = 1440, 390


def visit(page: Page, url: str, address: str) -> None:
    page.goto(f"{url}/#{address}")
    page.wait_for_selector("main[data-ready]")


def grave_faults(page: Page) -> list[tuple[str, list[str]]]:
    """What axe-core calls serious or critical, and where."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run()")["violations"]
    return [
        (fault["id"], [str(node["target"]) for node in fault["nodes"]])
        for fault in found
        if fault["impact"] in GRAVE
    ]


def check_looks(page: Page, folder: Path, name: str) -> None:
    """Pictures of the open page, wide and narrow, light and dark; it fits, and all can use it."""
    expect(page.locator("[aria-busy]")).to_have_count(0)
    page.screenshot(path=folder / f"{name}-{WIDE}-light.png", full_page=True)
    faults = grave_faults(page)
    page.emulate_media(color_scheme="dark")
    faults += grave_faults(page)
    page.screenshot(path=folder / f"{name}-{WIDE}-dark.png", full_page=True)
    page.set_viewport_size({"width": NARROW, "height": 844})
    page.screenshot(path=folder / f"{name}-{NARROW}-dark.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.screenshot(path=folder / f"{name}-{NARROW}-light.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW
    assert faults == []
