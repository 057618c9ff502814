"""What moved is found and said; what did not, or is new, is not."""

import numpy as np

from earmark.processors.codec import Codec
from earmark.processors.drift.count import Counter, Counts, Group, group_of
from earmark.processors.drift.finding import Limits, Span, alert_record, compare
from earmark.processors.profile import ProfileSignal
from earmark.processors.schema import schema_of

NUMBERS = np.random.default_rng(3).beta(2, 6, 1_200)


def counted(numbers: np.ndarray, *, model: str = "m 1", labelled: float = 0.5) -> Counts:
    counter = Counter()
    for number in numbers:
        counter.add(
            ProfileSignal(
                signal="text.safety",
                outcome="OK",
                signal_id="1",
                input_digest="2",
                revision=1,
                event_time=1,
                model=model,
                labels=("hate",) if number > labelled else (),
                numbers={"scores.hate": float(number)},
            )
        )
    return counter.counts()


GROUP = Group(signal="text.safety", model="m 1", language="und", content_type="COMMENT")


def test_nothing_is_found_in_two_halves_of_one_sample() -> None:
    found = compare({GROUP: counted(NUMBERS[::2])}, {GROUP: counted(NUMBERS[1::2])}, Limits())
    assert found.drifted == ()
    assert {finding.field for finding in found.findings} == {"outcome", "label.hate", "scores.hate"}


def test_a_score_that_rose_and_its_label_are_found_with_words() -> None:
    found = compare({GROUP: counted(NUMBERS[::2])}, {GROUP: counted(NUMBERS[1::2] + 0.3)}, Limits())
    assert {finding.field for finding in found.drifted} == {"label.hate", "scores.hate"}
    assert any("moved up" in finding.words for finding in found.drifted)


def test_what_came_late_is_not_compared_but_a_number_whose_name_begins_so_is() -> None:
    sides = [counted(NUMBERS[::2]), counted(NUMBERS[1::2])]
    named = [{**side, "late": side["label.hate"], "latency": side["scores.hate"]} for side in sides]
    found = compare({GROUP: named[0]}, {GROUP: named[1]}, Limits())
    assert {"latency", "late"} & {finding.field for finding in found.findings} == {"latency"}


def test_a_new_model_is_not_compared_with_the_old() -> None:
    other = Group(signal="text.safety", model="m 2", language="und", content_type="COMMENT")
    assert (
        compare({GROUP: counted(NUMBERS)}, {other: counted(NUMBERS + 1)}, Limits()).findings == ()
    )


def test_few_signals_are_said_to_be_few() -> None:
    found = compare({GROUP: counted(NUMBERS)}, {GROUP: counted(NUMBERS[:20] + 1)}, Limits())
    assert (found.findings, found.too_few) == ((), (GROUP,))


def test_an_alert_fits_its_schema_and_has_the_same_id_again() -> None:
    found = compare({GROUP: counted(NUMBERS[::2])}, {GROUP: counted(NUMBERS[1::2] + 0.3)}, Limits())
    spans = Span(start_ms=0, end_ms=1_000), Span(start_ms=1_000, end_ms=2_000)
    record = alert_record(found.drifted[0], *spans)
    assert alert_record(found.drifted[0], *spans)["alert_id"] == record["alert_id"]
    codec = Codec(schema_of("signal.alerts.v1"))
    assert codec.decode(codec.encode(record, 1))["words"] == record["words"]


def test_the_group_of_a_signal_without_a_language_is_undetermined() -> None:
    said = ProfileSignal(
        signal="a", outcome="OK", signal_id="", input_digest="", revision=0, event_time=0, model="m"
    )
    assert group_of(said, "TRACK").language == "und"
