"""A standalone Flink made from the package runs the same job, and lets it go with a savepoint."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.schema import PROFILES
from earmark.streams.flink.catalogue import catalogue
from earmark.streams.flink.cluster import (
    ClusterState,
    running_cluster,
    start_cluster,
    stop_cluster,
)
from earmark.streams.flink.host import command_of, job_states, stop_job
from earmark.streams.flink.order import Order
from earmark.streams.flink.rest import Rest
from earmark.streams.flink.runtime import find_runtime
from earmark.streams.flink.standing import standing
from earmark.streams.local.environment import environment
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


def test_the_job_runs_on_a_cluster_and_is_stopped_from_here(
    cluster: ClusterState, settings: Settings, tmp_path: Path
):
    state = settings.state_folder
    assert running_cluster(state) == cluster
    order = Order(kind="profile", cluster=cluster.url)
    subprocess.run(command_of(order), env=environment(settings), check=True, timeout=WAIT_S)
    (job,) = job_states(state)
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


def test_without_a_cluster_the_way_to_one_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="earmark flink cluster up"):
        running_cluster(tmp_path)


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
