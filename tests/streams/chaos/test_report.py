"""What a run says of itself."""

from earmark.streams.chaos.report import Report
from earmark.streams.chaos.tally import Fault


def report(**faults: int) -> Report:
    return Report(
        faults={fault: faults.get(fault, 0) for fault in Fault},
        offences=(),
        events=100,
        kills=2,
        broker_kills=1,
        rebalances=0,
        cuts=1,
        freezes=2,
        restarts=0,
        longest_gap_s=1.23456,
        recovery_s=2.0,
        broker_recovery_s=3.0,
        seconds=50.0,
    )


def test_a_run_is_exact_only_without_any_fault() -> None:
    assert report().exact
    assert not any(report(**{fault: 1}).exact for fault in Fault)


def test_the_report_names_all_numbers() -> None:
    said = report(lost=3).as_object
    assert said["lost"] == 3
    assert (said["cuts"], said["freezes"]) == (1, 2)
    assert said["longest_gap_s"] == 1.235
    assert said["events_per_s"] == 2.0
    assert report(lost=3).headline == "3 lost, 0 duplicated, 0 out_of_order, 0 wrong"
