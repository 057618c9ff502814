"""Flink as the package apache-flink brings it: found, given its connectors, a Java and folders."""

import importlib.util
import os
import re
import shutil
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from earmark.models.error import ConfigurationError
from earmark.models.source import Progress
from earmark.streams.local import tether
from earmark.streams.local.jar import JarFolder, read_lock
from earmark.streams.local.java import find_java
from earmark.streams.local.report import silent
from earmark.streams.settings import Settings

FLINK_LOCK = "flink-2.3.0.jars.lock"
HEAP_MB = 768
MANAGED_MB = 192  # RocksDB's memory, beside the heap
# what an embedded Flink says: not what it does every second
_LOGGING = """rootLogger.level = WARN
rootLogger.appenderRef.file.ref = File
appender.file.name = File
appender.file.type = RollingFile
appender.file.fileName = ${sys:log.file}
appender.file.filePattern = ${sys:log.file}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %c{1} - %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 2
logger.kafka.name = org.apache.flink.kafka.shaded
logger.kafka.level = ERROR
"""
_CONNECTORS = ("flink-sql-connector-kafka", "flink-sql-avro-confluent-registry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Where Flink lies: its distribution, the jars it is given, Java's home, our folder for it."""

    distribution: Path
    connectors: tuple[Path, ...]
    gateway: Path  # what `sql-client.sh` needs beside it
    java_home: Path
    folder: Path

    def environment(self, log_name: str) -> dict[str, str]:
        """Variables for Flink's own programs: nothing is read or written in its package."""
        return {
            "FLINK_HOME": str(self.distribution),
            "FLINK_BIN_DIR": str(self.distribution / "bin"),
            "FLINK_LIB_DIR": str(self.distribution / "lib"),
            "FLINK_OPT_DIR": str(self.distribution / "opt"),
            "FLINK_PLUGINS_DIR": str(self.distribution / "plugins"),
            "FLINK_CONF_DIR": str(self.folder / "conf"),
            "FLINK_LOG_DIR": str(self.folder / "log"),
            "FLINK_PID_DIR": str(self.folder / "run"),
            "FLINK_IDENT_STRING": log_name,
            "JAVA_HOME": str(self.java_home),
        }

    def embedded_environment(
        self, log_name: str, heap_mb: int = HEAP_MB, *, quick: bool = True
    ) -> dict[str, str]:
        """Those for a JVM that ends with the process that starts it, its heap bounded.

        A `quick` one compiles once and soon; the other takes half a minute of processor time more
        to compile again what is used most, and is faster when it has.
        """
        compiling = " -XX:TieredStopAtLevel=1" if quick else ""
        return {
            **self.environment(log_name),
            "JAVA_HOME": str(_tethered_java(self.java_home, self.folder)),
            "JVM_ARGS": f"-Xmx{heap_mb}m -Xss512k -XX:+UseSerialGC{compiling}",
        }

    @property
    def java_options(self) -> str:
        """What Flink's classes need to reach into Java's: as its own configuration has it."""
        text = (self.distribution / "conf" / "config.yaml").read_text(encoding="utf-8")
        found = re.search(r"^ +all: (--add.*)$", text, re.MULTILINE)
        return found[1].strip() if found else ""

    @property
    def jars(self) -> str:
        """The connectors, as Flink's `pipeline.jars` takes them."""
        return ";".join(path.absolute().as_uri() for path in self.connectors)

    @property
    def python_jar(self) -> str:
        """What a cluster needs for functions in Python; a Flink in our own JVM has it."""
        return next((self.distribution / "opt").glob("flink-python-*.jar")).absolute().as_uri()


def find_runtime(settings: Settings, progress: Progress = silent) -> Runtime:
    """Flink, its connectors fetched and verified.

    Raises ConfigurationError where the package is not installed or there is no Java, ServiceError
    where a jar cannot be fetched.
    """
    distribution = _distribution()
    jars = JarFolder(
        settings.home.absolute() / "jars",
        repository=settings.maven_repository,
        offline=settings.offline,
    )
    locked = read_lock(FLINK_LOCK)
    paths = dict(zip((jar.artifact for jar in locked), jars.fetch(locked, progress), strict=True))
    folder = settings.state_folder.absolute() / "flink"
    _prepare(folder, distribution)
    return Runtime(
        distribution=distribution,
        connectors=tuple(paths[name] for name in _CONNECTORS),
        gateway=paths["flink-sql-gateway"],
        java_home=find_java(jars.folder / "archives").executable.resolve().parent.parent,
        folder=folder,
    )


def _distribution() -> Path:
    try:
        found = importlib.util.find_spec("pyflink")
    except ValueError:  # what is not a package at all
        found = None
    if found is None or found.origin is None:
        raise ConfigurationError("Flink is not installed: `pip install 'earmark[flink]'` brings it")
    return Path(found.origin).parent


def _prepare(folder: Path, distribution: Path) -> None:
    for name in ("conf", "log", "run"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for file in (distribution / "conf").iterdir():
        if not (folder / "conf" / file.name).exists():
            fresh = folder / "conf" / f".{file.name}.{os.getpid()}"
            shutil.copyfile(file, fresh)
            fresh.replace(folder / "conf" / file.name)
    (folder / "conf" / "log4j-cli.properties").write_text(_LOGGING, encoding="ascii")


def _tethered_java(java_home: Path, folder: Path) -> Path:
    """A Java home whose `java` ends with the process that started it, whatever that dies of."""
    path = folder / "java" / "bin" / "java"
    path.parent.mkdir(parents=True, exist_ok=True)
    words = (sys.executable, "-I", "-S", tether.__file__)
    command = " ".join(f"'{word}'" for word in words)
    fresh = path.with_name(f"java.{os.getpid()}")
    fresh.write_text(f"#!/bin/sh\nexec {command} $PPID 9 '{java_home}/bin/java' \"$@\"\n")
    fresh.chmod(fresh.stat().st_mode | stat.S_IXUSR)
    fresh.replace(path)
    return path.parent.parent


def embedded_config(runtime: Runtime, rest_port: int, parallelism: int) -> Mapping[str, str]:
    """Flink's configuration for a cluster inside one JVM, reached on the loopback interface."""
    return {
        "execution.target": "local",
        "pipeline.jars": runtime.jars,
        "parallelism.default": str(parallelism),
        "taskmanager.numberOfTaskSlots": str(parallelism),
        "taskmanager.memory.managed.size": f"{MANAGED_MB * parallelism}m",
        "rest.address": "127.0.0.1",
        "rest.bind-address": "127.0.0.1",
        "web.submit.enable": "false",  # jars: any page in a browser could send some
        "rest.port": str(rest_port),
        "rest.bind-port": str(rest_port),
    }
