"""The local Kafka broker: one process that is broker and controller, its data in a folder."""

import os
import uuid
from base64 import urlsafe_b64encode
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from subprocess import CalledProcessError, TimeoutExpired, run

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from earmark.models.error import ServiceError
from earmark.streams.local.parts import Parts
from earmark.streams.local.port import HOST, free_port, require_free
from earmark.streams.local.process import Child, plain_environment, tail
from earmark.streams.local.state import claimed

READY_S = 60.0
FORMAT_S = 60.0
NODE_ID = 1
_LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detour:
    """A second way to a broker: it listens on `port`, and clients that come so keep to `entry`."""

    port: int
    entry: int  # the port of whatever forwards to it


class Broker:
    """A broker on `port` of the loopback interface, any free one if None.

    Its data are in `<home>/kafka` and survive `stop`, `kill` and a start on another port; its log
    is `<log_dir>/broker.log`. One broker at a time may run on a home.
    """

    def __init__(
        self,
        parts: Parts,
        home: Path,
        *,
        port: int | None = None,
        log_dir: Path | None = None,
        detour: Detour | None = None,
    ) -> None:
        self.port = port or free_port()
        self._detour = detour
        self._controller_port = free_port()
        self._parts = parts
        self._home = home.absolute()
        self._folder = self._home / "kafka"
        self._claim = ExitStack()
        self._properties = self._folder / "server.properties"
        command = self._java(*_LOGGING, "-cp", self._class_path, "kafka.Kafka", self._properties)
        log = (log_dir or self._home / "logs") / "broker.log"
        self.child = Child("broker", command, log=log, environment=plain_environment())

    @property
    def bootstrap_servers(self) -> str:
        """What clients connect to: `host:port`."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The broker's process id."""
        return self.child.pid

    @property
    def cluster_id(self) -> str:
        """The id of the cluster whose data are in the folder; ServiceError before `launch`."""
        if (noted := self._noted_cluster_id()) is None:
            raise ServiceError("the broker's folder is not formatted yet")
        return noted

    def start(self) -> None:
        """Start it and wait until it serves; ServiceError with its log's end if it does not."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start it without waiting, its folder formatted before the first start.

        ServiceError if another broker has the home: two on the same data spoil both's quorum.
        """
        self._claim.close()
        self._claim.enter_context(claimed(self._home))
        require_free(self.port, "broker")
        require_free(self._controller_port, "broker's controller")
        if self._detour is not None:
            require_free(self._detour.port, "broker's second way")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._properties.write_text(self._configuration(), encoding="ascii")
        if self._noted_cluster_id() is None:
            self._format()
        self.child.start()

    def wait_until_ready(self) -> None:
        """Wait until it answers as our cluster, with its node taking part."""
        self.child.wait_until(lambda: self.child.listens_on(self.port), READY_S)
        admin = self._admin()
        self.child.wait_until(lambda: self._serves(admin), READY_S)

    def is_ready(self) -> bool:
        """Whether it answers as our cluster, with its node taking part, now."""
        return self.child.listens_on(self.port) and self._serves(self._admin())

    def stop(self) -> None:
        """Shut it down in order."""
        self.child.stop()
        self._claim.close()

    def kill(self) -> None:
        """End it as a crash would."""
        self.child.kill()
        self._claim.close()

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})

    def _serves(self, admin: AdminClient) -> bool:
        try:
            cluster = admin.list_topics(timeout=2)
        except KafkaException:
            return False  # not yet; the wait has an end
        if cluster.cluster_id != self.cluster_id:
            raise ServiceError(
                f"port {self.port} answers for the Kafka cluster {cluster.cluster_id}, not for ours"
            )
        # after a crash the node is fenced until its old session has ended
        return NODE_ID in cluster.brokers

    def _noted_cluster_id(self) -> str | None:
        meta = self._folder / "data" / "meta.properties"
        lines = meta.read_text(encoding="ascii").splitlines() if meta.is_file() else []
        return next(
            (line.partition("=")[2] for line in lines if line.startswith("cluster.id=")), None
        )

    def _format(self) -> None:
        cluster_id = new_cluster_id()
        tool = ("kafka.tools.StorageTool", "format", "--standalone", "-t", cluster_id)
        log = self.child.log.with_name("broker-format.log")
        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with log.open("wb") as output:
                run(
                    self._java("-cp", self._class_path, *tool, "-c", self._properties),
                    stdout=output,
                    stderr=output,
                    env=plain_environment(),
                    timeout=FORMAT_S,
                    check=True,
                )
        except (OSError, CalledProcessError, TimeoutExpired) as error:
            raise ServiceError(f"the broker's folder was not formatted; {tail(log)}") from error

    @property
    def _class_path(self) -> str:
        # named one by one: a jar that is not in the lock is not loaded
        return os.pathsep.join(map(str, self._parts.kafka))

    def _java(self, *arguments: str | Path) -> list[str]:
        return self._parts.java.command("kafka", *map(str, arguments))

    def _configuration(self) -> str:
        text = (files(__package__) / "server.properties").read_text(encoding="ascii")
        return text.format(
            node_id=NODE_ID,
            broker=self.bootstrap_servers,
            controller=f"{HOST}:{self._controller_port}",
            detour=f",DETOUR://{HOST}:{self._detour.port}" if self._detour else "",
            entry=f",DETOUR://{HOST}:{self._detour.entry}" if self._detour else "",
            data=_escaped(self._folder / "data"),
        )


def new_cluster_id() -> str:
    """A random cluster id in Kafka's form: 16 bytes in URL-safe base64, without padding.

    Never with a `-` in front, which the storage tool takes for an option.
    """
    text = urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("=")
    return new_cluster_id() if text.startswith("-") else text


def _escaped(path: Path) -> str:
    """`path` as a value of a Java properties file, which is read as Latin-1."""
    return "".join(c if c.isascii() else f"\\u{ord(c):04x}" for c in str(path))
