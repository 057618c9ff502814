"""Hands one job to Flink and stays with it: in a JVM of its own, or submits it to a cluster.

    python -m earmark.streams.flink.driver ORDER      a Flink inside this process
    flink run -py driver.py ORDER                     the cluster that Flink's own client knows

ORDER is JSON: see `order`. State is taken from the job's folder, so that whoever starts this again
goes on where it was.
"""

import fcntl
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import takewhile
from types import FrameType
from typing import Any

import structlog

from earmark.models.error import ConfigurationError, EarmarkError, ServiceError
from earmark.streams.flink.job import Job
from earmark.streams.flink.job_folder import JobFolder, JobNote
from earmark.streams.flink.order import Order
from earmark.streams.flink.rest import ENDED, Rest
from earmark.streams.flink.runtime import Runtime, embedded_config, find_runtime
from earmark.streams.local.port import free_port
from earmark.streams.local.process import ProcessId
from earmark.streams.local.state import resolve_settings
from earmark.streams.log import configure_logging
from earmark.streams.settings import Settings, load_settings
from earmark.streams.topic import describe_cluster

log = structlog.get_logger()

WATCH_S = 0.2
FAREWELL_S = 30.0  # for a savepoint when asked to end
# where functions in Python run: unless pyflink is told, in a thread of this process, and it tells a
# cluster so too
_WORKER_MODE = "_python_worker_execution_mode"
BY_CLIENT = "PYFLINK_GATEWAY_PORT" in os.environ  # set by `flink run`, which started us


