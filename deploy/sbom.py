"""Write what is installed in an environment as a CycloneDX document, hashes of the lock included.

    python deploy/sbom.py PYTHON FILE

PYTHON is that of the environment. `make tools` brings CycloneDX's own program, which does this.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import install
import tools

HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def write(python: Path, target: Path) -> int:
    """Write the document; how many components it has."""
    program = tools.find("cyclonedx-py")
    if program is None:
        sys.exit("no cyclonedx-py: `make tools` installs it")
    target.parent.mkdir(parents=True, exist_ok=True)
    options = ["--pyproject", str(install.ROOT / "pyproject.toml"), "--output-reproducible"]
    subprocess.run(
        [program, "environment", *options, "--output-file", str(target), str(python)], check=True
    )
    document = json.loads(target.read_text(encoding="utf-8"))
    hashes = locked_hashes(python)
    for component in document["components"]:
        add_hashes(component, hashes.get(component["name"].lower(), []))
    target.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return len(document["components"])


def add_hashes(component: dict[str, Any], hashes: list[str]) -> None:
    """Note which files the lock allows for it: one for each platform."""
    component.setdefault("properties", []).extend(
        {"name": "earmark:lock:sha256", "value": each} for each in hashes
    )


def locked_hashes(python: Path) -> dict[str, list[str]]:
    """Distribution -> sha256 of the files that the lock allows."""
    shown = subprocess.run(
        [python, "-c", "import sys; print(*sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=True,
    )
    lock = install.lock_for(tuple(map(int, shown.stdout.split())))
    return {
        install.name_of(each).lower(): HASH.findall(each) for each in install.requirements(lock)
    }


if __name__ == "__main__":
    if len(sys.argv) != 3:  # noqa: PLR2004  # usage above
        sys.exit(__doc__)
    count = write(Path(sys.argv[1]), Path(sys.argv[2]))
    print(f"{sys.argv[2]}: {count} components")
