"""How many questions a day has brought so far, and how many more it may bring.

Each reason has its number of questions a day, and no stratum takes more than its share of it. What
was asked is known by its id: asking again is no second question and costs nothing. For what is
drawn, the chance falls as the share of the stratum is used up instead of breaking off: it is full
until half of the share is spent, then falls to nothing in a straight line. Each question carries
the chance that it was drawn with, which makes estimates right in spite of that (the chance depends
on what was asked before, never on the item itself).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Self

from earmark.processors.review.option import Options
from earmark.processors.review.question import Question, Reason

_FULL_UNTIL = 0.5  # of the share that is spent


class Budget:
    """Counts questions by day, reason and stratum.

    A host that starts makes it from the topic of requests (`Budget.restored`). It must hold what
    was asked in the whole of that topic, not today alone, lest the same is asked again tomorrow.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._known: set[str] = set()
        self._by_stratum: Counter[tuple[str, Reason, str]] = Counter()
        self._by_reason: Counter[tuple[str, Reason]] = Counter()

    @classmethod
    def restored(cls, options: Options, questions: Iterable[Question]) -> Self:
        """The budget after all these questions."""
        budget = cls(options)
        for question in questions:
            budget.count(question)
        return budget

    def knows(self, request_id: str) -> bool:
        """Whether the question was asked."""
        return request_id in self._known

    def count(self, question: Question) -> bool:
        """Count the question; False where it was counted before."""
        if question.request_id in self._known:
            return False
        self._known.add(question.request_id)
        self._by_stratum[question.day, question.reason, question.stratum] += 1
        self._by_reason[question.day, question.reason] += 1
        return True

    def left(self, day: str, reason: Reason, stratum: str) -> float:
        """How many more questions the stratum may bring; infinite where nothing bounds them."""
        per_day = self._options.per_day(reason)
        if per_day is None:
            return math.inf
        of_stratum = self._share(per_day) - self._by_stratum[day, reason, stratum]
        return max(0, min(of_stratum, per_day - self._by_reason[day, reason]))

    def openness(self, day: str, reason: Reason, stratum: str) -> float:
        """What the chance of a draw is multiplied by: 1 with room enough, 0 with none left."""
        left = self.left(day, reason, stratum)
        per_day = self._options.per_day(reason)
        if per_day is None or not left:
            return 1.0 if per_day is None else 0.0
        return min(1.0, left / (self._share(per_day) * _FULL_UNTIL))

    def spent(self, day: str) -> Mapping[Reason, Mapping[str, int]]:
        """Questions of the day, by reason and stratum."""
        found: defaultdict[Reason, dict[str, int]] = defaultdict(dict)
        for (of, reason, stratum), count in sorted(self._by_stratum.items()):
            if of == day:
                found[reason][stratum] = count
        return dict(found)

    def _share(self, per_day: int) -> int:
        """Of one stratum; at least one question, where there are any."""
        return min(per_day, max(1, math.ceil(per_day * self._options.stratum_share)))
