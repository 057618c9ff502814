"""The pipelines of transformers, with their own batching, over what a model is measured on.

In a module of its own, which is imported when such a baseline is measured.
"""

from collections.abc import Callable, Iterator
from typing import Any

from earmark.models.transformer import library
from earmark.processors.block import SAMPLE_RATE_HZ
from earmark.streams.bench.model_batch import Given, Passages
from earmark.streams.bench.plan import Plan


def pipeline_of(plan: Plan, card: str, given: Given, *, batch_size: int) -> Callable[[], int]:
    """A function that reads all that is given by the pipeline of the card's checkpoint.

    It says how many items were read.
    """
    folder = plan.store.folder(card)
    library()  # which tells transformers to be quiet
    from transformers import pipeline

    make: Any = pipeline
    read = make(
        given.pipeline_task,
        model=str(folder),
        device=plan.device.torch,
        dtype=plan.device.dtype,
        batch_size=batch_size,
        **({"truncation": True} if isinstance(given, Passages) else {}),
    )

    def run() -> int:
        return sum(1 for _ in read(_inputs(given), top_k=None))

    return run


def _inputs(given: Given) -> Iterator[Any]:
    """The items in the form that pipelines take."""
    for item in given.items:
        if isinstance(given, Passages):
            yield "\n".join(text.text for text in item.event.texts)
        else:
            yield {"raw": item.samples_T[: item.length], "sampling_rate": SAMPLE_RATE_HZ}
