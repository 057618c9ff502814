"""Rules and dashboards: accepted by promtool, and about metrics that there are."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from earmark.processors.error import RejectionClass
from earmark.processors.outcome import OutcomeKind
from earmark.streams.audit_metrics import AuditMetrics
from earmark.streams.audit_tally import AuditTally
from earmark.streams.audit_verdict import AuditState
from earmark.streams.judging.metrics import AgentMetrics
from earmark.streams.metric_family import SECONDS
from earmark.streams.metrics import Metrics
from earmark.streams.replay.metrics import ReplayMetrics
from earmark.streams.replay.progress import Progress
from earmark.streams.serving.metrics import ServeMetrics

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = sorted((DEPLOY / "prometheus").glob("*.yaml"))
RUNBOOK = (DEPLOY / "runbook.md").read_text(encoding="utf-8")
DASHBOARDS = sorted((DEPLOY / "grafana").glob("*.json"))
TARGET = {"job", "instance"}  # what Prometheus adds to each sample
WORDS = {"and", "or", "unless", "by", "on", "bool", "offset", "ignoring", "without"}
SELECTOR = r"(?<![\w:.])([a-zA-Z_:][\w:]*)\b(?!\s*\()\s*(?:\{([^}]*)\})?"
VALUES: Mapping[str, set[str]] = {
    "le": {str(bound) for bound in SECONDS},
    "outcome": set(OutcomeKind),
    "rejection_class": set(RejectionClass),
    "result": {"committed", "aborted", "ended", "failed"},
    "state": set(AuditState),
    "status": {"2xx", "4xx", "5xx"},
    "job": {f"earmark-{part}" for part in ("worker", "agents", "serve", "audit", "replay")},
}


class Still:
    """A replay that does not move."""

    def read(self) -> Progress:
        return Progress(passed=1, records=2, partitions_through=0, partitions=1)


def exposed() -> dict[str, set[str]]:
    """All samples by name, each with its labels."""
    worker, audit = Metrics(), AuditMetrics()
    ReplayMetrics(Still(), worker.made)
    audit.show(AuditTally(), oldest_s=0, seconds=1)
    found: dict[str, set[str]] = {"up": set()}
    for made in (worker, audit, AgentMetrics(), ServeMetrics()):
        found |= {name: set(labels) for name, labels in made.labels.items()}
    for family in worker.made.registry.collect():
        found |= {sample.name: set() for sample in family.samples if "process" in sample.name}
    return found


EXPOSED = exposed()
OURS = {name for name in EXPOSED if name.startswith("earmark_")}


def rules(path: Path) -> list[dict[str, Any]]:
    groups = yaml.safe_load(path.read_text(encoding="utf-8")).get("groups", [])
    return [rule for group in groups for rule in group["rules"]]


ALERTS = [rule for path in RULES for rule in rules(path) if "alert" in rule]
RECORDED = {rule["record"] for path in RULES for rule in rules(path) if "record" in rule}


def expressions(path: Path) -> list[tuple[str, str]]:
    """What a file asks, each with the text in which its labels are shown."""
    if path.suffix == ".yaml":
        return [
            (rule["expr"], rule.get("annotations", {}).get("description", ""))
            for rule in rules(path)
        ]
    panels = json.loads(path.read_text(encoding="utf-8"))["panels"]
    targets = chain.from_iterable(panel.get("targets", ()) for panel in panels)
    return [(target["expr"], target["legendFormat"]) for target in targets]


def selectors(expression: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The samples that an expression selects, with the values of labels that it asks for."""
    bare = re.sub(r"\b(by|on|without|ignoring)\s*\([^)]*\)|\[[^\]]*\]", " ", expression)
    for name, inside in re.findall(SELECTOR, bare):
        if name not in WORDS:
            yield name, dict(re.findall(r'(\w+)\s*=\s*"([^"]*)"', inside))


def asked_labels(expression: str, text: str) -> set[str]:
    """Labels by which an expression groups, and that its text shows."""
    lists = re.findall(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)", expression)
    shown = re.findall(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}", text)
    return {name.strip() for each in lists for name in each.split(",") if name.strip()} | set(shown)


@pytest.mark.parametrize("path", [*RULES, *DASHBOARDS], ids=lambda path: path.name)
def test_every_metric_and_label_that_a_file_names_is_exposed(path: Path) -> None:
    for expression, text in expressions(path):
        found = list(selectors(expression))
        labels = set(TARGET)
        assert found, expression
        for name, wanted in found:
            assert name in EXPOSED or name in RECORDED, (name, expression)
            own = EXPOSED.get(name, set()) | TARGET
            labels |= own
            assert wanted.keys() <= own, expression
            assert all(value in VALUES[label] for label, value in wanted.items()), expression
        assert asked_labels(expression, text) <= labels, (expression, text)


def test_every_metric_of_ours_is_in_some_dashboard_or_rule() -> None:
    texts = " ".join(path.read_text(encoding="utf-8") for path in (*RULES, *DASHBOARDS))
    families = {re.sub(r"_(sum|count|bucket)$", "", name) for name in OURS}
    assert {name for name in families if name not in texts} == set()


def test_metrics_are_named_as_prometheus_would_have_them() -> None:
    worker = Metrics()
    for made in (worker, AuditMetrics(), AgentMetrics(), ServeMetrics()):
        for family in made.registry.collect():
            assert family.documentation
            assert re.fullmatch(r"[a-z][a-z0-9_]*", family.name)
            assert not re.search(r"_(ms|millis|kb|mb|percent)$", family.name)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_every_alert_says_how_urgent_it_is_and_where_to_read_on(alert: dict[str, Any]) -> None:
    kebab = re.sub(r"(?<!^)(?=[A-Z])", "-", alert["alert"]).lower()
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert alert["annotations"]["runbook"] == f"deploy/runbook.md#{kebab}"
    assert f"### {kebab.replace('-', ' ').capitalize()}\n" in RUNBOOK
    assert alert["annotations"].keys() == {"summary", "description", "runbook"}


Tool = Callable[[str], Path]


def check(promtool: Path, *arguments: str | Path) -> None:
    command: Sequence[str] = [str(promtool), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_the_rules(tool: Tool) -> None:
    check(tool("promtool"), "check", "rules", *(path for path in RULES if rules(path)))


def test_alerts_come_when_they_should_and_only_then(tool: Tool) -> None:
    check(tool("promtool"), "test", "rules", DEPLOY / "prometheus" / "rules_test.yaml")
