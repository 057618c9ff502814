"""Which questions the judged items put to people, within what a day may bring.

The budget is that of this process, over the partitions that it has: who runs several shares out
the days' numbers by their partitions' items.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from earmark.processors.policy.verdict import Verdict
from earmark.processors.review.budget import Budget
from earmark.processors.review.option import Options
from earmark.processors.review.question import Question, day_of, question_of
from earmark.processors.review.routing import requests
from earmark.streams.judging.item import Item


class Triage:
    """Asks about items as the options say; what was asked before is not asked again."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._asked: dict[int, list[Question]] = {}
        self._budget = Budget(options)

    def restore(self, number: int, records: Iterable[Mapping[str, Any]]) -> None:
        """Count what was asked about items of the partition."""
        self._asked[number] = [question_of(record) for record in records]
        for question in self._asked[number]:
            self._budget.count(question)

    def release(self, number: int) -> None:
        """The partition's questions are counted elsewhere."""
        self._asked.pop(number, None)
        kept = (question for questions in self._asked.values() for question in questions)
        self._budget = Budget.restored(self._options, kept)

    def questions(
        self, number: int, item: Item, verdict: Verdict
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """New questions about an item that has a profile: their names and their records."""
        profile = item.newest()
        if item.profile is None or profile is None:
            return
        found = requests(
            profile,
            verdict,
            self._options,
            budget=self._budget,
            day=day_of(item.profile_at_ms),
            decided=item.decided,
        )
        self._asked.setdefault(number, []).extend(found)
        for question in found:
            yield question.request_id, question.record()
