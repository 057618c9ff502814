"""The chart makes what Kubernetes takes, runs commands that there are, and gives nobody rights."""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from earmark.streams.cli import COMMANDS, earmark
from earmark.streams.settings import Settings
from earmark.streams.topic import contract

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "earmark"
SCHEMAS = ROOT / "deploy" / "schemas"
PROXY = {"podSelector": {"matchLabels": {"app": "proxy"}}}
VALUES: dict[str, dict[str, Any]] = {
    "default": {},
    "everything": {
        "image": {"tag": "7"},
        "kafka": {"secret": "kafka", "partitions": 6, "kedaParameters": {"sasl": "sasl"}},
        "registry": {"secret": "registry"},
        "topics": {"by": "strimzi"},
        "worker": {
            "gpu": {"enabled": True, "runtimeClassName": "nvidia"},
            "autoscaling": {"enabled": True},
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        },
        "agents": {"enabled": True, "policies": "policies"},
        "serve": {"enabled": True, "kafkaSecret": "kafka-of-serve", "from": [PROXY]},
        "inspector": {"enabled": True, "secret": "inspector", "hosts": ["signals.example.org"]},
        "flink": {"enabled": True},
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    },
    "nobody scrapes": {"networkPolicy": {"monitoring": []}, "serve": {"enabled": True}},
}
Render = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def rendered(tool: Callable[[str], Path]) -> Mapping[str, Any]:
    """What Helm makes of each set of values, and what its linter says."""
    python = tool("python")
    return {name: _helm(python, values) for name, values in VALUES.items()}


