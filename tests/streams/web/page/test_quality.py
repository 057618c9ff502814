"""Drift and a replay's diff of real answers are drawn, and a run is promoted by who may do so."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from earmark.streams.local.stack import Stack
from earmark.streams.local.worker import WorkerProcess
from earmark.streams.settings import with_worker
from tests.streams.web.page.answered import ABUSED, EACH, RUN, SAFETY, Answered, answer, labels
from tests.streams.web.page.conftest import serving
from tests.streams.web.page.looking import check_looks, visit

pytestmark = [pytest.mark.kafka, pytest.mark.weights]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where operators look, where readers do, and at what."""

    operators: str
    readers: str
    answered: Answered


@pytest.fixture(scope="module")
def site(own_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two inspectors over what a live worker answers, and still does."""
    folder = tmp_path_factory.mktemp("answered")
    settings = with_worker(own_stack.settings, signals=(SAFETY,), decoders=1)
    worker = WorkerProcess(settings, log_dir=folder)
    worker.start()
    try:
        answered = answer(own_stack, settings, folder)
        states = [settings.model_copy(update={"state": folder / it}) for it in ("one", "other")]
        with (
            serving(states[0], operator=True) as operators,
            serving(states[1], operator=False) as readers,
        ):
            yield Site(operators=operators, readers=readers, answered=answered)
    finally:
        worker.stop()


def test_drift_of_real_answers_is_drawn_by_day(page: Page, site: Site, screenshots: Path) -> None:
    drifted = site.answered.drift.drifted
    assert drifted
    visit(page, site.operators, f"/quality?of=drift&signal={SAFETY}")
    expect(page.locator(".alert")).to_have_count(len(drifted))
    expect(page.locator("svg.plot .dot.bad").first).to_be_visible()
    check_looks(page, screenshots, "drift-real")


def test_what_a_run_changes_is_drawn(page: Page, site: Site, screenshots: Path) -> None:
    visit(page, site.operators, "/quality?of=replays")
    page.get_by_role("button", name="Compare with live").click()
    expect(page.get_by_text(f"{EACH} of {2 * EACH}")).to_be_visible()
    expect(page.get_by_role("link", name=ABUSED, exact=True)).to_be_visible()
    check_looks(page, screenshots, "replay-real")


def test_a_reader_may_not_promote(page: Page, site: Site) -> None:
    visit(page, site.readers, "/quality?of=replays")
    expect(page.get_by_text(RUN)).to_be_visible()
    expect(page.get_by_role("button", name="Promote")).to_have_count(0)
    refused = page.request.post(f"{site.readers}/api/v1/replays/{RUN}/promote")
    assert refused.status == 403


def test_an_operator_promotes_a_run_and_the_live_worker_takes_it_up(page: Page, site: Site) -> None:
    settings = site.answered.settings
    assert labels(settings, ABUSED, 1) != [[]]
    visit(page, site.operators, "/quality?of=replays")
    page.get_by_role("button", name="Promote").click()
    page.get_by_role("dialog").get_by_role("button", name="Promote").click()
    expect(page.get_by_text("Promoted", exact=True)).to_be_visible()
    expect(page.locator(".meta", has_text=f"{2 * EACH} answers handed")).to_be_visible()
    assert labels(settings, ABUSED, 2)[-1] == []
