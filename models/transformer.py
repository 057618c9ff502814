"""Checkpoints of the library transformers, loaded from a folder of the model store.

Nothing of a checkpoint is run and nothing is asked of the network: weights are safetensors, code
that a config names is refused, and the library gets a folder whose every file has been verified.
The library takes seconds to import, so that is done where a card needs it.
"""

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors import SafetensorError

from earmark.models.card import ModelCard
from earmark.models.device import Device
from earmark.models.error import ConfigurationError, ModelError
from earmark.models.reading import Checkpoint, Floats, Kind, LabelMap, label_map
from earmark.models.store import ModelStore

_AUTO_CLASSES: Mapping[Kind, str] = {
    "sequence-classification": "AutoModelForSequenceClassification",
    "entailment": "AutoModelForSequenceClassification",
    "embedding": "AutoModel",
    "audio-classification": "AutoModelForAudioClassification",
}
_UNUSED = ("pooler.",)  # layers that some checkpoints lack and nothing here reads
# what the library raises for a folder that does not hold a checkpoint of the kind
_UNREADABLE = (
    AttributeError,
    ImportError,  # of a backend that the checkpoint's own classes want
    KeyError,
    OSError,
    RuntimeError,
    SafetensorError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformer:
    """A network on its device, with the card that says how it is read."""

    card: ModelCard
    folder: Path
    network: Any
    device: Device
    reading: Checkpoint

    @property
    def labels(self) -> tuple[str, ...]:
        """The checkpoint's own labels, in the order of its outputs."""
        named = self.network.config.id2label
        return tuple(str(named[i]) for i in range(len(named)))

    def label_map(self) -> LabelMap:
        """From the checkpoint's labels to ours, by the card; raises ConfigurationError."""
        activation = self.reading.activation
        return label_map(self.labels, self.card.label_map, activation, card=self.card.name)

    def probabilities(self, inputs: Mapping[str, torch.Tensor]) -> Floats:
        """What the head says of a batch, as probabilities of the checkpoint's own labels."""
        logits_BC = self.network(**inputs).logits.float()
        is_sigmoid = self.reading.activation == "sigmoid"
        theirs_BC = logits_BC.sigmoid() if is_sigmoid else logits_BC.softmax(dim=-1)
        numbers: Floats = theirs_BC.cpu().numpy().astype("float64")
        return numbers


def load_transformer(store: ModelStore, name: str, kind: Kind, device: Device) -> Transformer:
    """The checkpoint of the card `name`, ready to compute on the device.

    Raises ConfigurationError where the card is not of this kind, ModelError where its files are
    missing, wrong, or lack weights that the kind needs.
    """
    card = store.card(name)
    if card.checkpoint is None or card.checkpoint.kind != kind:
        found = card.checkpoint.kind if card.checkpoint else "none"
        raise ConfigurationError(
            f"{name}: wanted a checkpoint of kind {kind}, the card has {found}"
        )
    folder = store.folder(name)
    with reading_errors(name):
        config = json.loads((folder / "config.json").read_text("utf-8"))
        refuse_code(config, where=name)
        network = _network(folder, kind, device, name=name)
    return Transformer(
        card=card, folder=folder, network=network, device=device, reading=card.checkpoint
    )


def refuse_code(config: object, *, where: str) -> None:
    """Raise ModelError where the config of a checkpoint wants its own code to be run."""
    if isinstance(config, Mapping) and config.get("auto_map"):
        raise ModelError(
            f"{where}: its config names code of its own (auto_map), which is never run"
        )


def library() -> ModuleType:
    """The library, told to be quiet: what it has to say is raised by us or does not matter."""
    import transformers

    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # it has none
    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # likewise
    return transformers


def load_tokenizer(found: Transformer) -> Any:
    """The checkpoint's tokenizer; raises ModelError where it has none that knows its offsets."""
    name = found.card.name
    with reading_errors(name):
        tokenizer = library().AutoTokenizer.from_pretrained(
            found.folder, local_files_only=True, trust_remote_code=False
        )
    if not tokenizer.is_fast or tokenizer.pad_token_id is None:
        raise ModelError(f"{name}: wanted tokenizer.json, with a token for padding")
    return tokenizer


def _network(folder: Path, kind: Kind, device: Device, *, name: str) -> Any:
    auto_class = getattr(library(), _AUTO_CLASSES[kind])
    network, report = auto_class.from_pretrained(
        folder,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        dtype=device.dtype,
        output_loading_info=True,
    )
    absent = sorted(key for key in report["missing_keys"] if not key.startswith(_UNUSED))
    if absent:  # the library would go on with random numbers
        raise ModelError(f"{name}: the checkpoint has no weights for {_few(absent)}")
    return network.eval().requires_grad_(False).to(device.torch)


def _few(names: Sequence[str]) -> str:
    rest = len(names) - 3
    return ", ".join(names[:3]) + (f" and {rest} more" if rest > 0 else "")


@contextmanager
def reading_errors(name: str) -> Iterator[None]:
    """The library's errors in one line, and not what torch has to say of the library."""
    try:
        with warnings.catch_warnings():
            # some architectures compile their helpers as they are imported
            warnings.filterwarnings("ignore", r"`torch\.jit\.script` is deprecated")
            yield
    except _UNREADABLE as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(f"{name}: not a checkpoint that can be read: {reason[0]}") from error
