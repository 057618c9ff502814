"""The local schema registry: Apicurio, speaking Confluent's REST calls, its data in a folder."""

import http.client
from pathlib import Path

from earmark.streams.local.parts import Parts
from earmark.streams.local.port import HOST, free_port, require_free
from earmark.streams.local.process import Child, plain_environment

READY_S = 90.0
_API = "/apis/ccompat/v7"
_HEAP_MB = 384


class Registry:
    """A registry on `port` of the loopback interface, any free one if None.

    Its data are in `<home>/registry` and survive `stop` and `kill`; its log is
    `<log_dir>/registry.log`. One registry at a time may run on a home.
    """

    def __init__(
        self, parts: Parts, home: Path, *, port: int | None = None, log_dir: Path | None = None
    ) -> None:
        self.port = port or free_port()
        self._folder = home.absolute() / "registry"  # it runs in a folder of its own
        options = _options(self.port, free_port(), self._folder)
        self.child = Child(
            "registry",
            parts.java.command("apicurio", *options, "-jar", "quarkus-run.jar", heap_mb=_HEAP_MB),
            log=(log_dir or home / "logs") / "registry.log",
            environment=plain_environment(),
            folder=parts.registry,
        )

    @property
    def url(self) -> str:
        """The base of Confluent's REST calls."""
        return f"http://{HOST}:{self.port}{_API}"

    @property
    def pid(self) -> int:
        """The registry's process id."""
        return self.child.pid

    def start(self) -> None:
        """Start it and wait until it answers; ServiceError with its log's end if it does not."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start it without waiting."""
        require_free(self.port, "registry")
        self._folder.mkdir(parents=True, exist_ok=True)
        self.child.start()

    def wait_until_ready(self) -> None:
        """Wait until it answers on its port."""
        self.child.wait_until(self.is_ready, READY_S)

    def is_ready(self) -> bool:
        """Whether it answers on its port now."""
        return self.child.listens_on(self.port) and answers(self.port, f"{_API}/subjects")

    def stop(self) -> None:
        """Shut it down in order."""
        self.child.stop()

    def kill(self) -> None:
        """End it as a crash would."""
        self.child.kill()


def answers(port: int, path: str, timeout_s: float = 5.0) -> bool:
    """Whether GET `path` on the loopback interface is answered with status 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _options(port: int, management_port: int, folder: Path) -> list[str]:
    properties = {
        "quarkus.http.host": HOST,
        "quarkus.http.port": port,
        "quarkus.management.host": HOST,
        "quarkus.management.port": management_port,
        "apicurio.storage.kind": "sql",
        "apicurio.storage.sql.kind": "h2",
        # without WRITE_DELAY=0 a kill -9 loses what was registered just before
        "apicurio.datasource.url": f"jdbc:h2:file:{folder}/registry;WRITE_DELAY=0",
        # the database is a file that nobody else opens; it wants a name all the same
        "apicurio.datasource.username": "sa",
        "apicurio.datasource.password": "sa",
    }
    return [f"-D{name}={value}" for name, value in properties.items()]
