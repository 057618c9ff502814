"""What has come of a run, and what is still to come."""

from earmark.streams.tally import Tally
from earmark.streams.topic import VERDICTS


def tally() -> Tally:
    return Tally(
        expected=frozenset(),
        events=1,
        rejections_expected=0,
        dead_letters_expected=0,
        sent_ms={"a": 100},
        awaited=frozenset({(VERDICTS, "a")}),
    )


def test_the_last_summary_of_an_item_counts() -> None:
    run = tally()
    assert run.note_summary(VERDICTS, "a", "limit", 150, whole=False) == 50
    run.note_summary(VERDICTS, "a", "none", 160, whole=True)
    assert run.summary(1.0)["signals"] == {VERDICTS: {"none": 1}}


def test_a_run_is_complete_when_summaries_are_whole() -> None:
    run = tally()
    run.note_summary(VERDICTS, "a", "limit", 150, whole=False)
    assert not run.complete
    run.note_summary(VERDICTS, "a", "limit", 160, whole=True)
    assert run.complete
