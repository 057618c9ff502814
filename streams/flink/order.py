"""What is asked of the driver: which job, with what options, on which Flink."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from earmark.models.error import ConfigurationError
from earmark.streams.flink.job import EVERY_S, Job
from earmark.streams.flink.runtime import HEAP_MB
from earmark.streams.settings import Settings

FLINKS_PORT = 8081  # where a cluster answers unless it is told otherwise
# what makes a job of settings and options, by the kind of job: module and function
KINDS = {
    "profile": ("profile_job", "profile_job"),
    "stats": ("stats_job", "stats_job"),
    "rebuild": ("profile_job", "rebuild_job"),
    "backfill": ("backfill_job", "backfill_job"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One job to be run; it holds no secrets, and travels on command lines.

    `every_s` is the time from one checkpoint to the next. `cluster` is the REST address of a Flink,
    None for one inside the driver's own process. `checkpoints` is where a cluster puts them, None
    for the job's folder on this machine. `python` is that of the job's functions, if it has any,
    where they run; None for our own.
    """

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    parallelism: int = 1
    heap_mb: int = HEAP_MB
    every_s: float = EVERY_S
    cluster: str | None = None
    checkpoints: str | None = None
    python: str | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the cluster; raises ConfigurationError where it has no such address."""
        try:
            parts = urlsplit(self.cluster or "")
            if parts.scheme in ("http", "https") and parts.hostname:
                return parts.hostname, parts.port or FLINKS_PORT
        except ValueError:  # a port that is no number
            pass
        raise ConfigurationError(
            f"{self.cluster!r} is no address of a Flink: it should look like http://flink:8081"
        )

    def job(self, settings: Settings) -> Job:
        """The job; raises ConfigurationError for a kind that there is not."""
        if self.kind not in KINDS:
            raise ConfigurationError(f"unknown job {self.kind!r}; known: {', '.join(KINDS)}")
        module, function = KINDS[self.kind]
        made: Job = getattr(import_module(f"earmark.streams.flink.{module}"), function)(
            settings, **self.options
        )
        return made

    def text(self) -> str:
        """The order as one argument of a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def parsed(cls, text: str) -> "Order":
        """The order that `text` says; raises ConfigurationError where it says none."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise ConfigurationError(f"not an order for Flink: {error}") from error
