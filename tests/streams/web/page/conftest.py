"""One Chromium and one inspector over a real broker for the tests of the pages."""

import asyncio
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from earmark.streams.local.stack import Stack
from earmark.streams.settings import Settings, load_settings
from earmark.streams.web.server import WebServer
from tests.streams.web.page.given import put_content

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--mute-audio", "--autoplay-policy=no-user-gesture-required"),
)
PATIENCE_MS = 30_000  # on a busy machine

expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the pages are, and over which stack."""

    url: str
    stack: Stack


@pytest.fixture(scope="session")
def chromium() -> str:
    """The system's browser; without one these tests are skipped, and say so on the terminal."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        reason = "no Chromium on the path, so no page was tested: apt-get install chromium"
        print(f"\nSKIPPED: {reason}", file=sys.__stderr__)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture(scope="module")
def site(own_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The inspector with content; whoever asks may redrive."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "models").symlink_to(load_settings().home / "models")
    put_content(own_stack, folder)
    media = own_stack.settings.media.model_copy(update={"roots": (folder,)})
    settings = own_stack.settings.model_copy(update={"home": folder, "media": media})
    with serving(settings, operator=True) as url:
        yield Site(url=url, stack=own_stack)


@contextmanager
def serving(settings: Settings, *, operator: bool) -> Iterator[str]:
    """The address of an inspector that runs in a thread."""
    told: Future[str] = Future()
    stop = threading.Event()

    async def serve() -> None:
        async with WebServer(settings, operator=operator) as server:
            told.set_result(server.url)
            await asyncio.to_thread(stop.wait)

    def run() -> None:
        try:
            asyncio.run(serve())
        except Exception as error:  # noqa: BLE001  # whatever it is, the test is told
            told.set_exception(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        url = told.result(timeout=60)
        wait_until_fed(url)
        yield url
    finally:
        stop.set()
        thread.join()


def wait_until_fed(url: str) -> None:
    """Return when the index holds what stood on the topics."""
    ends = time.monotonic() + 120
    while time.monotonic() < ends:
        with urlopen(f"{url}/api/v1/session") as answer:  # noqa: S310  # our own server
            if json.load(answer)["ready"]:
                return
        time.sleep(0.1)
    raise AssertionError("the index was not fed within two minutes")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a context of its own; at its end nothing stands on its console, and nothing ran."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    context.set_default_timeout(PATIENCE_MS)
    opened, faults = context.new_page(), list[str]()

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            faults.append(message.text)

    opened.on("console", note)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    yield opened
    assert faults == []
    assert opened.evaluate("window.hacked") is None
    context.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pictures: $SCREENSHOTS, or one of the test run."""
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path_factory.getbasetemp() / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
