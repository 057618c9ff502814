"""How a checkpoint's numbers are to be read: what its card says of its kind, head and labels.

Shapes. B: batch, C: labels of the checkpoint, L: our labels
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from earmark.models.error import ConfigurationError

Kind = Literal["sequence-classification", "entailment", "embedding", "audio-classification"]
Activation = Literal["sigmoid", "softmax"]
Floats = NDArray[np.float64]

KINDS: tuple[str, ...] = get_args(Kind)
ACTIVATIONS: tuple[str, ...] = get_args(Activation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The table `[checkpoint]` of a card whose files are a checkpoint of transformers.

    `activation` makes probabilities of a head's outputs: `sigmoid` where each label stands for
    itself, `softmax` where they exclude each other. `max_tokens` is the longest input, by default
    what the checkpoint's own files say. The prefixes are what an embedding wants before a text:
    one that is searched by, and one that is found.
    """

    kind: Kind
    activation: Activation = "softmax"
    max_tokens: int | None = None
    query_prefix: str = ""
    passage_prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """The table `[instruction]` of a card without files: a model behind an endpoint, and its task.

    The endpoint knows the model by the name `model`. Where it is, is the host's affair.
    """

    model: str
    prompt: str


def problems(checkpoint: Checkpoint) -> list[str]:
    """What cannot be in the table, one line each."""
    found = []
    if checkpoint.kind not in KINDS:
        found.append(f"[checkpoint] kind must be one of {', '.join(KINDS)}")
    if checkpoint.activation not in ACTIVATIONS:
        found.append(f"[checkpoint] activation must be one of {', '.join(ACTIVATIONS)}")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMap:
    """Our labels, each with the columns of the checkpoint's outputs that it is made of."""

    columns: Mapping[str, tuple[int, ...]]
    activation: Activation

    @property
    def labels(self) -> tuple[str, ...]:
        """Our labels, in alphabetical order."""
        return tuple(self.columns)

    def ours(self, theirs_BC: Floats) -> Floats:
        """Probabilities of our labels, `(B, L)`, from those of the checkpoint's.

        Of labels that are one of ours, those that exclude each other add up; of those that stand
        for themselves the highest counts.
        """
        groups = [theirs_BC[:, list(columns)] for columns in self.columns.values()]
        if self.activation == "softmax":
            ours = [group_BC.sum(axis=1).clip(max=1.0) for group_BC in groups]
        else:
            ours = [group_BC.max(axis=1) for group_BC in groups]
        return np.stack(ours, axis=1)


def label_map(
    theirs: Sequence[str], table: Mapping[str, str], activation: Activation, *, card: str
) -> LabelMap:
    """The map from the labels of a checkpoint, in the order of its outputs, by a card's table.

    The table names each of them by name or by number and says ours, or "" for one that is left
    out; without a table theirs are ours. Raises ConfigurationError, which names the card, where a
    label is not spoken for or is not there.
    """
    ours = [table.get(name, table.get(str(i))) for i, name in enumerate(theirs)]
    if not table:
        ours = list(theirs)
    known = {*theirs, *map(str, range(len(theirs)))}
    if absent := sorted(table.keys() - known):
        raise ConfigurationError(
            f"{card}: label_map names {absent[0]!r}; the checkpoint has {', '.join(theirs)}"
        )
    for name, label in zip(theirs, ours, strict=True):
        if label is None:
            raise ConfigurationError(
                f'{card}: label_map does not name {name!r}; "" leaves a label out'
            )
    columns = {
        label: tuple(i for i, other in enumerate(ours) if other == label)
        for label in sorted({label for label in ours if label})
    }
    if not columns:
        raise ConfigurationError(f"{card}: label_map leaves every label out")
    return LabelMap(columns=columns, activation=activation)