class Driver:
    """Runs one order; SIGTERM ends it with a savepoint."""

    def __init__(self, order: Order, settings: Settings) -> None:
        self._order = order
        self._settings = settings
        self._job = order.job(settings)
        self._folder = JobFolder(settings.state_folder, self._job.name)
        self._digest = self._job.digest(describe_cluster(settings.kafka, _none).id)
        self._stopping = False

    def run(self) -> int:
        """Submit the job and, where its Flink is ours, stay until it ends; the exit status."""
        with self._alone():
            state = None if self._job.is_bounded else self._folder.newest(self._digest)
            self._folder.tidy(state)
            if state is None and self._job.start_over is not None:
                self._job.start_over()
            runtime = find_runtime(self._settings)
            port = free_port()
            config = {
                **self._job.config,
                **self._where(runtime, port),
                **self._python(),
                **self._state(state),
            }
            client = _submitted(self._job, config)
            note = self._note(client, f"http://127.0.0.1:{port}", state)
            self._folder.write(note)
            log.info(
                "job submitted", job=note.name, id=note.job_id, url=note.url, state=note.restored
            )
            if self._is_elsewhere:
                return 0
            return self._watch(note, client)

    @property
    def _is_elsewhere(self) -> bool:
        return BY_CLIENT or self._order.cluster is not None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One driver per job and home; a lock of the kernel, which ends with its process."""
        self._folder.path.mkdir(parents=True, exist_ok=True)
        with (self._folder.path / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConfigurationError(
                    f"the {self._job.name} job runs already; `earmark flink stop` ends it"
                ) from error
            if self._runs_elsewhere():
                raise ConfigurationError(
                    f"the {self._job.name} job runs on a cluster; `earmark flink stop` ends it"
                )
            yield

    def _runs_elsewhere(self) -> bool:
        """Whether a cluster has the job still: a second one would fence its transactions."""
        note = self._folder.read()
        if note is None or note.process is not None:
            return False
        try:
            return Rest(note.url).status(note.job_id) not in ENDED
        except ServiceError:
            return False  # no cluster, or one that knows nothing of it

    def _where(self, runtime: Runtime, port: int) -> Mapping[str, str]:
        if BY_CLIENT:
            return {"pipeline.jars": runtime.jars}
        jars = [runtime.jars, runtime.python_jar] if self._job.functions else [runtime.jars]
        if self._order.cluster is not None:
            host, port = self._order.address
            return {
                "execution.target": "remote",
                "pipeline.jars": ";".join(jars),
                "parallelism.default": str(self._order.parallelism),
                "rest.address": host,
                "rest.port": str(port),
            }
        tasks = self._order.parallelism  # of each kind: several are for much to do
        os.environ.update(
            runtime.embedded_environment(self._job.name, self._order.heap_mb, quick=tasks == 1)
        )
        return embedded_config(runtime, port, tasks)

    def _python(self) -> Mapping[str, str]:
        if not self._job.functions or BY_CLIENT:
            return {}
        os.environ[_WORKER_MODE] = "process"
        own = sys.executable
        return {"python.executable": self._order.python or own, "python.client.executable": own}

    def _state(self, state: object) -> Mapping[str, str]:
        """Where checkpoints go, and how often; nothing for a job that reads to an end.

        Restored from a checkpoint it would never end: Flink's Kafka source is told that there is
        no more to read only when it finds partitions that are new. So it makes none, all that it
        writes is committed with its end, and one that dies before begins again.
        """
        if self._job.is_bounded:
            return {}
        own = self._folder.checkpoints(self._digest).as_uri()
        found = {
            "execution.checkpointing.dir": self._order.checkpoints or own,
            "execution.checkpointing.interval": f"{self._order.every_s * 1000:.0f} ms",
        }
        if state is not None:
            found["execution.state-recovery.path"] = f"file://{state}"
        return found

    def _note(self, client: Any, url: str, state: object) -> JobNote:
        return JobNote(
            name=self._job.name,
            url=self._order.cluster or url,
            job_id=str(client.get_job_id()),
            started=time.time(),
            restored=str(state) if state else None,
            savepoints=self._folder.savepoints(self._digest).as_uri(),
            process=None if self._is_elsewhere else ProcessId.of(self._job.name, os.getpid()),
        )

    def _watch(self, note: JobNote, client: Any) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note_signal)
        result = client.get_job_execution_result()
        while not result.done():
            if self._stopping:
                where = Rest(note.url).stop(note.job_id, note.savepoints, FAREWELL_S)
                log.info("job stopped", job=note.name, savepoint=where)
                break
            time.sleep(WATCH_S)
        return self._ended(note, result)

    def _ended(self, note: JobNote, result: Any) -> int:
        error = result.exception() if result.done() else None
        if error is not None and "JobCancellationException" not in str(error):
            log.error("job failed", job=note.name, reason=_cause(error))
            return 1
        log.info("job ended", job=note.name)
        self._folder.forget()
        return 0

    def _note_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True


def _submitted(job: Job, config: Mapping[str, str]) -> Any:
    """The client of the job that was handed to Flink."""
    # it says that Google's storage, which nobody asked for, is not installed
    logging.getLogger("apache_beam.io.filesystems").setLevel(logging.ERROR)
    from py4j.protocol import Py4JError
    from pyflink.table import EnvironmentSettings, TableEnvironment

    try:
        mode = EnvironmentSettings.new_instance()
        environment = TableEnvironment.create(
            (mode.in_batch_mode() if job.is_batch else mode.in_streaming_mode()).build()
        )
        for name, value in {**config, "pipeline.name": f"earmark {job.name}"}.items():
            environment.get_config().set(name, value)
        for name, make in job.functions.items():
            environment.create_temporary_function(name, make())
        for table in job.tables:
            environment.execute_sql(table.ddl)
        for view in job.views:
            environment.execute_sql(view)
        statements = environment.create_statement_set()
        for statement in job.statements:
            statements.add_insert_sql(statement)
        return statements.execute().get_job_client()
    except Py4JError as error:
        raise ServiceError(f"Flink did not take the {job.name} job: {_cause(error)}") from error


def _cause(error: Exception) -> str:
    """The innermost cause in a Java stack trace, which may quote a table's options: those not.

    Of an error in Python it is what Python said of it.
    """
    lines = str(error).splitlines()
    starts = [n for n, line in enumerate(lines) if line.startswith(("Caused by:", ": "))]
    if not starts:
        return type(error).__name__
    first, *rest = lines[starts[-1] :]
    if first.endswith("(most recent call last):"):
        trace = takewhile(lambda line: not line.startswith("\tat "), rest)
        first = [first, *(line for line in trace if line and not line[0].isspace())][-1]
    return first.removeprefix("Caused by: ").strip(": ")[:500]


def _none(_topic: str) -> bool:
    return False


def main(arguments: list[str] | None = None) -> int:
    """Run the order in the first argument; the exit status, as that of `earmark`."""
    configure_logging()
    try:
        order = Order.parsed((arguments or sys.argv[1:])[0])
        return Driver(order, resolve_settings(load_settings())).run()
    except EarmarkError as error:
        print(f"earmark: {error}", file=sys.stderr)
        return 2 if isinstance(error, ConfigurationError) else 1


if __name__ == "__main__":
    sys.exit(main())
