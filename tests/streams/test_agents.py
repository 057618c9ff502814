"""The agents on the real broker: what they read, what they write, and what they go on by."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest

from earmark.processors.codec import Codec
from earmark.processors.policy.verdict import LABEL, LIMIT
from earmark.processors.release import golden_record
from earmark.processors.schema import avro_folder, schema_of
from earmark.streams.kafka import TRANSACTIONAL, producer_config
from earmark.streams.local.agents import AgentsProcess
from earmark.streams.local.port import free_port
from earmark.streams.local.stack import Stack
from earmark.streams.registry import Registry
from earmark.streams.settings import AgentsSettings, Settings
from earmark.streams.subscriber import ReceivedSignal, subscribe
from earmark.streams.topic import PROFILES, REVIEW_DECISIONS, REVIEW_REQUESTS, VERDICTS

pytestmark = [pytest.mark.kafka]

SAFETY = "signals.text.safety.v1"
WAIT_S = 60.0
POLICY = """
name = "p"
version = "{version}"

[[rule]]
name = "grave"
when = "text.safety severity >= {severity}"
effect = "limit"
value = "demote"
severity = 6
fast = true

[[rule]]
name = "swearing"
when = "text.safety labels has profanity"
effect = "label"
value = "profanity"
"""


class Bench:
    """Agents at work on the broker of the session, and what a test asks of them."""

    def __init__(self, settings: Settings, policies: Path, agents: AgentsProcess) -> None:
        self.settings = settings
        self.policies = policies
        self.agents = agents
        self._producer = confluent_kafka.Producer(producer_config(settings.kafka))
        with Registry(settings.registry) as registry:
            topics = (PROFILES, REVIEW_DECISIONS, SAFETY)
            self._ids = registry.ids_for_worker(topics)

    def send(self, topic: str, item: str, **changes: object) -> None:
        self.put(topic, item, self.payload(topic, content_id=item, **changes))

    def put(
        self,
        topic: str,
        item: str,
        payload: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        self._producer.produce(topic, payload, item.encode(), headers=list(headers))
        assert self._producer.flush(30) == 0

    def payload(self, topic: str, **changes: object) -> bytes:
        schema = schema_of(topic)
        golden: Mapping[str, Any] = golden_record(avro_folder(), schema)
        return Codec(schema).encode({**golden, **changes}, self._ids[topic])

    def written(self, item: str, topic: str = VERDICTS) -> list[ReceivedSignal]:
        """All committed records about the item."""
        with subscribe(
            topic, settings=self.settings, from_beginning=True, deletions=True, timeout_s=0.7
        ) as records:
            return [record for record in records if record.key == item]

    def until(
        self, item: str, holds: Callable[[ReceivedSignal], bool], topic: str = VERDICTS
    ) -> ReceivedSignal:
        """The first record about the item for which it holds."""
        deadline = time.monotonic() + WAIT_S
        with subscribe(
            topic, settings=self.settings, from_beginning=True, deletions=True, timeout_s=1.0
        ) as records:
            while time.monotonic() < deadline:
                for record in records:
                    if record.key == item and holds(record):
                        return record
        raise AssertionError(f"nothing of the kind came about {item}: {self.written(item, topic)}")

    def put_in_force(self, *, version: str = "1", severity: object = 5) -> None:
        """Write the policy and wait until all was judged by it."""
        write_policy(self.policies, version=version, severity=severity)
        self.wait(lambda: self.get("/policies")["policies"][0]["version"] == version)
        self.wait(lambda: self.get("/health")["rejudging"] == 0)

    @staticmethod
    def wait(holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not holds() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert holds()

    def get(self, path: str) -> Any:
        connection = HTTPConnection("127.0.0.1", self.agents.port, timeout=5)
        connection.request("GET", path)
        answer = connection.getresponse().read().decode()
        connection.close()
        return answer if path == "/metrics" else json.loads(answer)


def write_policy(folder: Path, *, version: str = "1", severity: object = 5) -> None:
    (folder / "p.toml").write_text(POLICY.format(version=version, severity=severity))


@pytest.fixture(scope="module")
def stack(own_stack: Stack) -> Stack:
    """In place of that of the session, which has the verdicts of other tests."""
    return own_stack


@pytest.fixture(scope="module")
def settings(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    own = stack.settings.kafka.model_copy(update={"group_id": f"g{uuid.uuid4().hex[:8]}"})
    agents = stack.settings.agents.model_copy(update={"reload_s": 0.2})
    policies = tmp_path_factory.mktemp("policies")
    write_policy(policies)
    changes = {
        "kafka": own,
        "agents": agents,
        "policies": policies,
        "state": tmp_path_factory.mktemp("state"),
    }
    return stack.settings.model_copy(update=changes)


@pytest.fixture(scope="module")
def bench(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    agents = AgentsProcess(settings, log_dir=tmp_path_factory.mktemp("logs"))
    agents.start()
    try:
        assert settings.policies is not None
        yield Bench(settings, settings.policies, agents)
    finally:
        agents.stop()


@pytest.fixture
def item() -> str:
    return f"item-{uuid.uuid4().hex[:8]}"


def effects(*wanted: str) -> Callable[[ReceivedSignal], bool]:
    return lambda record: not record.deleted and record.record["effects"] == sorted(wanted)


def grave(golden: str = PROFILES, *, severity: int = 6) -> list[dict[str, Any]]:
    """The signals of a profile whose text.safety is that grave."""
    signals = golden_record(avro_folder(), schema_of(golden))["signals"]
    return [
        {
            **each,
            "numbers": {**each["numbers"], "severity": float(severity)},
            "labels": ["profanity"],
        }
        for each in signals
    ]


def test_a_profile_gets_a_verdict_where_its_key_belongs(bench: Bench, item: str) -> None:
    bench.send(PROFILES, item, signals=grave())
    verdict = bench.until(item, effects(LIMIT, LABEL))
    (sent,) = bench.written(item, PROFILES)
    assert verdict.partition == sent.partition  # Java's, librdkafka's and ours go together
    assert verdict.headers["ce_type"] == VERDICTS.encode()
    assert verdict.headers["ce_id"] == verdict.record["verdict_id"].encode()


def test_a_signal_is_judged_by_fast_rules_before_its_profile_is_there(
    bench: Bench, item: str
) -> None:
    bench.send(SAFETY, item, severity=7)
    assert bench.until(item, effects(LIMIT)).record["complete"] is False


def test_what_says_the_same_is_not_written_again(bench: Bench, item: str) -> None:
    bench.send(PROFILES, item, signals=grave())
    bench.until(item, effects(LABEL, LIMIT))
    bench.send(PROFILES, item, signals=grave())
    bench.send(PROFILES, item, signals=grave(severity=0))
    bench.until(item, effects(LABEL))
    assert [record.record["effects"] for record in bench.written(item)] == [
        [LABEL, LIMIT],
        [LABEL],
    ]
    assert bench.written(item)[1].record["retracted"][0]["rule"] == "grave"


def test_an_item_that_is_deleted_has_no_verdict(bench: Bench, item: str) -> None:
    bench.send(SAFETY, item, severity=7)
    bench.send(PROFILES, item, signals=grave())
    bench.until(item, lambda record: record.record["complete"])
    bench.put(SAFETY, item, None)
    bench.put(PROFILES, item, None)
    assert bench.until(item, lambda record: record.deleted).value is None
    assert bench.get(f"/verdicts/{item}")["error"]["type"] == "NOT_FOUND"


def test_a_human_overrides_whatever_came_first(bench: Bench, item: str) -> None:
    golden = golden_record(avro_folder(), schema_of(REVIEW_DECISIONS))["decisions"][1]
    bench.send(REVIEW_DECISIONS, item, decisions=[{**golden, "effects": []}])
    bench.send(PROFILES, item, signals=grave())
    verdict = bench.until(item, lambda record: not record.record["effects"]).record
    assert (verdict["automated"], verdict["decision_id"]) == (False, golden["decision_id"])


def test_people_are_asked_about_what_is_grave_once(bench: Bench, item: str) -> None:
    bench.send(PROFILES, item, signals=grave())
    request = bench.until(item, lambda record: record.record["reason"] == "SEVERE", REVIEW_REQUESTS)
    bench.send(PROFILES, item, signals=grave(), tenant="other")
    bench.until(item, lambda record: record.record["tenant"] == "other")
    severe = [
        each for each in bench.written(item, REVIEW_REQUESTS) if each.record["reason"] == "SEVERE"
    ]
    assert len(severe) == 1
    shown = bench.get(f"/verdicts/{item}")["requests"]
    assert request.record["request_id"] in [each["request_id"] for each in shown]


def test_what_was_aborted_is_not_judged(bench: Bench, item: str) -> None:
    own = {**TRANSACTIONAL, "transactional.id": item}
    producer = confluent_kafka.Producer(producer_config(bench.settings.kafka, own))
    producer.init_transactions(30)
    producer.begin_transaction()
    payload = bench.payload(PROFILES, content_id=item, signals=grave())
    producer.produce(PROFILES, payload, item.encode())
    producer.flush(30)
    producer.abort_transaction(30)
    bench.send(PROFILES, item, signals=grave(severity=0))
    bench.until(item, effects(LABEL))
    assert len(bench.written(item)) == 1


def test_what_cannot_be_read_holds_nothing_up(bench: Bench, item: str) -> None:
    bench.put(PROFILES, item, b"not Avro")
    bench.send(PROFILES, item, signals=grave())
    bench.until(item, effects(LABEL, LIMIT))
    assert 'earmark_agents_unreadable_total{topic="content.profile.v1"}' in bench.get("/metrics")


def test_a_verdict_of_someone_who_lost_the_partition_is_put_right(bench: Bench, item: str) -> None:
    bench.send(PROFILES, item, signals=grave())
    right = bench.until(item, effects(LABEL, LIMIT))
    bench.put(VERDICTS, item, None)
    bench.wait(lambda: not bench.written(item)[-1].deleted)
    assert bench.written(item)[-1].record["verdict_id"] == right.record["verdict_id"]


def test_a_verdict_of_another_group_is_left_alone(bench: Bench, item: str) -> None:
    bench.send(PROFILES, item, signals=grave())
    bench.until(item, effects(LABEL, LIMIT))
    bench.put(VERDICTS, item, None, headers=[("earmark.agents", b"other")])
    bench.wait(lambda: "earmark_agents_foreign_total 1.0" in bench.get("/metrics"))
    assert bench.written(item)[-1].deleted


def test_other_policies_are_put_in_force_and_all_is_judged_anew(bench: Bench, item: str) -> None:
    bench.send(PROFILES, item, signals=grave())
    bench.until(item, effects(LABEL, LIMIT))
    bench.put_in_force(version="2", severity=7)
    bench.put_in_force(version="1", severity=5)
    assert [record.record["effects"] for record in bench.written(item)] == [
        [LABEL, LIMIT],
        [LABEL],
        [LABEL, LIMIT],
    ]


def test_policies_that_are_wrong_leave_those_before_in_force(bench: Bench, item: str) -> None:
    write_policy(bench.policies, severity="five")
    bench.wait(lambda: "earmark_agents_policy_errors_total 1.0" in bench.get("/metrics"))
    bench.send(PROFILES, item, signals=grave())
    bench.until(item, effects(LABEL, LIMIT))
    write_policy(bench.policies)


def test_three_processes_have_the_same_partitions_of_all_topics(
    bench: Bench, tmp_path: Path
) -> None:
    def more(slot: str) -> Bench:
        kafka = bench.settings.kafka.model_copy(update={"slot": slot})
        settings = bench.settings.model_copy(update={"kafka": kafka})
        return Bench(settings, bench.policies, AgentsProcess(settings, log_dir=tmp_path, name=slot))

    others = [more("second"), more("third")]
    try:
        for other in others:
            other.agents.launch()
        for other in others:
            other.agents.child.wait_until(other.agents.is_ready, WAIT_S)

        def held() -> list[list[int]]:
            return [each.get("/health")["partitions"] for each in (bench, *others)]

        bench.wait(lambda: sorted(n for numbers in held() for n in numbers) == list(range(8)))
        assert all(held())
    finally:
        for other in others:
            other.agents.stop()


def test_agents_that_cannot_leave_well_end_all_the_same() -> None:
    script = (
        "import time; from earmark.streams.agents import end_within as e; e(0.1); time.sleep(99)"
    )
    ended = subprocess.run([sys.executable, "-c", script], timeout=WAIT_S, check=False)
    assert ended.returncode == 1


def test_faust_runs_the_app_too(stack: Stack, tmp_path: Path) -> None:
    own = {
        "kafka": stack.settings.kafka.model_copy(update={"group_id": f"g{uuid.uuid4().hex[:8]}"}),
        "agents": AgentsSettings(http_port=free_port()),
        "state": tmp_path,
    }
    settings = stack.settings.model_copy(update=own)
    faust = (sys.executable, "-m", "faust", "-A", "earmark.streams.agents")
    agents = AgentsProcess(settings, log_dir=tmp_path, command=(*faust, "worker", "--without-web"))
    try:
        agents.start()
    finally:
        agents.stop()
    assert agents.child.status == 0
