"""The images: pinned, in stages, for nobody in particular, and each says whether it is well."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from earmark.streams.cli import earmark
from earmark.streams.settings import AgentsSettings, WorkerSettings

DEPLOY = Path(__file__).parents[2] / "deploy"
TEXT = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
SERVICES = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
# name -> base and instructions of each stage
STAGES = {
    match[2]: (match[1], match[3])
    for match in re.finditer(r"^FROM (\S+) AS (\S+)\n(.*?)(?=^FROM|\Z)", TEXT, re.M | re.S)
}
IMAGES = ("worker", "worker-cuda", "agents", "flink")


def test_hadolint_finds_nothing(tool: Callable[[str], Path]) -> None:
    command = [tool("hadolint"), "--config", DEPLOY / "hadolint.yaml", DEPLOY / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)


def test_every_base_of_others_has_an_exact_version() -> None:
    others = {base for base, _ in STAGES.values() if base not in STAGES}
    assert others
    assert all(re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", base) for base in others)


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_is_its_runtime_and_what_was_built_elsewhere(image: str) -> None:
    base, text = STAGES[image]
    assert base == "runtime"
    assert re.search(r"COPY --from=build(-cuda)? /opt/earmark /opt/earmark", text)
    assert "RUN" not in text
    assert "USER" not in text  # that of the runtime stays


def test_nothing_runs_as_root() -> None:
    user = re.findall(r"^USER (.*)$", STAGES["runtime"][1], re.M)
    assert user == ["10001:10001"]


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_says_whether_it_is_well(image: str) -> None:
    (check,) = re.findall(r"^HEALTHCHECK .*\n  CMD (\[.*\])$", STAGES[image][1], re.M)
    program, option, code = json.loads(check)
    assert (program, option) == ("python", "-c")
    compile(code, "check", "exec")
    assert ("/healthz" in code) or ("/overview" in code)


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_runs_a_command_that_there_is(image: str) -> None:
    (command,) = re.findall(r"^CMD (\[.*\])$", STAGES[image][1], re.M)
    assert CliRunner().invoke(earmark, [*json.loads(command), "--help"]).exit_code == 0


def test_what_is_asked_for_its_health_listens_beyond_the_loopback_where_it_says() -> None:
    for image, section, fields in (
        ("worker", "WORKER", WorkerSettings.model_fields),
        ("worker-cuda", "WORKER", WorkerSettings.model_fields),
        ("agents", "AGENTS", AgentsSettings.model_fields),
    ):
        assert {"http_host", "http_port"} <= fields.keys()
        assert f"EARMARK_{section}__HTTP_HOST=0.0.0.0" in STAGES[image][1]
        assert f"EARMARK_{section}__HTTP_PORT=8080" in STAGES[image][1]
        assert "EXPOSE 8080" in STAGES[image][1]


def test_the_images_of_the_compose_file_are_built_by_a_stage() -> None:
    targets = {it["build"]["target"] for it in SERVICES.values() if "build" in it}
    assert targets == {"worker", "agents", "flink"}
    assert targets < STAGES.keys()
