"""A standalone Flink of the package apache-flink, on the loopback interface: up, and down again."""

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from earmark.models.error import ConfigurationError, ServiceError
from earmark.streams.flink.rest import Rest
from earmark.streams.flink.runtime import Runtime
from earmark.streams.local.port import HOST, free_port
from earmark.streams.local.process import ProcessId, plain_environment, tail

READY_S = 180.0
STOP_S = 30.0
_NOTE = "cluster.json"
_IDENT = "earmark"
_DAEMONS = {"standalonesession": "jobmanager.sh", "taskexecutor": "taskmanager.sh"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterState:
    """A cluster that was started: its REST address and its processes."""

    url: str
    slots: int
    started: float
    processes: tuple[ProcessId, ...]

    @property
    def running(self) -> bool:
        """Whether all its processes are alive."""
        return all(process.find() is not None for process in self.processes)


def cluster_folder(state: Path) -> Path:
    """Where the cluster keeps its configuration, logs and pids."""
    return state.absolute() / "flink" / "cluster"


def read_cluster(state: Path) -> ClusterState | None:
    """The cluster that was started from here and not stopped; None if there is none."""
    try:
        fields = json.loads((cluster_folder(state) / _NOTE).read_text(encoding="utf-8"))
        processes = tuple(ProcessId(**process) for process in fields.pop("processes"))
        return ClusterState(**fields, processes=processes)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def running_cluster(state: Path) -> ClusterState:
    """The cluster that runs; raises ConfigurationError where none does."""
    found = read_cluster(state)
    if found is None or not found.running:
        raise ConfigurationError("no Flink cluster runs here: `earmark flink cluster up` starts it")
    return found


def start_cluster(
    runtime: Runtime, state: Path, *, slots: int, heap_mb: int, managed_mb: int
) -> ClusterState:
    """Start a job manager and a task manager; the ones that run, if they do.

    Raises ServiceError with the end of a log where one does not start.
    """
    found = read_cluster(state)
    if found is not None and found.running:
        return found
    if found is not None:
        _end(found.processes)  # one has died: the other is of no use by itself
    folder = cluster_folder(state)
    port = free_port()
    variables = _configure(runtime, folder, port, slots=slots, heap_mb=heap_mb, managed=managed_mb)
    processes: list[ProcessId] = []
    try:
        for name, script in _DAEMONS.items():
            processes.append(_start(runtime, folder, name, script, variables))
        url = f"http://{HOST}:{port}"
        _wait(folder, processes, lambda: _has_slots(url, slots))
    except (ServiceError, KeyboardInterrupt):
        _end(processes)
        raise
    made = ClusterState(url=url, slots=slots, started=time.time(), processes=tuple(processes))
    (folder / _NOTE).write_text(json.dumps(asdict(made), indent=2) + "\n", encoding="utf-8")
    return made


def stop_cluster(state: Path) -> ClusterState | None:
    """End the cluster's processes, and none but those; what it was, None if none ran."""
    found = read_cluster(state)
    if found is not None:
        _end(found.processes)
        (cluster_folder(state) / _NOTE).unlink(missing_ok=True)
    return found


def _configure(
    runtime: Runtime, folder: Path, port: int, *, slots: int, heap_mb: int, managed: int
) -> Mapping[str, str]:
    """Write its configuration; the variables by which Flink's scripts find it."""
    for name in ("conf", "log", "run", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for file in (runtime.folder / "conf").glob("log*"):
        (folder / "conf" / file.name).write_bytes(file.read_bytes())
    options = {
        "env.java.opts.all": f'"{runtime.java_options}"',
        "jobmanager.rpc.address": HOST,
        "jobmanager.rpc.port": str(free_port()),
        "jobmanager.bind-host": HOST,
        "jobmanager.memory.heap.size": "384m",
        "jobmanager.memory.off-heap.size": "64m",
        "taskmanager.host": HOST,
        "taskmanager.bind-host": HOST,
        "taskmanager.numberOfTaskSlots": str(slots),
        "taskmanager.memory.task.heap.size": f"{heap_mb}m",
        "taskmanager.memory.managed.size": f"{managed}m",
        "rest.address": HOST,
        "rest.bind-address": HOST,
        "web.submit.enable": "false",  # jars: any page in a browser could send some
        "rest.port": str(port),  # and no rest.bind-port, with which Flink's SQL client fails
        "parallelism.default": "1",
        "io.tmp.dirs": str(folder / "tmp"),
    }
    text = "".join(f"{name}: {value}\n" for name, value in options.items())
    (folder / "conf" / "config.yaml").write_text(text, encoding="utf-8")
    return {
        **plain_environment(),
        **runtime.environment(_IDENT),
        "FLINK_CONF_DIR": str(folder / "conf"),
        "FLINK_LOG_DIR": str(folder / "log"),
        "FLINK_PID_DIR": str(folder / "run"),
    }


def _start(
    runtime: Runtime, folder: Path, name: str, script: str, variables: Mapping[str, str]
) -> ProcessId:
    pid_file = folder / "run" / f"flink-{_IDENT}-{name}.pid"
    pid_file.unlink(missing_ok=True)
    command = ["bash", str(runtime.distribution / "bin" / script), "start"]
    try:
        done = subprocess.run(
            command,
            env=dict(variables),
            capture_output=True,
            text=True,
            timeout=READY_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceError(f"Flink's {script} did not start anything: {error}") from error
    try:
        return ProcessId.of(name, int(pid_file.read_text(encoding="ascii").split()[-1]))
    except (OSError, ValueError, IndexError) as error:
        said = " ".join((done.stderr or done.stdout).split())[-500:]
        raise ServiceError(f"Flink's {script} did not start anything: {said}") from error


def _wait(folder: Path, processes: list[ProcessId], ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_S
    while not ready():
        dead = [process for process in processes if process.find() is None]
        if dead or time.monotonic() > deadline:
            name = dead[0].name if dead else processes[-1].name
            logs = sorted((folder / "log").glob(f"*{name}*.log"))
            raise ServiceError(f"Flink's {name} is not ready: {tail(logs[-1]) if logs else ''}")
        time.sleep(0.2)


def _has_slots(url: str, slots: int) -> bool:
    try:
        return int(Rest(url).overview()["slots-total"]) >= slots
    except ServiceError:
        return False


def _end(processes: "list[ProcessId] | tuple[ProcessId, ...]") -> None:
    alive = [found for process in processes if (found := process.find()) is not None]
    for process in alive:
        with suppress(psutil.NoSuchProcess):  # it went by itself just now
            process.terminate()
    _, stubborn = psutil.wait_procs(alive, timeout=STOP_S)
    for process in stubborn:
        with suppress(psutil.NoSuchProcess):
            process.kill()
