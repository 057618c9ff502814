"""Numbers with their nouns."""

from earmark.processors.quantity import quantity


def test_one_is_singular_and_all_else_plural() -> None:
    assert [quantity(count, "file") for count in (0, 1, 2, 1_200)] == [
        "0 files",
        "1 file",
        "2 files",
        "1,200 files",
    ]
    assert quantity(2, "match", "matches") == "2 matches"
    assert quantity(1, "match", "matches") == "1 match"
