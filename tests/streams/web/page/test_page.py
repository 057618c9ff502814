"""The pages in a real browser: load, live update, seek, search, redrive, hostile text, looks."""

from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from earmark.streams.dead_letter import CommittedReader
from earmark.streams.topic import CONTENT_EVENTS, dead_letter_topic
from tests.streams.testing.sending import send
from tests.streams.web.page.conftest import Site, serving
from tests.streams.web.page.given import (
    ADDRESS,
    COMMENT,
    HOSTILE,
    LETTER,
    OTHER,
    SAID,
    SPEECH,
    UNSAFE,
    live_signal,
)
from tests.streams.web.page.looking import check_looks, visit

pytestmark = [pytest.mark.kafka]

SHOWN_TITLE = HOSTILE.replace("\u202e", "\ufffd")


def address_of(content_id: str) -> str:
    return f"/items/{quote(content_id, safe='')}"


PAGES = {
    "items": "/items",
    "found": "/items?q=country",
    "nothing": "/items?q=zeppelin",
    "item": address_of(SPEECH),
    "text": address_of(COMMENT),
    "stream": "/stream",
    "rejections": "/rejections",
    "letters": "/rejections?of=dead-letters",
    "quality": "/quality",
    "drift": "/quality?of=drift",
    "replays": "/quality?of=replays",
    "try": "/try",
    "api": "/api",
}


def test_a_search_by_words_of_the_transcript_leads_to_the_item(page: Page, site: Site) -> None:
    visit(page, site.url, "/items")
    page.keyboard.press("/")
    page.keyboard.type("fellow americans")
    page.keyboard.press("Enter")
    row = page.locator("[data-row]")
    expect(row).to_have_count(1)
    expect(row.locator("mark").first).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Ask not")


def test_a_label_and_its_probability_filter_the_items(page: Page, site: Site) -> None:
    visit(page, site.url, "/items?label=piano&min_score=0.5")
    expect(page.locator("[data-row]")).to_have_attribute("data-row", SPEECH)
    visit(page, site.url, "/items?label=piano&min_score=0.9")
    expect(page.get_by_text("Nothing fits")).to_be_visible()


def test_items_like_another_are_found(page: Page, site: Site) -> None:
    visit(page, site.url, address_of(SPEECH))
    page.get_by_role("link", name="Find alike").click()
    expect(page.locator(f'[data-row="{OTHER}"]')).to_contain_text("alike")


def test_a_click_on_a_line_of_the_transcript_seeks_there(page: Page, site: Site) -> None:
    visit(page, site.url, address_of(SPEECH))
    line = page.locator(".transcript li", has_text="ask not")
    line.click()
    expect(page.locator("#place")).to_have_attribute("aria-valuenow", f"{SAID[1][0]}")
    expect(line).to_have_class("now")


def test_the_evidence_of_a_verdict_and_the_stretches_of_a_lane_seek(page: Page, site: Site) -> None:
    visit(page, site.url, address_of(SPEECH))
    place = page.locator("#place")
    page.locator(".evidence").click()
    expect(place).to_have_attribute("aria-valuenow", "5.3")
    page.locator('[data-lane="scene"] button').nth(2).click()
    expect(place).to_have_attribute("aria-valuenow", "8.0")


def test_arrows_seek_and_space_plays(page: Page, site: Site) -> None:
    visit(page, site.url, address_of(SPEECH))
    page.keyboard.press("ArrowRight")
    expect(page.locator("#place")).to_have_attribute("aria-valuenow", "5.0")
    page.keyboard.press("Space")
    expect(page.locator("#place")).not_to_have_attribute("aria-valuenow", "5.0")


def test_unsafe_words_are_marked_in_the_transcript(page: Page, site: Site) -> None:
    visit(page, site.url, address_of(SPEECH))
    expect(page.locator(".transcript mark.unsafe")).to_have_text(f"{UNSAFE} ")


def test_a_signal_shows_who_made_it_and_what_it_said_before(page: Page, site: Site) -> None:
    visit(page, site.url, address_of(SPEECH))
    card = page.locator('[data-signal="audio.speech"]')
    card.get_by_text("Made by").click()
    expect(card.get_by_text("config hash")).to_be_visible()
    card.get_by_text("History").click()
    expect(card.locator("tbody tr")).to_have_count(2)
    expect(card.locator("tbody tr").last).to_contain_text("older")


def test_personal_data_is_masked_until_somebody_asks(page: Page, site: Site) -> None:
    visit(page, site.url, address_of(COMMENT))
    text = page.locator(".text-body").last
    expect(text).to_contain_text("or shut up")
    expect(page.locator("main")).not_to_contain_text(ADDRESS)
    page.get_by_role("button", name="Show personal data").click()
    expect(text).to_contain_text(ADDRESS)


def test_hostile_text_is_shown_as_text(page: Page, site: Site) -> None:
    visit(page, site.url, address_of(COMMENT))
    expect(page.locator("h1")).to_have_text(SHOWN_TITLE)
    expect(page.locator("main img, main script, main svg[onload]")).to_have_count(0)
    for address in ("/items", "/rejections", "/rejections?of=dead-letters"):
        visit(page, site.url, address)
        expect(page.get_by_text(SHOWN_TITLE).first).to_be_visible()
        expect(page.locator("main img, main script")).to_have_count(0)


