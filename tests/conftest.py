"""What holds for every test, and tiny checkpoints for those that read them."""

import os
import warnings
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog

from earmark.models.store import ModelStore
from earmark.streams.cli import TORCH_ENVIRONMENT

# the machine may be busy with other tests
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")
for name, value in TORCH_ENVIRONMENT.items():
    os.environ.setdefault(name, value)  # before torch is loaded, as the command line does

SENTENCES = (
    "you filthy pig, what a lovely song",
    "the harbour lay quiet in the early light",
    "la canción es muy bonita esta mañana",
)
AddCheckpoint = Callable[..., None]


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """What a command of one test sets up for the logs is not there in the next."""
    yield
    structlog.reset_defaults()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What has to wait for processes goes first: so it ends while there is other work to do."""
    items.sort(key=lambda item: item.get_closest_marker("kafka") is None)


@pytest.fixture(scope="session")
def tiny() -> Callable[..., Path]:
    """Builds and saves a checkpoint: `tiny(folder, "Roberta", "ForSequenceClassification", ...)`.

    The architecture is the library's, a few units wide, with random weights that are the same each
    time; text architectures get a tokenizer trained on `SENTENCES`.
    """

    def build(folder: Path, architecture: str, head: str, **config: Any) -> Path:
        import torch
        import transformers

        warnings.filterwarnings("ignore", r"`torch\.jit\.script`")  # as DeBERTa is imported
        torch.manual_seed(7)
        size = {
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 24,
            "initializer_range": 0.5,  # so that texts differ in their scores
        }
        made = getattr(transformers, f"{architecture}Config")(**size | config)
        network = getattr(transformers, f"{architecture}{head}")(made)
        network.save_pretrained(folder)
        if architecture == "AST":
            transformers.ASTFeatureExtractor(max_length=made.max_length).save_pretrained(folder)
        else:
            tokenizer(folder)
        return folder

    return build


def tokenizer(folder: Path) -> None:
    """Save a tokenizer that reads any text, byte by byte where it must."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(SENTENCES, trainer)
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=made,
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        cls_token="<s>",
        sep_token="</s>",
        mask_token="<mask>",
    ).save_pretrained(folder)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """A store of its own, that holds no models yet."""
    return ModelStore(tmp_path / "models", offline=True)


@pytest.fixture
def add_checkpoint(store: ModelStore) -> AddCheckpoint:
    """Writes a card for a checkpoint's folder into `store` and pulls it."""

    def add(name: str, folder: Path, *tables: str, languages: tuple[str, ...] = ("en",)) -> None:
        files = sorted(folder.iterdir(), key=lambda file: file.name != "model.safetensors")
        lines = [
            f'name = "{name}"\nversion = "1"\ntask = "tiny"\nlicence = "Apache-2.0"',
            f"languages = {list(languages)}",
            *(
                f'[[files]]\nname = "{file.name}"\nsources = ["{file.as_uri()}"]\n'
                f'sha256 = "{sha256(file.read_bytes()).hexdigest()}"'
                for file in files
            ),
            *tables,
        ]
        cards = store.root / "cards"
        cards.mkdir(parents=True, exist_ok=True)
        (cards / f"{name}.toml").write_text("\n".join(lines))
        ModelStore(store.root, offline=True).pull(name)

    return add
