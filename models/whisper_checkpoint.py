"""The size of a Whisper checkpoint and the names of its tensors, OpenAI's or transformers'."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from torch import Tensor

from earmark.models.error import ModelError

_TRANSFORMERS_DIMENSIONS = {
    "n_mels": "num_mel_bins",
    "n_audio_ctx": "max_source_positions",
    "n_audio_state": "d_model",
    "n_audio_head": "encoder_attention_heads",
    "n_audio_layer": "encoder_layers",
    "n_vocab": "vocab_size",
    "n_text_ctx": "max_target_positions",
    "n_text_state": "d_model",
    "n_text_head": "decoder_attention_heads",
    "n_text_layer": "decoder_layers",
}

# Applied in order, each wherever it occurs: the longer names come first.
_TRANSFORMERS_NAMES = (
    ("encoder.embed_positions.weight", "encoder.positional_embedding"),
    ("decoder.embed_positions.weight", "decoder.positional_embedding"),
    ("embed_tokens", "token_embedding"),
    ("encoder.layer_norm", "encoder.ln_post"),
    ("decoder.layer_norm", "decoder.ln"),
    ("layers.", "blocks."),
    ("self_attn_layer_norm", "attn_ln"),
    ("encoder_attn_layer_norm", "cross_attn_ln"),
    ("final_layer_norm", "mlp_ln"),
    ("encoder_attn.", "cross_attn."),
    ("self_attn.", "attn."),
    ("q_proj", "query"),
    ("k_proj", "key"),
    ("v_proj", "value"),
    ("out_proj", "out"),
    ("fc1", "mlp.0"),
    ("fc2", "mlp.2"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions:
    """The size of a checkpoint, by OpenAI's names."""

    n_mels: int
    n_audio_ctx: int
    n_audio_state: int
    n_audio_head: int
    n_audio_layer: int
    n_vocab: int
    n_text_ctx: int
    n_text_state: int
    n_text_head: int
    n_text_layer: int

    @classmethod
    def from_config(cls, config: Mapping[str, object]) -> "Dimensions":
        """Read from a config with OpenAI's or transformers' names; others in it are ignored.

        Raises ModelError for a config that lacks one.
        """
        names = _TRANSFORMERS_DIMENSIONS if "d_model" in config else {}
        sizes = {f.name: config.get(names.get(f.name, f.name)) for f in fields(cls)}
        missing = [name for name, size in sizes.items() if not isinstance(size, int)]
        if missing:
            raise ModelError(f"config of a Whisper checkpoint lacks {', '.join(missing)}")
        return cls(**{name: size for name, size in sizes.items() if isinstance(size, int)})


def openai_names(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """The tensors by OpenAI's names; those of transformers are renamed, its tied head dropped."""
    for name, tensor in tensors.items():
        if name.startswith("model."):
            yield _renamed(name.removeprefix("model.")), tensor
        elif name != "proj_out.weight":
            yield name, tensor


def _renamed(name: str) -> str:
    for theirs, ours in _TRANSFORMERS_NAMES:
        name = name.replace(theirs, ours)
    return name
