import os
import time
from pathlib import Path

import pytest

from earmark.models.error import ConfigurationError, ServiceError
from earmark.streams.local.environment import environment
from earmark.streams.local.process import ProcessId
from earmark.streams.local.state import (
    StackState,
    check_slot,
    claimed,
    read_state,
    remove_state,
    resolve_settings,
    running_stack,
    write_state,
)
from earmark.streams.settings import load_settings

HERE = ProcessId.of("broker", os.getpid())
GONE = ProcessId(name="registry", pid=os.getpid(), started=HERE.started - 3600)


def state_of(*processes: ProcessId, worker_url: str | None = None) -> StackState:
    return StackState(
        worker_url=worker_url,
        cluster_id="c",
        bootstrap_servers="127.0.0.1:1234",
        registry_url="http://127.0.0.1:1235/apis/ccompat/v7",
        started=time.time(),
        processes=processes,
    )


def test_a_state_is_read_as_it_was_written(tmp_path: Path):
    state = state_of(HERE, GONE)
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    remove_state(tmp_path)
    assert read_state(tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"processes": []}', "{"])
def test_what_is_no_state_is_no_stack(tmp_path: Path, text: str):
    (tmp_path / "stack.json").write_text(text)
    assert read_state(tmp_path) is None
    assert running_stack(tmp_path) is None


def test_a_stack_runs_only_while_all_its_own_processes_do(tmp_path: Path):
    write_state(tmp_path, state_of(HERE))
    assert running_stack(tmp_path) is not None
    write_state(tmp_path, state_of(HERE, GONE))
    assert running_stack(tmp_path) is None


def test_the_running_stack_is_used_where_no_broker_is_configured(tmp_path: Path):
    write_state(tmp_path, state_of(HERE))
    found = resolve_settings(load_settings(home=tmp_path))
    assert found.kafka.bootstrap_servers == "127.0.0.1:1234"
    assert found.registry.url == "http://127.0.0.1:1235/apis/ccompat/v7"


def test_a_configured_broker_is_used_whatever_runs_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EARMARK_KAFKA__BOOTSTRAP_SERVERS", "kafka.example:9092")
    write_state(tmp_path, state_of(HERE))
    settings = load_settings(home=tmp_path)
    assert resolve_settings(settings) is settings


def test_one_broker_at_a_time_has_a_home(tmp_path: Path):
    with claimed(tmp_path), pytest.raises(ServiceError, match="already runs"), claimed(tmp_path):
        pass
    with claimed(tmp_path):
        pass


def test_a_child_reads_the_same_settings_from_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    settings = load_settings(
        home=tmp_path,
        kafka={"client": {"sasl.password": 's=e c,r"et'}, "partitions": 3},
        media={
            "roots": [tmp_path / "a b"],
            "hosts": ["*.example.org"],
            "timeout_s": 1.5,
            "stores": {"music": {"uri": "https://cdn.example.org/{key}", "secret": "s3cret"}},
        },
        worker={"signals": ["audio.loudness"], "http_port": 8080},
    )
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings


def test_a_registry_that_is_configured_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_state(tmp_path, state_of(HERE))
    monkeypatch.setenv("EARMARK_REGISTRY__URL", "http://127.0.0.1:9")
    found = resolve_settings(load_settings(home=tmp_path))
    assert (found.kafka.bootstrap_servers, found.registry.url) == (
        "127.0.0.1:1234",
        "http://127.0.0.1:9",
    )


WORKER = "http://127.0.0.1:1236"


def test_a_worker_does_not_take_the_place_of_the_stacks(tmp_path: Path) -> None:
    write_state(tmp_path, state_of(HERE, worker_url=WORKER))
    settings = load_settings(home=tmp_path)
    for slot in (None, settings.kafka.slot):
        with pytest.raises(ConfigurationError, match=r"has slot 0: .*--slot 1"):
            check_slot(settings, slot)
    check_slot(settings, "1")


@pytest.mark.parametrize("name", ["BOOTSTRAP_SERVERS", "GROUP_ID"])
def test_a_worker_elsewhere_or_in_another_group_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write_state(tmp_path, state_of(HERE, worker_url=WORKER))
    monkeypatch.setenv(f"EARMARK_KAFKA__{name}", "another")
    check_slot(load_settings(home=tmp_path), None)


def test_a_stack_without_a_worker_leaves_room_for_one(tmp_path: Path) -> None:
    write_state(tmp_path, state_of(HERE))
    check_slot(load_settings(home=tmp_path), None)
