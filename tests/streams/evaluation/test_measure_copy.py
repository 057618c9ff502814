"""Copies that are found, copies that are missed, and others that match."""

import numpy as np

from earmark.models.fingerprint import fingerprint
from earmark.streams.evaluation.case import Case
from earmark.streams.evaluation.construction.piece import murmur, play, recipe
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure_copy import copies


def case(name: str, samples_T: np.ndarray | None, **labels: str) -> Case:
    row = Row(id=f"{name}-{labels}", kind="constructed", labels={"recording": name, **labels})
    answer = None if samples_T is None else fingerprint(samples_T)
    outcome = "ABSTAINED" if answer is None else "OK"
    return Case(row=row, truth=name, answer=answer, outcome=outcome)


def test_copies_find_their_recording_and_others_do_not():
    one, other = play(recipe(1)), murmur(2)
    found = copies(
        [
            case("one", one),
            case("one", one[30_000:], copy="cut"),
            case("other", other),
            case("other", one[30_000:], copy="mixed up"),
            case("other", None, copy="silent"),
        ]
    ).values
    assert found["found"] == 0.5
    assert found["found_of_all"] == 1 / 3
    assert found["false_match_rate"] == 2 / 4  # what was mixed up matches both of the other
    assert found["coverage"] == 0.8
