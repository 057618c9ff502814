"""Jobs as processes: how one is started, what state it is in, how it is stopped."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from earmark.models.error import ConfigurationError, ServiceError
from earmark.models.source import Progress
from earmark.streams.flink.job_folder import JobFolder, JobNote, job_folders
from earmark.streams.flink.order import Order
from earmark.streams.flink.rest import ENDED, Rest
from earmark.streams.flink.runtime import find_runtime
from earmark.streams.local.report import silent
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic import describe_cluster

END_S = 30.0
LOOK_S = 0.1  # from one look at a cluster's job to the next


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A job as it is: `state` in Flink's words, ENDED where nothing of it runs.

    `checkpoints` is how many were completed, `failed` how many have failed since the last of them.
    """

    name: str
    state: str
    url: str
    job_id: str
    started: float
    restored: str | None
    checkpoints: int = 0
    failed: int = 0


def prepare(settings: Settings, order: Order, progress: Progress = silent) -> None:
    """See that the job could run: Flink is there, and all topics and schemas that it names.

    Raises ConfigurationError that says what to do where something is missing.
    """
    _find_flink(settings, order, progress)
    job = order.job(settings)
    wanted = {topic for table in job.tables for topic in table.topics}
    there = describe_cluster(settings.kafka, wanted.__contains__).configs
    if missing := sorted(wanted - there.keys()):
        raise ConfigurationError(f"topic {missing[0]} is not there: run `earmark topics create`")
    with Registry(settings.registry) as registry:
        registry.ids_for_worker(job.schemas)


def check_flink(settings: Settings, order: Order, progress: Progress = silent) -> None:
    """See that the order's Flink is there, for what is made on Kafka before its job can be.

    Raises ConfigurationError where it is not, ServiceError where a cluster does not answer.
    """
    _find_flink(settings, order, progress)
    if order.cluster is not None:
        Rest(order.cluster).overview()


def command_of(order: Order) -> list[str]:
    """The command line of a driver for the order."""
    return [sys.executable, "-m", "earmark.streams.flink.driver", order.text()]


def job_states(state: Path) -> list[JobState]:
    """Every job that was started below `state` and not stopped in order, as it is now."""
    return [_state(note) for note in _notes(state)]


def stop_job(state: Path, name: str, *, savepoint: bool = True) -> str | None:
    """End the job `name`; where its savepoint is, None without one.

    Raises ConfigurationError where it does not run, ServiceError where its Flink does not answer.
    """
    folder = JobFolder(state, name)
    note = folder.read()
    if note is None or not note.running:
        raise ConfigurationError(f"no {name} job runs here")
    rest = Rest(note.url)
    where = rest.stop(note.job_id, note.savepoints) if savepoint else None
    if not savepoint:
        rest.cancel(note.job_id)
    _await_end(note)
    folder.forget()
    return where


def _await_end(note: JobNote) -> None:
    """Until whoever ran the job has seen that it ended: its process, or the cluster."""
    process = note.process.find() if note.process else None
    if process is not None:
        psutil.wait_procs([process], timeout=END_S)
    elif note.process is None:
        deadline = time.monotonic() + END_S
        while Rest(note.url).status(note.job_id) not in ENDED and time.monotonic() < deadline:
            time.sleep(LOOK_S)


def _find_flink(settings: Settings, order: Order, progress: Progress) -> None:
    if order.cluster is not None:
        _ = order.address  # refused here if it is none
    find_runtime(settings, progress)


def _notes(state: Path) -> Iterator[JobNote]:
    for folder in job_folders(state):
        if (note := folder.read()) is not None:
            yield note


def _state(note: JobNote) -> JobState:
    state, done, failed = "ENDED", 0, 0
    if note.running:
        rest = Rest(note.url)
        try:
            state = rest.status(note.job_id)
        except ServiceError:
            state = "UNREACHABLE"
        with suppress(ServiceError):  # in batch mode there are none
            checkpoints = rest.checkpoints(note.job_id)
            done, failed = int(checkpoints["counts"]["completed"]), _failed(checkpoints)
    return JobState(
        name=note.name,
        state=state,
        url=note.url,
        job_id=note.job_id,
        started=note.started,
        restored=note.restored,
        checkpoints=done,
        failed=failed,
    )


def _failed(checkpoints: Mapping[str, Any]) -> int:
    """How many checkpoints have failed since the last that was completed, of those still listed.

    Flink's own count never falls, and holds those that it declined because not all tasks ran yet,
    as of every job that starts. These have no number, and are not listed.
    """
    completed = (checkpoints["latest"]["completed"] or {}).get("id")
    if completed is None:
        return int(checkpoints["counts"]["failed"])
    listed = checkpoints["history"]
    return sum(it["status"] == "FAILED" and it["id"] > completed for it in listed)
