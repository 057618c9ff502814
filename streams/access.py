"""Who may do what on Kafka: rules of access made from the signals' cards and the list of topics.

Roles. A subscriber reads signals that are named, or whole classes of access. A producer writes
content events. A worker reads these and writes all that follows from them. An agent (`earmark
agents`) reads signals and profiles and writes verdicts and questions; a reviewer (`earmark
review`) reads questions and what they are about and writes decisions; flink (`earmark flink`, and
`earmark drift --alert`) reads signals and writes profiles, statistics and alerts. A server
(`earmark serve`) reads all signals, an inspector (`earmark web`) all topics but restricted ones, an
auditor (`earmark audit`) all that answers events or may hold what was erased; none of them writes
any. An operator may do everything on Earmark's topics, and so promote, redrive and erase.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from shlex import quote

from earmark.models.error import ConfigurationError
from earmark.processors.signal_card import Access
from earmark.streams.catalogue import Entry
from earmark.streams.model_choice import signal_named
from earmark.streams.topic import (
    ALERTS,
    CONTENT_EVENTS,
    ITEMS,
    LONG_EVENTS,
    MADE_OF_ANSWERS,
    PROFILES,
    PROMOTIONS,
    REJECTIONS,
    RESTRICTED_PREFIX,
    REVIEW_DECISIONS,
    REVIEW_REQUESTS,
    STATS,
    VERDICTS,
    contract,
    dead_letter_topic,
    restricted_topics,
    retry_topic,
    signal_topics,
)

CLASSES = {"open": Access.OPEN, "personal": Access.PERSONAL, "restricted": Access.RESTRICTED}
RUNS = ("replay.", "shadow.")  # how the topics of runs begin
NAMELESS = "earmark-subscribe-"  # the groups of those who subscribe without naming one
JUDGED = (VERDICTS, REVIEW_REQUESTS)
COUNTED = (PROFILES, STATS, ALERTS)
OWN_TOOLS = "earmark-"  # groups and transactions of `earmark dlq` and its like
_PRINCIPAL = re.compile(r"[A-Za-z]+:[^\x00-\x1f]+")


class Role(StrEnum):
    """What a principal is there for."""

    SUBSCRIBER = "subscriber"
    PRODUCER = "producer"
    WORKER = "worker"
    AGENT = "agent"
    REVIEWER = "reviewer"
    FLINK = "flink"
    SERVER = "server"
    INSPECTOR = "inspector"
    AUDITOR = "auditor"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`operations` allowed on resources of one type, by name, or by how names begin."""

    resource_type: str  # TOPIC, GROUP, TRANSACTIONAL_ID or CLUSTER
    names: tuple[str, ...]
    operations: tuple[str, ...]
    is_prefix: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who asks for what. `group` is that of a worker; the groups of subscribers begin with it.

    `twins` are topics of signals that hold redacted twins, so that they are open; who may read the
    signal as it is reads its restricted topic.
    """

    principal: str
    role: Role
    read: tuple[str, ...] = ()
    group: str
    receipts_topic: str
    twins: frozenset[str] = frozenset()


def rules(request: Request, entries: Sequence[Entry]) -> Sequence[Rule]:
    """What the request comes to.

    Raises ConfigurationError for a name that is no signal and no class of access, and for a role
    that reads what it is not asked about.
    """
    if (request.role is Role.SUBSCRIBER) != bool(request.read):
        raise ConfigurationError("a subscriber needs --read, and no other role takes it")
    return tuple(rule for rule in _of_role(request, entries) if rule.names)


def readable_topics(
    named: Iterable[str], entries: Sequence[Entry], twins: Collection[str] = ()
) -> Sequence[str]:
    """The topics of signals and classes of access by name, in the catalogue's order.

    A signal by its name is its own topic; its restricted one is named in full.
    """
    classes = dict(_classes(entries, twins))
    by_name = {entry.signal: entry.topic for entry in entries}
    wanted: set[str] = set()
    for name in named:
        if name in CLASSES:
            wanted |= {topic for topic, access in classes.items() if access is CLASSES[name]}
        else:
            wanted.add(name if name in classes else by_name[signal_named(name, by_name)])
    return tuple(topic for topic in classes if topic in wanted)


def _classes(entries: Sequence[Entry], twins: Collection[str]) -> Iterator[tuple[str, Access]]:
    for entry in entries:
        is_twin = entry.topic in twins
        yield entry.topic, Access.OPEN if is_twin else entry.access
        if is_twin:
            yield f"{RESTRICTED_PREFIX}{entry.topic}", entry.access


def principal_named(name: str) -> str:
    """As Kafka writes it: `User:reports` of `reports`."""
    full = name if ":" in name else f"User:{name}"
    if not _PRINCIPAL.fullmatch(full):
        raise ConfigurationError(f"{name!r} is no principal: it should look like User:reports")
    return full


def commands(request: Request, found: Iterable[Rule], *, servers: str) -> Iterator[str]:
    """Lines for a shell with Kafka's own tools."""
    option = {"TOPIC": "--topic", "GROUP": "--group", "TRANSACTIONAL_ID": "--transactional-id"}
    for rule in found:
        words = ["kafka-acls.sh", "--bootstrap-server", servers, "--add"]
        words += ["--allow-principal", request.principal]
        for operation in rule.operations:
            words += ["--operation", _word(operation)]
        if rule.resource_type == "CLUSTER":
            words.append("--cluster")
        else:
            for name in rule.names:
                words += [option[rule.resource_type], name]
        if rule.is_prefix:
            words += ["--resource-pattern-type", "prefixed"]
        yield " ".join(map(quote, words))


