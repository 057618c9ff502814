"""Rules of access: each role gets what it needs, and no more."""

from collections.abc import Sequence

import pytest
from click.testing import CliRunner
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from earmark.models.error import ConfigurationError
from earmark.streams.access import (
    Request,
    Role,
    Rule,
    bindings,
    commands,
    principal_named,
    readable_topics,
    rules,
)
from earmark.streams.catalogue import catalogue
from earmark.streams.cli import earmark
from earmark.streams.commands.topics import ROLES
from earmark.streams.erasure import erased_by_tombstone
from earmark.streams.judging.channel import Channels
from earmark.streams.settings import Settings
from earmark.streams.topic import contract

ENTRIES = catalogue(Settings())


def request(role: Role = Role.SUBSCRIBER, *read: str) -> Request:
    return Request(
        principal="User:reports",
        role=role,
        read=read,
        group="reports",
        receipts_topic="content.receipts.v1",
    )


def of(role: Role, *read: str) -> Sequence[Rule]:
    return rules(request(role, *read), ENTRIES)


def topics(role: Role, operation: str, *read: str) -> set[str]:
    found = (rule for rule in of(role, *read) if rule.resource_type == "TOPIC")
    return {
        name for rule in found if {operation, "ALL"} & {*rule.operations} for name in rule.names
    }


def test_a_class_of_access_is_all_its_signals_and_no_other():
    found = readable_topics(["personal"], ENTRIES)
    assert found == (
        "signals.audio.transcript.v1",
        "signals.text.embedding.v1",
        "signals.text.pii.v1",
    )


def test_classes_and_signals_add_up_to_all_signals():
    every = readable_topics(["open", "personal", "safety"], ENTRIES)
    assert every == tuple(entry.topic for entry in ENTRIES)


def test_a_subscriber_writes_nothing_and_reads_nothing_that_it_was_not_given():
    assert topics(Role.SUBSCRIBER, "READ", "loudness") == {"signals.audio.loudness.v1"}
    assert topics(Role.SUBSCRIBER, "WRITE", "loudness") == set()
    kinds = {rule.resource_type for rule in of(Role.SUBSCRIBER, "loudness")}
    assert kinds == {"TOPIC", "GROUP"}


def test_every_topic_of_the_contract_is_read_and_written_by_somebody_else_than_the_operator():
    every = {topic.name for topic in contract()}
    twins = {"signals.audio.transcript.v1", "signals.text.pii.v1"}
    read = set(readable_topics(["open", "personal", "restricted"], ENTRIES, twins))
    doing = (Role.PRODUCER, Role.WORKER, Role.AGENT, Role.REVIEWER, Role.FLINK)
    read |= {name for role in doing for name in topics(role, "READ")}
    written = {name for role in doing for name in topics(role, "WRITE")}
    ours = {"content.events.v1.dlq", "rejections.v1"}  # for operators and inspectors to read
    assert every - read == ours
    assert ours <= topics(Role.INSPECTOR, "READ")
    assert every - written == {"content.promotions.v1"}  # written by whoever promotes a replay
    assert topics(Role.OPERATOR, "WRITE") >= every


def test_a_worker_has_its_group_and_transactions_and_no_other_groups():
    named = {
        (rule.resource_type, name, rule.is_prefix)
        for rule in of(Role.WORKER)
        for name in rule.names
        if rule.resource_type != "TOPIC"
    }
    assert named == {
        ("GROUP", "reports", False),
        ("GROUP", "reports-", True),
        ("TRANSACTIONAL_ID", "reports-", True),
    }


@pytest.mark.parametrize(
    ("role", "written"),
    [
        (Role.AGENT, {"verdicts.v1", "review.requests.v1"}),
        (Role.REVIEWER, {"review.decisions.v1"}),
        (Role.FLINK, {"content.profile.v1", "signal.stats.v1", "signal.alerts.v1"}),
        (Role.SERVER, set()),
        (Role.INSPECTOR, set()),
        (Role.AUDITOR, set()),
    ],
)
def test_what_comes_after_the_workers_writes_its_own_and_no_signals(
    role: Role, written: set[str]
) -> None:
    assert topics(role, "WRITE") == written
    kinds = {rule.resource_type for rule in of(role)}
    assert "CLUSTER" not in kinds
    assert ("TRANSACTIONAL_ID" in kinds) == bool(written)


def test_nobody_but_who_was_named_reads_what_is_restricted() -> None:
    for role in set(Role) - {Role.SUBSCRIBER, Role.WORKER, Role.AUDITOR, Role.OPERATOR}:
        assert not [name for name in topics(role, "READ") if name.startswith("restricted.")]


def test_an_auditor_reads_all_on_which_a_deletion_must_tell_and_no_dead_letters() -> None:
    read = topics(Role.AUDITOR, "READ")
    assert {*erased_by_tombstone(), "content.events.v1", "content.receipts.v1"} <= read
    assert "content.events.v1.dlq" not in read


def test_flink_reads_the_items_by_which_it_knows_what_is_expected() -> None:
    assert "content.items.v1" in topics(Role.FLINK, "READ")


def test_agents_and_flink_have_the_groups_that_they_join() -> None:
    kafka = Settings().kafka
    told = {
        role: CliRunner().invoke(earmark, ["topics", "acl", "--principal", "p", "--role", role])
        for role in ("agent", "flink")
    }
    assert f"--group {Channels(signals=()).group(kafka)}" in told["agent"].output
    assert f"--group {kafka.group_id}-flink" in told["flink"].output


def test_the_command_knows_every_role() -> None:
    assert set(ROLES) == set(Role)


def test_every_binding_is_one_that_kafka_knows():
    for role in Role:
        asked = request(role, *(["open"] if role is Role.SUBSCRIBER else []))
        found = list(bindings(asked, rules(asked, ENTRIES)))
        assert len({tuple(it.items()) for it in found}) == len(found)  # Kafka takes none twice
        for it in found:
            kind = "BROKER" if it["resource_type"] == "CLUSTER" else it["resource_type"]
            made = AclBinding(
                ResourceType[kind],
                it["name"],
                ResourcePatternType[it["pattern_type"]],
                it["principal"],
                it["host"],
                AclOperation[it["operation"]],
                AclPermissionType[it["permission"]],
            )
            assert made.name == it["name"]


def test_lines_are_safe_in_a_shell_whatever_the_principal_is_called():
    asked = Request(
        principal=principal_named("a; rm -rf $HOME"),
        role=Role.PRODUCER,
        group="g",
        receipts_topic="r",
    )
    (line,) = commands(asked, rules(asked, ()), servers="b:9092")
    assert "'User:a; rm -rf $HOME'" in line
    assert line.endswith("--operation Write --operation Describe --topic content.events.v1")


def test_a_subscriber_that_names_nothing_is_told_so():
    with pytest.raises(ConfigurationError, match="needs --read"):
        of(Role.SUBSCRIBER)
    with pytest.raises(ConfigurationError, match="no other role"):
        of(Role.WORKER, "open")
    with pytest.raises(ConfigurationError, match="unknown signal 'nix'"):
        of(Role.SUBSCRIBER, "nix")
    with pytest.raises(ConfigurationError, match="no principal"):
        principal_named("User:")
