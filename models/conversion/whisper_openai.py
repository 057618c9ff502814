"""Whisper checkpoints as OpenAI publishes them: `{dims, model_state_dict}`.

Source: github.com/openai/whisper, `whisper.load_model`.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from earmark.models.conversion.checkpoint import read_checkpoint, save_tensors


def convert(sources: Mapping[str, Path], made: Path) -> None:
    """`model.safetensors` by OpenAI's tensor names in fp16 as they come; `config.json` the dims."""
    (path,) = sources.values()
    checkpoint = read_checkpoint(path)
    save_tensors({"model": checkpoint["model_state_dict"]}, made / "model.safetensors")
    (made / "config.json").write_text(json.dumps(checkpoint["dims"], indent=2) + "\n")
