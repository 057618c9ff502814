"""What is to be computed for an event of which some answers are known already.

An event is the whole item. Where only its title has changed, its audio need not be decoded again:
signals whose answers stand are left out, and what others need of them is taken from where it is
kept.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from earmark.processors.identity import AnswerKey
from earmark.processors.outcome import Result
from earmark.processors.signal import Part, SignalSpec, Takes

Recall = Callable[[str, AnswerKey], Result | None]  # by topic; None where it is not kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Signals by name: those that are answered, those computed for it, and results known before.

    `kept` are the answers that stand and are not given again, by topic. `hears` says whether the
    audio is needed.
    """

    wanted: frozenset[str]
    computed: frozenset[str]
    known: Mapping[str, Result] = field(default_factory=dict)
    kept: Mapping[str, AnswerKey] = field(default_factory=dict)
    hears: bool = True

    @property
    def is_done(self) -> bool:
        """Whether every answer stands."""
        return not self.wanted and bool(self.kept)


def plan_for(
    specs: Mapping[str, SignalSpec],
    keys: Mapping[str, AnswerKey],
    *,
    asked: Collection[str],
    standing: Mapping[str, AnswerKey],
    recall: Recall,
) -> Plan:
    """The plan for an event of which the signals in `keys` are expected.

    `specs` holds needs before needers. `standing` are the answers that stand by topic, equal keys
    make an answer stand. What does not is recalled where it is kept, and else computed with all
    that it needs.
    """
    stands = {name for name in keys if standing.get(specs[name].topic) == keys[name]}
    wanted = frozenset(keys.keys() & asked) - stands
    known: dict[str, Result] = {}
    computed: set[str] = set()
    due = set(wanted)
    for name in reversed([name for name in specs if name in keys]):  # needers before needs
        if name not in due:
            continue
        spec = specs[name]
        # clips are cut while a stream runs: what was found before cuts none
        fed = any(name in specs[other].needs and _cuts(specs[other]) for other in computed)
        result = None if fed else recall(spec.topic, keys[name])
        if result is not None:
            known[name] = result
        else:
            computed.add(name)
            due.update(need for need in spec.needs if need in keys)
    return Plan(
        wanted=wanted,
        computed=frozenset(computed),
        known=known,
        kept={specs[name].topic: keys[name] for name in sorted(stands & set(asked))},
        hears=any(_hears(specs[name]) for name in computed),
    )


def whole_plan(
    specs: Mapping[str, SignalSpec], expected: Collection[str], asked: Collection[str]
) -> Plan:
    """The plan for an event of which nothing is known: all that is expected is computed."""
    names = frozenset(expected)
    return Plan(
        wanted=names & frozenset(asked),
        computed=names,
        hears=any(Part.AUDIO in specs[name].reads for name in names),
    )


def nothing_kept(topic: str, key: AnswerKey) -> Result | None:
    """A `Recall` that has nothing."""
    return None


def _cuts(spec: SignalSpec) -> bool:
    return spec.takes is Takes.CLIPS


def _hears(spec: SignalSpec) -> bool:
    """Whether computing it takes samples; one that reads a transcript gets it from its need."""
    return Part.AUDIO in spec.reads and spec.takes is not Takes.PASSAGES
