"""A standalone Flink made from the package runs the same job, and lets it go with a savepoint."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pytest

from earmark.models.error import ConfigurationError, ServiceError
from earmark.processors.schema import PROFILES
from earmark.streams.flink.catalogue import catalogue
from earmark.streams.flink.cluster import (
    ClusterState,
    cluster_folder,
    running_cluster,
    start_cluster,
    stop_cluster,
)
from earmark.streams.flink.host import command_of, job_states, stop_job
from earmark.streams.flink.order import Order
from earmark.streams.flink.rebuild import rebuild
from earmark.streams.flink.rest import Rest
from earmark.streams.flink.runtime import Runtime, find_runtime
from earmark.streams.flink.standing import standing
from earmark.streams.local.environment import environment
from earmark.streams.local.process import ProcessId
from earmark.streams.local.stack import Stack
from earmark.streams.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.flink]

LOUDNESS = "signals.audio.loudness.v1"
WAIT_S = 180


@pytest.fixture(scope="module")
def settings(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return stack.settings.model_copy(update={"state": tmp_path_factory.mktemp("state")})


@pytest.fixture(scope="module")
def cluster(settings: Settings) -> Iterator[ClusterState]:
    state = settings.state_folder
    try:
        yield start_cluster(find_runtime(settings), state, slots=1, heap_mb=512, managed_mb=192)
    finally:
        stop_cluster(state)


def test_the_job_runs_on_a_cluster_once_and_is_stopped_from_here(
    cluster: ClusterState, settings: Settings, tmp_path: Path
):
    state = settings.state_folder
    assert running_cluster(state) == cluster
    order = Order(kind="profile", cluster=cluster.url)
    subprocess.run(command_of(order), env=environment(settings), check=True, timeout=WAIT_S)
    (job,) = job_states(state)
    again = subprocess.run(
        command_of(order),
        env=environment(settings),
        check=False,
        timeout=WAIT_S,
        capture_output=True,
    )
    assert (again.returncode, b"runs on a cluster" in again.stderr) == (2, True)
    deadline = time.monotonic() + WAIT_S
    with catalogue(settings) as made:
        made.put(LOUDNESS, "on-a-cluster")
        made.flush()
        wanted = made.wanted()
        while "on-a-cluster" not in standing(settings, PROFILES):
            assert time.monotonic() < deadline
            time.sleep(0.3)
    assert standing(settings, PROFILES)["on-a-cluster"] == wanted["on-a-cluster"]
    where = stop_job(state, "profile")
    assert where is not None
    assert (Path(where.removeprefix("file:")) / "_metadata").is_file()
    assert Rest(cluster.url).status(job.job_id) == "FINISHED"


def test_a_rebuild_on_a_cluster_is_read_when_it_is_over(cluster: ClusterState, settings: Settings):
    with catalogue(settings) as made:
        made.put(LOUDNESS, "on-a-cluster-again")
    done = rebuild(
        settings,
        "on-a-cluster",
        from_ms=1,  # whatever there is, and no comparison with live profiles
        order=partial(Order, cluster=cluster.url),
    )
    assert "on-a-cluster-again" in standing(settings, done.topic)
    assert job_states(settings.state_folder) == []


def test_without_a_cluster_the_way_to_one_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="earmark flink cluster up"):
        running_cluster(tmp_path)


def test_what_is_left_of_a_cluster_that_half_died_is_ended(tmp_path: Path):
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        alive = ProcessId.of("standalonesession", left.pid)
        dead = ProcessId(name="taskexecutor", pid=left.pid, started=1.0)
        state = ClusterState(url="http://x", slots=1, started=1.0, processes=(alive, dead))
        cluster_folder(tmp_path).mkdir(parents=True)
        (cluster_folder(tmp_path) / "cluster.json").write_text(json.dumps(asdict(state)))
        (tmp_path / "conf").mkdir()
        (tmp_path / "conf" / "config.yaml").touch()
        nothing = Runtime(
            distribution=tmp_path,
            connectors=(),
            gateway=tmp_path,
            java_home=tmp_path,
            folder=tmp_path,
        )
        with pytest.raises(ServiceError, match="did not start anything"):
            start_cluster(nothing, tmp_path, slots=1, heap_mb=256, managed_mb=64)
        assert alive.find() is None
    finally:
        left.kill()
        left.wait()


def test_the_command_says_in_one_line_that_flink_is_missing(tmp_path: Path):
    program = (
        "import sys; sys.modules['pyflink'] = None\n"
        "from earmark.streams.cli import main\n"
        "main(['flink', 'cluster', 'up'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert (
        done.stderr == "earmark: Flink is not installed: `pip install 'earmark[flink]'` brings it\n"
    )
