"""How far a run has come, whatever the order of the acknowledgements."""

import random

from earmark.streams.content_files import Bookmark
from earmark.streams.standing import Acknowledgements, Standing


def test_nothing_counts_behind_a_gap() -> None:
    acknowledgements = Acknowledgements(Standing())
    first, second, third = (
        acknowledgements.expect(Bookmark(rows=row), by_file_uri=row == 2) for row in (1, 2, 3)
    )
    acknowledgements.settle(third)
    acknowledgements.settle(second, refused=True)
    assert acknowledgements.standing == Standing()
    acknowledgements.settle(first)
    assert acknowledgements.standing == Standing(bookmark=Bookmark(rows=3), sent=2, refused=1)


def test_any_order_ends_at_the_last_and_goes_on_from_a_standing() -> None:
    start = Standing(bookmark=Bookmark(rows=100), sent=90, refused=10, by_file_uri=5)
    acknowledgements = Acknowledgements(start)
    expected = [acknowledgements.expect(Bookmark(rows=row), by_file_uri=True) for row in range(50)]
    random.Random(1).shuffle(expected)
    for each in expected:
        acknowledgements.settle(each)
    assert acknowledgements.standing == Standing(
        bookmark=Bookmark(rows=49), sent=140, refused=10, by_file_uri=55
    )
    assert acknowledgements.standing.settled == 150
