"""The programs that check what is under deploy/; a test that lacks its program is skipped."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def deploy_module(name: str) -> ModuleType:
    """A module of the folder deploy/, which is no package."""
    spec = importlib.util.spec_from_file_location(f"deploy_{name}", ROOT / "deploy" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def tools() -> ModuleType:
    """`deploy/tools.py`."""
    return deploy_module("tools")


@pytest.fixture(scope="session")
def tool(tools: ModuleType) -> Callable[[str], Path]:
    """Finds a program by its name, or skips the test."""

    def found(program: str) -> Path:
        path: Path | None = tools.find(program)
        if path is None:
            pytest.skip(f"no {program}: `make tools` installs it")
        return path

    return found
