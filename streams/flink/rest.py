"""Flink's REST interface, as far as jobs are watched and stopped through it."""

import json
import time
import urllib.request
from collections.abc import Mapping
from typing import Any

from earmark.models.error import ServiceError

TIMEOUT_S = 10.0
SAVEPOINT_S = 60.0
ENDED = frozenset({"FINISHED", "FAILED", "CANCELED"})  # states after which no other comes
_POLL_S = 0.1


class Rest:
    """One Flink at `url`. All methods raise ServiceError where it does not answer."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def overview(self) -> Mapping[str, Any]:
        """Its version, task managers, slots and numbers of jobs."""
        return self._ask("/overview")

    def status(self, job_id: str) -> str:
        """What state the job is in: RUNNING, RESTARTING, FINISHED, FAILED, ..."""
        return str(self._ask(f"/jobs/{job_id}")["state"])

    def runs(self, job_id: str) -> bool:
        """Whether every task of the job runs: then it reads."""
        job = self._ask(f"/jobs/{job_id}")
        return job["state"] == "RUNNING" and all(
            vertex["status"] in ("RUNNING", "FINISHED") for vertex in job["vertices"]
        )

    def checkpoints(self, job_id: str) -> Mapping[str, Any]:
        """How many checkpoints were completed and have failed, and the last ones one by one."""
        return self._ask(f"/jobs/{job_id}/checkpoints")

    def cancel(self, job_id: str) -> None:
        """End the job where it is; its last checkpoint stays."""
        self._ask(f"/jobs/{job_id}", method="PATCH")

    def stop(self, job_id: str, folder: str, timeout_s: float = SAVEPOINT_S) -> str:
        """End the job after a savepoint below `folder`; where that is, once it is whole."""
        request = {"targetDirectory": folder, "drain": False}
        trigger = self._ask(f"/jobs/{job_id}/stop", method="POST", body=request)["request-id"]
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            found = self._ask(f"/jobs/{job_id}/savepoints/{trigger}")
            if found["status"]["id"] == "COMPLETED":
                return self._location(found["operation"])
            time.sleep(_POLL_S)
        raise ServiceError(f"Flink {self.url}: no savepoint in {timeout_s:g} s")

    def _location(self, operation: Mapping[str, Any]) -> str:
        if "location" in operation:
            return str(operation["location"])
        trace = str(operation.get("failure-cause", {}).get("stack-trace", "no reason given"))
        reason = [line for line in trace.splitlines() if not line.startswith("\tat")][-1]
        raise ServiceError(f"Flink {self.url}: the savepoint failed: {reason}")

    def _ask(
        self, path: str, *, method: str = "GET", body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - the address is the user's own Flink
            self.url + path,
            data=data,
            method=method,
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - likewise
                text = answer.read()
            return json.loads(text) if text else {}
        except (OSError, ValueError) as error:
            raise ServiceError(f"Flink {self.url}{path}: {error}") from error
