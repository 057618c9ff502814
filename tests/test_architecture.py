"""The house keeps its shape: imports go one way, and the core brings no host along."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import earmark

ROOT = Path(earmark.__file__).resolve().parent
MAY_IMPORT = {
    "models": {"models"},
    "processors": {"models", "processors"},
    "streams": {"models", "processors", "streams"},
}


def imported_folders(source: str) -> set[str]:
    """The folders of earmark that a module imports, wherever in it the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    parts = [name.split(".") for name in names]
    return {p[1] for p in parts if p[0] == "earmark" and len(p) > 1 and p[1] in MAY_IMPORT}


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_go_one_way(folder: str) -> None:
    modules = list((ROOT / folder).rglob("*.py"))
    assert modules
    wrong = {
        module.name: imported_folders(module.read_text()) - MAY_IMPORT[folder]
        for module in modules
        if imported_folders(module.read_text()) - MAY_IMPORT[folder]
    }
    assert wrong == {}


def test_the_core_brings_no_host_along() -> None:
    code = (
        "import sys, earmark.processors.pipeline\n"
        "hosts = {'faust', 'pyflink', 'confluent_kafka', 'aiohttp'} & set(sys.modules)\n"
        "sys.exit(f'came along: {hosts}' if hosts else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_avro_holds_data_only() -> None:
    # a Python package of that name would shadow the distribution `avro`, which Flink needs
    assert list((ROOT / "avro").rglob("*.py")) == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty_names = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    found = {p.stem for folder in MAY_IMPORT for p in (ROOT / folder).rglob("*.py")} & empty_names
    assert found == set()
