"""Tables of commands on terminals of 80 columns and of many: whatever names something is whole."""

from collections.abc import Iterable

import pytest
from rich.console import Console, RenderableType

from earmark.processors.drift.count import Group
from earmark.processors.drift.distance import Distance
from earmark.processors.drift.finding import Finding, Measure
from earmark.processors.policy.trial import RuleChange
from earmark.streams.commands.drift import drift_table
from earmark.streams.commands.flink import job_table
from earmark.streams.commands.match import match_table
from earmark.streams.commands.policy_trial import rule_table
from earmark.streams.commands.topics import topic_table
from earmark.streams.fingerprint_index import Match
from earmark.streams.flink.host import JobState
from earmark.streams.topic import TopicState, contract

WIDTHS = pytest.mark.parametrize("width", [80, 250])
LONG_ID = "catalogue/albums/2026/the-river-runs-quietly/track-07"


def page_of(table: RenderableType, width: int) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def check_whole(page: str, words: Iterable[str]) -> None:
    assert "…" not in page
    assert [word for word in words if word not in page] == []


@WIDTHS
def test_of_drift(width: int) -> None:
    finding = Finding(
        group=Group(
            signal="audio.voice_activity", model="m", language="und", content_type="AUDIOBOOK"
        ),
        field="segments_per_minute",
        measure=Measure.MEAN_SHIFT,
        distance=Distance(value=0.31, low=0.22, high=0.4, p_value=0.0),
        limit=0.1,
        reference_count=60,
        count=60,
        words="segments_per_minute of audio.voice_activity has moved up",
    )
    page = page_of(drift_table([finding]), width)
    shown = ("audio.voice_activity", "AUDIOBOOK und", "mean_shift", "0.31 (0.22 to 0.40)")
    check_whole(page, (*shown, "segments_per_minute", "has moved up"))


@WIDTHS
def test_of_matches(width: int) -> None:
    found = [
        Match(
            content_id=name,
            score=0.97,
            votes=12.0,
            matched_ms=3_723_400,
            start_ms=1_000_100,
            offset_ms=-40,
            same_pcm=True,
        )
        for name in ("short", LONG_ID)
    ]
    page = page_of(match_table(found), width)
    check_whole(page, ("short", LONG_ID, "3723.4 s", "1000.1 s", "begins in the item at"))
    assert page.count("same samples") == 2


@WIDTHS
def test_of_topics(width: int) -> None:
    names = [it.name for it in contract("receipts")]
    differs = ("cleanup.policy is delete, not compact", "min.insync.replicas is 1, not 2")
    states = [TopicState(name=name, partitions=12, differs=differs) for name in names]
    page = page_of(topic_table(states), width)
    check_whole(page, (*names, *differs))


@WIDTHS
def test_of_jobs(width: int) -> None:
    names = ("profile", "backfill-of-the-whole-catalogue-in-november-2026")
    states = [
        JobState(
            name=name,
            state="RESTARTING",
            checkpoints=12_345,
            failed=3,
            url="http://flink-jobmanager.streaming.svc:8081",
            job_id="0",
            started=0.0,
            restored=None,
        )
        for name in names
    ]
    page = page_of(job_table(states), width)
    check_whole(page, (*names, "RESTARTING", "12345", "failed since"))
    assert page.count("http://flink-jobmanager.streaming.svc:8081") == 2


@WIDTHS
def test_of_rules(width: int) -> None:
    key = ("hate-and-harassment", "likely-but-not-certain", "LABEL", "needs_review")
    change = RuleChange(before=10_000, after=12_345, new=2_400, gone=55, new_examples=[LONG_ID])
    page = page_of(rule_table([(key, change)]), width)
    check_whole(page, (key[0], key[1], "LABEL needs_review", "12,345", f"+{LONG_ID}"))
