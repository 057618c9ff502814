"""A worker as `earmark worker` runs it, with a pipeline that has no models.

python -m earmark.streams.bench.hollow_worker
"""

from typing import TYPE_CHECKING

from earmark.streams.bench.worker_process import run
from earmark.streams.settings import Settings

if TYPE_CHECKING:
    from earmark.processors.pipeline import Pipeline


def _hollow(settings: Settings) -> "Pipeline":
    # here: the environment says how torch computes before it is imported
    from earmark.streams.bench.hollow import hollow_pipeline

    return hollow_pipeline(settings)


if __name__ == "__main__":
    run(loading=_hollow)
