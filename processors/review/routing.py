"""Which questions about an item are put to people, from its profile and verdict; no clock, no I/O.

An item is asked about where a rule that holds is grave or sends it to review, where a score lies
near its threshold, and at random. A draw is the hash of the item, the seed and what would be
asked, held against a chance. The day has no part in it: an item that is looked at again tomorrow
is not drawn a second time, and items with many updates are not likelier to be seen than others.
The same records thus give the same questions on every host and after every end; the budget, which
has its part in them, comes back from the topic of requests.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Protocol

from earmark.processors.outcome import OutcomeKind
from earmark.processors.profile import Profile, ProfileSignal
from earmark.processors.review.budget import Budget
from earmark.processors.review.decision import DecidedEffect
from earmark.processors.review.doubt import Near, near
from earmark.processors.review.option import Doubt, Options
from earmark.processors.review.question import Question, Reason, Subject, request_id

REVIEW = "review"  # the effect of a rule that sends an item to people
NO_LABEL = "none"
NO_LANGUAGE = "und"  # BCP-47 for a language that is not known

_SEPARATOR = "\x1f"
_NUMBERS = 2**64  # that eight bytes can be
_GRAVE = 1.0  # verdicts come before doubts, whose priority is how near they are


class Condition(Protocol):
    """What a ruling rests on: `Match` of `earmark.processors.policy.verdict`."""

    @property
    def signal(self) -> str | None:
        """None where it is about the item itself."""

    @property
    def field(self) -> str:
        """As scores.hate."""

    @property
    def value(self) -> str:
        """What was found."""


class Ruling(Protocol):
    """A rule that holds, likewise."""

    @property
    def policy(self) -> str:
        """Name of the policy."""

    @property
    def rule(self) -> str:
        """Name of the rule in it."""

    @property
    def effect(self) -> str:
        """What it does."""

    @property
    def value(self) -> str | None:
        """For review: the queue."""

    @property
    def severity(self) -> int:
        """0 to 7."""

    @property
    def automated(self) -> bool:
        """False where a human decided it."""

    @property
    def conditions(self) -> Sequence[Condition]:
        """What matched."""


class Judged(Protocol):
    """A verdict, likewise."""

    @property
    def verdict_id(self) -> str:
        """Its name."""

    @property
    def rulings(self) -> Sequence[Ruling]:
        """What holds."""


class Decided(Protocol):
    """What people have decided about the item: `Decisions` of `earmark.processors.review`."""

    def settles(self, signal: str, field: str, input_digest: str) -> bool:
        """Whether it is known what the signal should say of this input."""

    def settles_verdict(self, revision: int) -> bool:
        """Whether it is known what holds for this revision."""


def requests(
    profile: Profile,
    verdict: Judged | None,
    options: Options,
    *,
    budget: Budget,
    day: str,
    decided: Decided | None = None,
) -> tuple[Question, ...]:
    """The questions that this profile and verdict give rise to, counted in the budget.

    `day` is the one whose budget they are on: `day_of` the Kafka timestamp of the profile (not of
    its events, which may have happened in any year), so that reading it again gives the same. What
    was asked before, and what people have decided, is not asked.
    """
    routing = _Routing(
        profile=profile,
        verdict=verdict,
        options=options,
        budget=budget,
        day=day,
        decided=decided,
    )
    found = (*routing.about_verdict(), *routing.about_signals())
    return tuple(question for question in found if budget.count(question))


def draw(*parts: str) -> float:
    """A number from 0 to below 1, the same on every host: BLAKE2b over the parts."""
    joined = _SEPARATOR.join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(joined, digest_size=8).digest(), "big") / _NUMBERS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Routing:
    """One item on its way to the questions about it."""

    profile: Profile
    verdict: Judged | None
    options: Options
    budget: Budget
    day: str
    decided: Decided | None

    def about_verdict(self) -> Iterator[Question]:
        """One for each rule that is grave or sends the item to review."""
        if self.verdict is None or (
            self.decided is not None and self.decided.settles_verdict(self.profile.revision)
        ):
            return
        for rulings in _by_rule(self.verdict.rulings):
            question = self._of_rule(rulings, self.verdict)
            if question is not None and self._has_room(question):
                yield question

    def about_signals(self) -> Iterator[Question]:
        """One for each field of a signal that is in doubt, or drawn."""
        doubts = {doubt.signal: doubt for doubt in self.options.uncertain.signals}
        for signal in self.profile.signals:
            doubt, audited = (
                doubts.get(signal.signal),
                self.options.audit.signals.get(signal.signal),
            )
            fields = (doubt.asks if doubt else None, audited)
            for asks in dict.fromkeys(field for field in fields if field is not None):
                if signal.outcome == OutcomeKind.OK and self._is_open(signal, asks):
                    in_doubt = doubt if doubt is not None and doubt.asks == asks else None
                    yield from self._of_signal(
                        signal, asks, doubt=in_doubt, audited=asks == audited
                    )

    def _of_rule(self, rulings: Sequence[Ruling], verdict: Judged) -> Question | None:
        first, severity = rulings[0], max(ruling.severity for ruling in rulings)
        sent = next((ruling for ruling in rulings if ruling.effect == REVIEW), None)
        if sent is None and severity < self.options.severe.severity:
            return None
        subjects = tuple(_subjects(self.profile, rulings))
        return self._question(
            ("verdict", first.policy, first.rule, str(self.profile.revision)),
            reason=Reason.SEVERE if sent is None else Reason.POLICY,
            queue=self.options.severe.queue
            if sent is None
            else sent.value or self.options.policy.queue,
            stratum=self._stratum(self.profile.language, first.rule),
            priority=_GRAVE + severity,
            chance=1.0,
            policy=first.policy,
            rule=first.rule,
            verdict_id=verdict.verdict_id,
            effects=_effects(verdict),
            subjects=subjects,
        )

    def _of_signal(
        self, signal: ProfileSignal, asks: str, *, doubt: Doubt | None, audited: bool
    ) -> Iterator[Question]:
        """At most one: in doubt, or else for the audit. Its chance is that of either draw."""
        close = near(signal, doubt, self.options.thresholds) if doubt is not None else ()
        drawn: dict[Reason, Question] = {}
        missed = 1.0
        if doubt is not None and close:
            question = self._in_doubt(signal, asks, doubt, close)
            missed *= 1.0 - self._drawn(question, doubt.rate, signal.input_digest, drawn)
        if audited:
            question = self._audited(signal, asks)
            rate = self.options.audit.rate_of(question.stratum)
            missed *= 1.0 - self._drawn(question, rate, signal.input_digest, drawn)
        for question in (*drawn.values(),)[:1]:
            yield question.with_chance(1.0 - missed)

    def _in_doubt(
        self, signal: ProfileSignal, asks: str, doubt: Doubt, close: Sequence[Near]
    ) -> Question:
        nearest = close[0]
        return self._question(
            ("value", signal.signal, asks, signal.input_digest),
            reason=Reason.UNCERTAIN,
            queue=doubt.queue,
            stratum=self._stratum(signal.language, nearest.label or asks),
            priority=nearest.closeness,
            asks=asks,
            said=said_of(signal, asks),
            subjects=tuple(
                _subject(signal, each.field, f"{each.score:g}", each.score, each.threshold)
                for each in close
            ),
        )

    def _audited(self, signal: ProfileSignal, asks: str) -> Question:
        said = said_of(signal, asks)
        return self._question(
            ("value", signal.signal, asks, signal.input_digest),
            reason=Reason.AUDIT,
            queue=self.options.audit.queue,
            stratum=self._stratum(signal.language, said[0] if said else NO_LABEL),
            priority=0.0,
            asks=asks,
            said=said,
            subjects=(_subject(signal, asks, ", ".join(said)),),
        )

    def _drawn(
        self, question: Question, rate: float, digest: str, drawn: dict[Reason, Question]
    ) -> float:
        """The chance that the question has; it is in `drawn` if it won."""
        reason = question.reason
        number = draw(question.content_id, self.options.seed, reason, str(question.signal), digest)
        chance = rate * self.budget.openness(self.day, reason, question.stratum)
        if number < chance:
            drawn[reason] = question
        return chance

    def _is_open(self, signal: ProfileSignal, asks: str) -> bool:
        """Whether it was neither decided nor asked."""
        asked = ("value", signal.signal, asks, signal.input_digest)
        return not self.budget.knows(request_id(self.profile.content_id, asked)) and not (
            self.decided is not None
            and self.decided.settles(signal.signal, asks, signal.input_digest)
        )

    def _has_room(self, question: Question) -> bool:
        if self.budget.knows(question.request_id):
            return False
        return self.budget.left(self.day, question.reason, question.stratum) >= 1

    def _stratum(self, language: str | None, label: str) -> str:
        """Content type, language without its region, and label."""
        spoken = (language or self.profile.language or NO_LANGUAGE).partition("-")[0]
        return f"{self.profile.content_type}/{spoken}/{label}"

    def _question(self, asked: Sequence[str], **own: Any) -> Question:
        profile = self.profile
        return Question(
            content_id=profile.content_id,
            request_id=request_id(profile.content_id, asked),
            tenant=profile.tenant,
            content_type=profile.content_type,
            language=profile.language,
            revision=profile.revision,
            event_time=profile.event_time,
            day=self.day,
            **{"verdict_id": self.verdict and self.verdict.verdict_id, "chance": 1.0} | own,
        )


def said_of(signal: ProfileSignal, field: str) -> tuple[str, ...]:
    """What a signal says in a field of its record, as words: its labels, its language, a word."""
    if field == "labels":
        return signal.labels
    if field == "language":
        return (signal.language,) if signal.language else ()
    word = signal.words.get(field)
    number = signal.numbers.get(field)
    return (word,) if word is not None else () if number is None else (f"{number:g}",)


def _effects(verdict: Judged) -> tuple[DecidedEffect, ...]:
    """What the verdict says, each once, without what sends it to review."""
    found = {
        (ruling.effect, ruling.value or ""): DecidedEffect(effect=ruling.effect, value=ruling.value)
        for ruling in verdict.rulings
        if ruling.effect != REVIEW
    }
    return tuple(found[key] for key in sorted(found))


def _by_rule(rulings: Iterable[Ruling]) -> Iterator[Sequence[Ruling]]:
    """Those of one rule together, without what people decided; sorted by policy and rule."""
    found: defaultdict[tuple[str, str], list[Ruling]] = defaultdict(list)
    for ruling in rulings:
        if ruling.automated:
            found[ruling.policy, ruling.rule].append(ruling)
    yield from (found[key] for key in sorted(found))


def _subjects(profile: Profile, rulings: Sequence[Ruling]) -> Iterator[Subject]:
    """What the rulings rest on and the profile still says; what is about the item has none."""
    found: dict[tuple[str, str], Subject] = {}
    for condition in (each for ruling in rulings for each in ruling.conditions):
        signal = profile.signal(condition.signal) if condition.signal else None
        if signal is not None:
            number = signal.numbers.get(condition.field)
            found[signal.signal, condition.field] = _subject(
                signal, condition.field, condition.value, number
            )
    yield from (found[key] for key in sorted(found))


def _subject(
    signal: ProfileSignal,
    field: str,
    value: str,
    score: float | None = None,
    threshold: float | None = None,
) -> Subject:
    return Subject(
        signal=signal.signal,
        signal_id=signal.signal_id,
        input_digest=signal.input_digest,
        model=signal.model,
        field=field,
        value=value,
        score=score,
        threshold=threshold,
    )
