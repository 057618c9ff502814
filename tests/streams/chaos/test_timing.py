"""How long events waited, worked out from the broker's own times."""

import numpy as np

from earmark.streams.chaos.timing import Span, Timing, longest_gap_ms, recovery_ms


def test_a_pause_counts_from_the_arrival_of_what_waited() -> None:
    taken = np.array([0, 100, 5_000])
    written = np.array([50, 900, 5_020])
    assert longest_gap_ms(taken, written) == 800  # from 100; from 900 to 5,000 nobody waited


def test_a_signal_out_of_turn_does_not_hide_who_waited_longer() -> None:
    taken = np.array([0, 10, 20])
    written = np.array([30, 4_000, 100])  # the second waits while the third is answered
    assert longest_gap_ms(taken, written) == 3_900


def test_recovery_is_from_the_kill_to_the_next_signal_of_what_waited() -> None:
    taken, written = np.array([0, 900, 9_000]), np.array([500, 3_000, 9_100])
    assert recovery_ms(taken, written, 1_000) == 2_000
    assert recovery_ms(taken, written, 4_000) == 100  # nothing waited before 9,000
    assert recovery_ms(taken, written, 9_500) == 0


def test_recovery_does_not_count_the_time_in_which_the_broker_was_away() -> None:
    taken, written = np.array([0, 900]), np.array([500, 9_000])
    before, amid, after = (
        Span(begun_ms=begun_ms, ended_ms=begun_ms + 1_000) for begun_ms in (100, 8_500, 9_000)
    )
    assert recovery_ms(taken, written, 1_000, [before, after]) == 8_000 - 100
    assert recovery_ms(taken, written, 1_000, [amid]) == 8_000 - 500
    assert recovery_ms(taken, written, 1_000, [Span(begun_ms=0, ended_ms=10_000)]) == 0


def test_recovery_is_that_of_the_partition_which_stood_still_longest() -> None:
    timing = Timing()
    for number, (written_ms, partition) in enumerate([(1_100, 0), (1_200, 0), (7_000, 1)]):
        timing.note(number, written_ms=written_ms, partition=partition)
    taken_ms = np.array([900, 950, 950])
    assert timing.recovery_s(taken_ms, [1_000]) == 6.0
    assert timing.longest_gap_s(taken_ms) == 5.8


def test_a_run_without_signals_or_kills_has_neither() -> None:
    timing = Timing()
    assert timing.longest_gap_s(np.zeros(1, np.int64)) == 0
    assert timing.recovery_s(np.zeros(1, np.int64), [1_000]) == 0
