"""Claims about licences: what permits training, and that the rest is counted."""

import pytest

from earmark.streams.evaluation.manifest import Row
from earmark.streams.training.licence import NO_LICENCE, permits_training, permitted


@pytest.mark.parametrize(
    "licence",
    [
        "Apache-2.0",
        "MIT (repository); snippets from third parties",
        "fortune-mod (BSD collection; quoted snippets)",
        "CC-BY-SA-3.0",
        "CC BY 4.0",
        "CC0-1.0",
        "public domain",
        "synthesised",
    ],
)
def test_free_licences_permit_training(licence: str) -> None:
    assert permits_training(licence)


@pytest.mark.parametrize(
    "licence",
    [
        "",
        "GPL-2.0-or-later",
        "research corpus; package GPL-3; evaluate only",
        "MIT; evaluate only",
        "CC-BY-NC-4.0",
        "CC BY-NC-SA 4.0",
        "CC-BY-ND-4.0",
        "unknown",
        "SpamAssassin public corpus; addresses masked here",
        "all rights reserved; submitted",
    ],
)
def test_other_licences_do_not(licence: str) -> None:
    assert not permits_training(licence)


def test_what_is_refused_is_counted_by_licence_unless_the_user_may() -> None:
    rows = [
        Row(id=str(number), kind="text", labels={}, text="x", licence=licence)
        for number, licence in enumerate(("MIT", "GPL-3.0", "GPL-3.0", ""))
    ]
    assert permitted(rows).refused == {"GPL-3.0": 2, NO_LICENCE: 1}
    assert [row.id for row in permitted(rows).rows] == ["0"]
    assert len(permitted(rows, every=True).rows) == len(rows)
