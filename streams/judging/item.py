"""One item as it stands: what came of it, and what the policies make of that."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from earmark.processors.policy.judgement import decide, decide_fast, with_signal
from earmark.processors.policy.policy import Policy
from earmark.processors.policy.verdict import Verdict, verdict_of
from earmark.processors.profile import Profile, profile_of
from earmark.processors.review.decision import Decisions, decisions_of
from earmark.processors.wire import Record
from earmark.streams.judging.channel import is_signal, signal_of
from earmark.streams.judging.record import Records
from earmark.streams.judging.state import Held
from earmark.streams.topic import PROFILES, REVIEW_DECISIONS, VERDICTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """The newest of everything about one item; `records` are its signals' own, by name.

    `profile_at_ms` is when Kafka took the profile, in milliseconds since the epoch.
    """

    content_id: str
    profile: Profile | None = None
    profile_at_ms: int = 0
    records: Mapping[str, Record] = field(default_factory=dict)
    decided: Decisions | None = None
    previous: Verdict | None = None

    @property
    def is_gone(self) -> bool:
        """Whether nothing is left to be judged."""
        return self.profile is None and not self.records

    def newest(self) -> Profile | None:
        """The profile with what newer records of signals say, or made of them alone.

        A record tells more than a profile in which its signal is not, or is older.
        """
        profile = self.profile
        for name in sorted(self.records):
            record = self.records[name]
            said = None if profile is None else profile.signal(name)
            if said is None or record["revision"] > said.revision:
                complete = profile is not None and profile.complete
                profile = with_signal(profile, name, record, complete=complete)
        return profile

    def judge(self, policies: Collection[Policy]) -> Verdict | None:
        """The verdict that is to stand; None where there is nothing to say.

        It follows from what is newest of each kind, whatever came first. As long as there is no
        profile only fast rules are looked at, and nothing is said where none of them holds.
        """
        profile = self.newest()
        if profile is None:
            return None
        judge = decide_fast if self.profile is None else decide
        verdict = judge(
            profile,
            policies,
            records=self.records,
            decisions=() if self.decided is None else self.decided.in_force,
            previous=self.previous,
        )
        if self.profile is None and not verdict.rulings and self.previous is None:
            return None
        return verdict


def item_of(content_id: str, held: Mapping[str, Held], records: Records) -> Item:
    """The item of which these records are held, by topic."""
    profile, decisions = held.get(PROFILES), held.get(REVIEW_DECISIONS)
    said = decisions and records.read(REVIEW_DECISIONS, decisions.payload)
    return Item(
        content_id=content_id,
        profile=profile and profile_of(records.read(PROFILES, profile.payload)),
        profile_at_ms=profile.at_ms if profile else 0,
        records={
            signal_of(topic): records.read(topic, record.payload)
            for topic, record in held.items()
            if is_signal(topic) and topic in records.topics
        },
        decided=None if said is None else decisions_of(said),
        previous=_previous(held.get(VERDICTS), records),
    )


def _previous(held: Held | None, records: Records) -> Verdict | None:
    return None if held is None else verdict_of(records.read(VERDICTS, held.payload))
