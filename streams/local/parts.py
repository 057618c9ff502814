"""The files of the local stack, all present and verified: Java runtime, broker, registry."""

from dataclasses import dataclass
from pathlib import Path

from earmark.models.source import Progress
from earmark.streams.local.bundle import unpacked
from earmark.streams.local.jar import JarFolder, read_lock
from earmark.streams.local.java import Java, find_java
from earmark.streams.local.report import silent
from earmark.streams.settings import Settings

KAFKA_LOCK = "kafka-4.4.0.jars.lock"
REGISTRY_LOCK = "apicurio-3.3.3.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the local stack is made of. `kafka` is the broker's class path, `registry` a folder."""

    java: Java
    kafka: tuple[Path, ...]
    registry: Path


def fetch_parts(settings: Settings, progress: Progress = silent) -> Parts:
    """The parts, below `<home>/jars`; what is missing or altered is fetched (200 MB in all).

    Raises ServiceError if a file cannot be fetched, ConfigurationError if there is no Java.
    """
    jars = JarFolder(
        settings.home.absolute() / "jars",
        repository=settings.maven_repository,
        offline=settings.offline,
    )
    (bundle,) = read_lock(REGISTRY_LOCK)
    return Parts(
        java=find_java(jars.folder / "archives"),
        kafka=jars.fetch(read_lock(KAFKA_LOCK), progress),
        registry=unpacked(jars, bundle, progress),
    )