def test_an_address_that_is_none_of_ours_is_not_found(page: Page, site: Site) -> None:
    visit(page, site.url, "/nonsense?q=1")
    expect(page.locator("main")).to_contain_text("Not found")
    expect(page.locator("main")).to_contain_text("There is no page /nonsense.")
    page.get_by_role("link", name="All items").click()
    expect(page.locator("#nav a[aria-current]")).to_have_text("Items")
    visit(page, site.url, "/")
    expect(page.locator("#nav a[aria-current]")).to_have_text("Items")


HOUR_MS = 3_600_000


@pytest.mark.parametrize("hours", [24, 47, 80])
def test_the_ticks_of_the_chart_have_dates_where_it_spans_days(
    page: Page, site: Site, hours: int
) -> None:
    last = 1_795_744_800_000  # 02:00 UTC on 27 November 2026
    ends = (last - hours * HOUR_MS, last)
    counts = [{"hour_ms": it, "rejection_class": "X", "count": 1} for it in ends]
    answer = {"rejections": [], "counts": counts, "next": None}
    page.route("**/api/v1/rejections?*", lambda route: route.fulfill(json=answer))
    visit(page, site.url, "/rejections")
    ticks = page.locator("figure svg.plot > text").all_text_contents()
    assert all("Nov" in tick for tick in ticks[-2:])


def test_a_signal_appears_as_it_arrives(page: Page, site: Site) -> None:
    visit(page, site.url, "/stream")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    send(site.stack, [live_signal("page/live", "spam")])
    row = page.locator("[data-row]", has_text="page/live")
    expect(row).to_contain_text("spam")
    expect(page.get_by_text("signals/s")).to_be_visible()


def test_a_paused_stream_goes_on_step_by_step(page: Page, site: Site) -> None:
    visit(page, site.url, "/stream?signal=text.safety")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    page.keyboard.press("Space")
    send(site.stack, [live_signal("page/first", "spam"), live_signal("page/second", "spam")])
    expect(page.get_by_text("paused, 2 waiting")).to_be_visible()
    page.get_by_role("button", name="Step").click()
    expect(page.locator("[data-row]")).to_have_count(1)
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("[data-row]")).to_have_count(2)


def test_a_dead_letter_is_redriven_from_its_page(page: Page, site: Site) -> None:
    visit(page, site.url, "/rejections?of=dead-letters")
    page.locator("[data-row]").first.click()
    expect(page.locator("pre.hex")).to_have_count(0)
    page.get_by_role("button", name="Show the bytes").click()
    expect(page.locator("pre.hex").first).to_contain_text("3c 73 63 72 69 70 74")
    page.get_by_role("button", name="Redrive").click()
    page.get_by_role("dialog").get_by_role("button", name="Redrive").click()
    expect(page.get_by_text("sent again").first).to_be_visible()
    with CommittedReader(site.stack.settings.kafka, CONTENT_EVENTS) as reader:
        sent = [it.value() for span in reader.spans() for it in reader.read(span)]
    assert sent == [LETTER]


def test_who_is_no_operator_gets_no_button(page: Page, site: Site, tmp_path: Path) -> None:
    settings = site.stack.settings.model_copy(update={"home": tmp_path})
    with serving(settings, operator=False) as url:
        topic = dead_letter_topic(CONTENT_EVENTS)
        with CommittedReader(site.stack.settings.kafka, topic) as reader:
            ((partition, offset),) = [
                (it.partition(), it.offset()) for span in reader.spans() for it in reader.read(span)
            ]
        page.goto(f"{url}/#/rejections/{topic}/{partition}/{offset}")
        expect(page.get_by_text("needs the role operator")).to_be_visible()
        expect(page.get_by_role("button", name="Redrive")).to_have_count(0)
        page.goto("about:blank")


def test_the_keys_are_shown_and_closed_by_keys(page: Page, site: Site) -> None:
    visit(page, site.url, "/items")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()


@pytest.mark.weights
def test_a_pasted_text_is_scored_and_not_kept(page: Page, site: Site) -> None:
    visit(page, site.url, "/try")
    page.get_by_label("text", exact=True).fill("You filthy pig, I hate you.")
    page.get_by_role("button", name="Score").click()
    card, trouble = page.locator('[data-signal="text.safety"]'), page.locator(".state.bad")
    expect(card.or_(trouble)).to_be_visible(timeout=120_000)  # the models are read first
    expect(card).to_contain_text("harassment")
    visit(page, site.url, "/items?q=filthy")
    expect(page.locator("[data-row]")).to_have_count(1)  # the comment that was there before


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_and_fits_wide_and_narrow_screens(
    name: str, page: Page, site: Site, screenshots: Path
) -> None:
    visit(page, site.url, PAGES[name])
    check_looks(page, screenshots, name)


def test_where_no_drift_is_counted_the_part_that_counts_is_named(page: Page, site: Site) -> None:
    visit(page, site.url, PAGES["drift"])
    expect(page.get_by_text("earmark up --with stats")).to_be_visible()