def bindings(request: Request, found: Iterable[Rule]) -> Iterator[dict[str, str]]:
    """One binding for each name and operation, once, in the words of Kafka's protocol."""
    named = (
        (rule.resource_type, name, "PREFIXED" if rule.is_prefix else "LITERAL", operation)
        for rule in found
        for name in rule.names
        for operation in rule.operations
    )
    for resource_type, name, pattern_type, operation in dict.fromkeys(named):
        yield {
            "principal": request.principal,
            "host": "*",
            "permission": "ALLOW",
            "operation": operation,
            "resource_type": resource_type,
            "name": name,
            "pattern_type": pattern_type,
        }


def _of_role(request: Request, entries: Sequence[Entry]) -> Iterator[Rule]:
    match request.role:
        case Role.SUBSCRIBER:
            found = readable_topics(request.read, entries, request.twins)
            yield _topics(found, "READ", "DESCRIBE")
            yield _begins("GROUP", (request.group, NAMELESS), "READ", "DESCRIBE")
        case Role.PRODUCER:
            yield _topics((CONTENT_EVENTS,), "WRITE", "DESCRIBE")
        case Role.WORKER:
            yield from _of_a_worker(request)
        case Role.AGENT:
            # all signals: which of them its policies name may change
            read = (PROFILES, REVIEW_DECISIONS, *signal_topics(), *JUDGED)
            yield from _of_a_group(request, read=read, written=JUDGED)
        case Role.REVIEWER:
            # people are shown the texts of items and what was said in them
            read = (ITEMS, PROFILES, *signal_topics(), REVIEW_REQUESTS, REVIEW_DECISIONS)
            yield from _of_a_group(request, read=read, written=(REVIEW_DECISIONS,))
        case Role.FLINK:
            # items say what is expected of a profile
            read = (ITEMS, *signal_topics(), *COUNTED)
            yield from _of_a_group(request, read=read, written=COUNTED)
        case Role.SERVER:
            yield from _of_a_reader(request, signal_topics())
        case Role.INSPECTOR:
            topics = [topic.name for topic in contract(request.receipts_topic)]
            whole = [name for name in topics if not name.startswith(RESTRICTED_PREFIX)]
            yield from _of_a_reader(request, whole)
        case Role.AUDITOR:
            # restricted ones too: whether they still hold what was erased
            events = (CONTENT_EVENTS, LONG_EVENTS, retry_topic(CONTENT_EVENTS), REJECTIONS)
            answers = (*signal_topics(), *restricted_topics(), *MADE_OF_ANSWERS)
            yield from _of_a_reader(request, (*events, request.receipts_topic, ITEMS, *answers))
        case Role.OPERATOR:
            yield from _of_an_operator(request)


