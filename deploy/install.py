"""Make a virtual environment and install Earmark into it, every file checked by the lock's hashes.

    python deploy/install.py FOLDER [TORCH_INDEX]

TORCH_INDEX is a package index to take torch and torchaudio from, such as one with CPU builds: then
the CUDA libraries (5 of 7 GB) are left out. It needs nothing but Python 3.11 or 3.12.
"""

import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORCH = ("torch", "torchaudio")
CUDA_ONLY = re.compile(r"(nvidia|cuda)-|triton==")


def install(folder: Path, torch_index: str | None) -> None:
    """Create or complete the environment at `folder`."""
    lock = lock_for(sys.version_info[:2])
    venv.create(folder, with_pip=True)
    print(f"Installing {lock.name} into {folder} (7 GB with the CUDA libraries)", flush=True)
    if torch_index is None:
        pip(folder, "--require-hashes", "-r", str(lock))
    else:
        pins = [line.split()[0] for line in requirements(lock) if name_of(line) in TORCH]
        pip(folder, "--index-url", torch_index, *pins)
        pip_filtered(folder, lock)
    pip(folder, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))


def pip_filtered(folder: Path, lock: Path) -> None:
    """Install the lock without torch and what only its CUDA build needs."""
    kept = [r for r in requirements(lock) if name_of(r) not in TORCH and not CUDA_ONLY.match(r)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(kept))
        file.flush()
        pip(folder, "--no-deps", "--require-hashes", "-r", file.name)


def requirements(lock: Path) -> Iterator[str]:
    """Each requirement of a lock file with its hashes, comments left out."""
    lines = [line for line in lock.read_text().splitlines() if not line.lstrip().startswith("#")]
    yield from (r for r in re.split(r"\n(?=\S)", "\n".join(lines)) if r.strip())


def name_of(requirement: str) -> str:
    """The distribution that a requirement names."""
    return requirement.split("==", maxsplit=1)[0].strip()


def lock_for(version: tuple[int, ...]) -> Path:
    """The lock file of this Python; ends the program where there is none."""
    lock = ROOT / "deploy" / "locks" / f"python-{version[0]}.{version[1]}.lock"
    if not lock.exists():
        sys.exit(f"earmark needs Python 3.11 or 3.12, and this is {version[0]}.{version[1]}")
    return lock


def pip(folder: Path, *arguments: str) -> None:
    """Run the environment's own pip; a failure ends the program with pip's message."""
    python = folder / "bin" / "python"
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    if len(sys.argv) not in {2, 3}:
        sys.exit(__doc__)
    install(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) == 3 else None)  # noqa: PLR2004  # usage above