def _helm(python: Path, values: Mapping[str, Any]) -> Any:
    command = [python, Path(__file__).with_name("render.py"), CHART]
    done = subprocess.run(
        command, input=json.dumps(values), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def everything(rendered: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(objects(rendered["everything"]))


def objects(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for text in found["documents"].values():
        yield from (each for each in yaml.safe_load_all(text) if each)


def of_kind(kind: str, every: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in every if each["kind"] == kind}


def pods(every: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The pod that each object starts, by its name."""
    return {
        each["metadata"]["name"]: each["spec"]["template"]
        for each in every
        if "template" in each.get("spec", {})
    }


def containers(every: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, pod in pods(every).items():
        for each in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]:
            yield f"{name}/{each['name']}", each


@cache
def schema_of(kind: str) -> dict[str, Any]:
    """The schema of a kind with all that it refers to."""
    for file in ("custom.json", "kubernetes-1.37.json"):
        definitions = json.loads((SCHEMAS / file).read_text(encoding="utf-8"))["$defs"]
        for name in definitions:
            if name == kind or (name.startswith("io.k8s.api.") and name.endswith(f".{kind}")):
                return {"$ref": f"#/$defs/{name}", "$defs": definitions}
    raise AssertionError(f"no schema of {kind}")


@pytest.mark.parametrize("values", VALUES)
def test_every_object_is_one_that_its_schema_allows(
    values: str, rendered: Mapping[str, Any]
) -> None:
    faults = [
        f"{each['kind']} {each['metadata']['name']}: {fault.message}"
        for each in objects(rendered[values])
        for fault in jsonschema.Draft202012Validator(schema_of(each["kind"])).iter_errors(each)
    ]
    assert faults == []


@pytest.mark.parametrize("values", VALUES)
def test_helms_linter_finds_nothing(values: str, rendered: Mapping[str, Any]) -> None:
    found = rendered[values]["lint"]
    said = [it["error"] for it in found["messages"] if it["error"] != "icon is recommended"]
    assert (said, found["errors"]) == ([], [])


def test_kubeconform_takes_every_object(
    tool: Callable[[str], Path], everything: list[dict[str, Any]], tmp_path: Path
) -> None:
    program = tool("kubeconform")
    for kind in {each["kind"] for each in everything}:
        (tmp_path / f"{kind.lower()}.json").write_text(json.dumps(schema_of(kind)))
    command = [program, "-strict", "-summary", "-schema-location"]
    command += [f"{tmp_path}/{{{{.ResourceKind}}}}.json", "-"]
    text = yaml.safe_dump_all(everything)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert f"Summary: {len(everything)} resources found" in done.stdout
    assert "Invalid: 0, Errors: 0, Skipped: 0" in done.stdout


def test_every_container_runs_a_command_of_ours_with_options_that_it_has(
    everything: list[dict[str, Any]],
) -> None:
    for name, each in containers(everything):
        probe = each.get("livenessProbe", {}).get("exec", {}).get("command", ["earmark"])[1:]
        for words in filter(None, (each["args"], probe)):
            if words[0] == "web" and "web" not in COMMANDS:
                continue  # a build without the inspector
            command = [word for word in words if not word.startswith("-")]
            path = command[: 2 if command[0] in {"config", "models", "topics", "schemas"} else 1]
            path += command[1:2] if command[0] == "flink" else []
            shown = CliRunner().invoke(earmark, [*path, "--help"])
            assert shown.exit_code == 0, name
            assert all(word in shown.output for word in words if word.startswith("--")), name


def test_no_container_has_more_rights_than_it_needs(everything: list[dict[str, Any]]) -> None:
    for name, each in containers(everything):
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert each["resources"]["limits"]["memory"], name
        assert each["resources"]["requests"]["cpu"], name
    for name, pod in pods(everything).items():
        assert pod["spec"]["securityContext"]["runAsNonRoot"], name
        assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["spec"]["automountServiceAccountToken"] is False, name
        assert pod["spec"]["enableServiceLinks"] is False, name  # they are named as settings are


def test_secrets_are_named_and_never_written(everything: list[dict[str, Any]]) -> None:
    found = set(secrets(everything))
    assert {(variable, secret) for _, variable, secret in found} == {
        ("EARMARK_KAFKA__CLIENT", "kafka"),
        ("EARMARK_KAFKA__CLIENT", "kafka-of-serve"),
        ("EARMARK_REGISTRY__USERNAME", "registry"),
        ("EARMARK_REGISTRY__PASSWORD", "registry"),
        ("EARMARK_WEB__TOKENS", "inspector"),
    }
    assert of_kind("Secret", everything) == {}


def secrets(every: list[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Containers, their variables, and the Secrets that these come from."""
    for name, each in containers(every):
        for variable in each["env"]:
            if "secretKeyRef" in variable.get("valueFrom", {}):
                yield name, variable["name"], variable["valueFrom"]["secretKeyRef"]["name"]


def test_a_component_may_have_a_principal_of_its_own(everything: list[dict[str, Any]]) -> None:
    named = {name: secret for name, variable, secret in secrets(everything) if "CLIENT" in variable}
    assert named.pop("earmark-serve/serve") == "kafka-of-serve"
    assert set(named.values()) == {"kafka"}


def test_each_variable_is_a_setting(everything: list[dict[str, Any]]) -> None:
    for name, each in containers(everything):
        for variable in each["env"]:
            section = variable["name"].removeprefix("EARMARK_").lower().partition("__")[0]
            assert section in {*Settings.model_fields, "config", "web"}, name


def test_a_worker_keeps_its_slot_and_its_transactions_when_it_is_started_anew(
    everything: list[dict[str, Any]],
) -> None:
    worker = of_kind("StatefulSet", everything)["earmark-worker"]
    (container,) = worker["spec"]["template"]["spec"]["containers"]
    slot = next(it for it in container["env"] if it["name"] == "EARMARK_KAFKA__SLOT")
    assert slot["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert "replicas" not in worker["spec"]  # KEDA's to say


def test_a_gpu_is_asked_for_where_it_is_enabled(
    rendered: Mapping[str, Any], everything: list[dict[str, Any]]
) -> None:
    def limits(every: list[dict[str, Any]]) -> dict[str, Any]:
        (container,) = pods(every)["earmark-worker"]["spec"]["containers"]
        return {**container["resources"]["limits"], "image": container["image"]}

    assert limits(everything)["nvidia.com/gpu"] == 1
    assert limits(everything)["image"] == "earmark-cuda:7"
    assert "nvidia.com/gpu" not in limits(list(objects(rendered["default"])))


def test_keda_scales_workers_on_lag_and_never_beyond_the_partitions(
    everything: list[dict[str, Any]],
) -> None:
    (scaled,) = of_kind("ScaledObject", everything).values()
    assert scaled["spec"]["maxReplicaCount"] == 6
    assert scaled["spec"]["scaleTargetRef"] == {"kind": "StatefulSet", "name": "earmark-worker"}
    topics = {trigger["metadata"]["topic"] for trigger in scaled["spec"]["triggers"]}
    assert topics == {"content.events.v1", "content.events.long.v1"}
    assert topics <= {topic.name for topic in contract()}


def test_what_is_probed_answers_and_what_is_scraped_has_the_job_that_alerts_name(
    everything: list[dict[str, Any]],
) -> None:
    services = of_kind("Service", everything)
    jobs = {name: it["metadata"]["labels"].get("prometheus-job") for name, it in services.items()}
    assert jobs == {
        "earmark-worker": "earmark-worker",
        "earmark-agents": "earmark-agents",
        "earmark-audit": "earmark-audit",
        "earmark-serve": "earmark-serve",
        "earmark-inspector": None,  # it has pages and no metrics
    }
    monitors = of_kind("ServiceMonitor", everything)
    assert monitors.keys() == {name for name, job in jobs.items() if job}
    assert {each["spec"]["jobLabel"] for each in monitors.values()} == {"prometheus-job"}
    for name in services:
        (container,) = pods(everything)[name]["spec"]["containers"]
        assert container["ports"][0]["name"] == "http"
        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
        assert container["startupProbe"]["failureThreshold"] >= 120


def test_every_pod_is_under_a_network_policy_and_media_never_come_from_within(
    everything: list[dict[str, Any]],
) -> None:
    policies = of_kind("NetworkPolicy", everything)
    for name, pod in pods(everything).items():
        labels = pod["metadata"]["labels"]
        selector = policies[name]["spec"]["podSelector"]["matchLabels"]
        assert selector.items() <= labels.items()
        assert policies[name]["spec"]["policyTypes"] == ["Ingress", "Egress"]
    blocks = [
        peer["ipBlock"]
        for rule in policies["earmark-worker"]["spec"]["egress"]
        for peer in rule.get("to", [])
    ]
    assert len(blocks) == 1
    assert {"10.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16"} <= set(blocks[0]["except"])


def test_who_may_reach_a_pod_is_named(
    rendered: Mapping[str, Any], everything: list[dict[str, Any]]
) -> None:
    policies = of_kind("NetworkPolicy", everything)
    ways = {name: it["spec"]["ingress"] for name, it in policies.items()}
    assert PROXY in ways["earmark-serve"][0]["from"]
    assert PROXY not in ways["earmark-audit"][0]["from"]
    assert ways["earmark-flink"] == []
    unscraped = list(objects(rendered["nobody scrapes"]))
    for name, policy in of_kind("NetworkPolicy", unscraped).items():
        # a rule without peers lets everybody in
        assert all(way["from"] for way in policy["spec"]["ingress"]), name


def test_the_audit_runs_without_being_asked_for_and_nobody_is_served(
    rendered: Mapping[str, Any],
) -> None:
    sets = of_kind("StatefulSet", list(objects(rendered["default"])))
    assert sets.keys() == {"earmark-worker", "earmark-audit"}


def test_at_most_one_of_a_set_is_disturbed_at_once(everything: list[dict[str, Any]]) -> None:
    budgets = of_kind("PodDisruptionBudget", everything)
    assert budgets.keys() == {"earmark-worker", "earmark-agents", "earmark-serve"}
    assert {each["spec"]["maxUnavailable"] for each in budgets.values()} == {1}


def test_strimzi_makes_every_topic_of_the_contract(everything: list[dict[str, Any]]) -> None:
    made = {
        each["spec"]["topicName"]: each["spec"]
        for each in of_kind("KafkaTopic", everything).values()
    }
    assert {name: spec["config"] for name, spec in made.items()} == {
        topic.name: dict(topic.config) for topic in contract()
    }
    assert {(spec["partitions"], spec["replicas"]) for spec in made.values()} == {(6, 3)}


def test_the_charts_topics_are_those_that_the_command_prints() -> None:
    shown = CliRunner().invoke(earmark, ["topics", "contract"])
    told = "earmark topics contract > deploy/helm/earmark/files/topics.yaml"
    assert (CHART / "files" / "topics.yaml").read_text() == shown.output, told
    manifests = list(
        yaml.safe_load_all(
            CliRunner().invoke(earmark, ["topics", "contract", "--strimzi", "main"]).output
        )
    )
    assert [each["spec"]["topicName"] for each in manifests] == [it.name for it in contract()]
    assert {each["metadata"]["labels"]["strimzi.io/cluster"] for each in manifests} == {"main"}


def test_the_topics_are_made_by_the_command_where_strimzi_does_not(
    rendered: Mapping[str, Any],
) -> None:
    every = list(objects(rendered["default"]))
    assert of_kind("KafkaTopic", every) == {}
    jobs = of_kind("Job", every)
    arguments = [
        each["spec"]["template"]["spec"]["containers"][0]["args"] for each in jobs.values()
    ]
    assert sorted(arguments) == [["schemas", "register"], ["topics", "create"]]
