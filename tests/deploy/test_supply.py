"""What is installed is what was locked, file by file; and a document says what that is."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
LOCKS = sorted((DEPLOY / "locks").glob("*.lock"))


def requirements(lock: Path) -> list[str]:
    lines = [it for it in lock.read_text(encoding="ascii").splitlines() if not it.startswith("#")]
    return [each for each in re.split(r"\n(?=\S)", "\n".join(lines)) if each.strip()]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_requirement_is_one_version_with_hashes(lock: Path) -> None:
    found = requirements(lock)
    assert found
    for each in found:
        first = each.splitlines()[0]
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,-]+\])?==\S+", first), first
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", each), first
        assert "://" not in each, first


def test_nothing_is_installed_but_by_hash() -> None:
    text = (DEPLOY / "install.py").read_text(encoding="utf-8")
    assert text.count('"--require-hashes"') == 2  # with torch from PyPI, and with another index
    assert '"--require-hashes"' in (DEPLOY / "tools.py").read_text(encoding="utf-8")


def test_the_document_of_what_is_installed_names_every_package_with_its_locked_hashes(
    tool: Callable[[str], Path], tmp_path: Path
) -> None:
    tool("cyclonedx-py")
    small = tool("python")  # an environment with few packages: it reads the files of all
    target = tmp_path / "sbom.json"
    command = [sys.executable, DEPLOY / "sbom.py", small, target]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    document = json.loads(target.read_text(encoding="utf-8"))
    assert document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["component"]["name"] == "earmark"
    named = {it["name"].lower(): it for it in document["components"]}
    site = next((small.parent.parent / "lib").glob("python3*")) / "site-packages"
    installed = {it.metadata["Name"].lower() for it in distributions(path=[str(site)])}
    assert len(installed) > 20
    assert installed - named.keys() == set()
    hashes = [it["value"] for it in named["jsonschema"]["properties"]]
    lock = (DEPLOY / "locks" / f"python-3.{sys.version_info[1]}.lock").read_text(encoding="ascii")
    assert hashes
    assert all(f"sha256:{each}" in lock for each in hashes)


def test_the_model_of_threats_names_files_that_there_are() -> None:
    text = (DEPLOY / "threat-model.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:streams|processors|models|deploy)/[\w/.-]+)`", text))
    assert len(named) > 10
    assert [each for each in sorted(named) if not (ROOT / each).exists()] == []
    assert len(text.split()) < 900  # one page