def _of_a_worker(request: Request) -> Iterator[Rule]:
    events = (CONTENT_EVENTS, LONG_EVENTS, retry_topic(CONTENT_EVENTS), PROMOTIONS)
    written = (
        LONG_EVENTS,
        retry_topic(CONTENT_EVENTS),
        dead_letter_topic(CONTENT_EVENTS),
        ITEMS,
        REJECTIONS,
        request.receipts_topic,
        *signal_topics(),
        *restricted_topics(),
        *MADE_OF_ANSWERS,  # deletions of what is made of an item's answers
    )
    yield _topics((*events, request.receipts_topic), "READ", "DESCRIBE")
    yield _topics(written, "WRITE", "DESCRIBE")
    yield from _groups(request, "READ", "DESCRIBE")
    yield _begins("TRANSACTIONAL_ID", (f"{request.group}-",), "WRITE", "DESCRIBE")


def _of_a_group(
    request: Request, *, read: Iterable[str], written: Collection[str]
) -> Iterator[Rule]:
    """What a process needs that reads some topics and writes others in transactions."""
    yield _topics(tuple(read), "READ", "DESCRIBE")
    yield _topics(written, "WRITE", "DESCRIBE")
    yield from _groups(request, "READ", "DESCRIBE")
    yield _begins("TRANSACTIONAL_ID", (f"{request.group}-",), "WRITE", "DESCRIBE")


def _of_a_reader(request: Request, read: Collection[str]) -> Iterator[Rule]:
    """What a process needs that reads, and commits to no group."""
    yield _topics(read, "READ", "DESCRIBE")
    yield _begins("GROUP", (request.group, NAMELESS, OWN_TOOLS), "READ", "DESCRIBE")


def _of_an_operator(request: Request) -> Iterator[Rule]:
    every = [topic.name for topic in contract(request.receipts_topic)]
    letters = dead_letter_topic(CONTENT_EVENTS)  # and which of them were redriven
    yield _topics([name for name in every if name != letters], "ALL")
    yield _topics((letters, *RUNS), "ALL", is_prefix=True)
    yield Rule(resource_type="GROUP", names=(request.group,), operations=("ALL",))
    yield _begins("GROUP", (f"{request.group}-", OWN_TOOLS), "ALL")
    yield _begins("TRANSACTIONAL_ID", (f"{request.group}-", OWN_TOOLS), "ALL")
    yield Rule(resource_type="CLUSTER", names=("kafka-cluster",), operations=("DESCRIBE",))


def _topics(names: Collection[str], *operations: str, is_prefix: bool = False) -> Rule:
    return Rule(
        resource_type="TOPIC",
        names=tuple(dict.fromkeys(names)),
        operations=operations,
        is_prefix=is_prefix,
    )


def _begins(resource_type: str, names: Collection[str], *operations: str) -> Rule:
    return Rule(
        resource_type=resource_type,
        names=tuple(dict.fromkeys(names)),
        operations=operations,
        is_prefix=True,
    )


def _groups(request: Request, *operations: str) -> Iterator[Rule]:
    """The group itself, and those whose names begin with it, as those of replays."""
    yield Rule(resource_type="GROUP", names=(request.group,), operations=operations)
    yield _begins("GROUP", (f"{request.group}-",), *operations)


def _word(operation: str) -> str:
    """As `kafka-acls.sh` spells it: Read, DescribeConfigs."""
    return "".join(part.title() for part in operation.split("_"))
