"""The model of py3langid: naive Bayes over byte n-grams that a finite automaton finds.

F: n-gram features, L: languages, S: states of the automaton, R: distinct rows of transitions

Sources: github.com/adbar/py3langid; Lui and Baldwin, langid.py: An Off-the-shelf Language
Identification Tool, ACL 2012.
"""

import json
import lzma
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

# their name -> ours; `nextmove` holds 256 transitions per row
_NAMES = {
    "ptc": "feature_log_probability_FL",
    "pc": "prior_log_probability_L",
    "nextmove": "transitions_R256",
    "nextmove_row": "row_of_state_S",
    "out_feat": "feature_of_state_S",
}


def convert(sources: Mapping[str, Path], made: Path) -> None:
    """`model.safetensors` in the number formats as they come, and `labels.json`, the languages.

    `feature_of_state_S` is -1 where a state finds no n-gram; a label that occurs twice stands for
    one language in two scripts.
    """
    (path,) = sources.values()
    with lzma.open(path) as packed:
        unpacked = BytesIO(packed.read())
    with np.load(unpacked, allow_pickle=False) as arrays:
        tensors = {ours: np.ascontiguousarray(arrays[theirs]) for theirs, ours in _NAMES.items()}
        labels = [str(label) for label in arrays["classes"]]
    tensors["transitions_R256"] = tensors["transitions_R256"].reshape(-1, 256)
    save_file(tensors, made / "model.safetensors")
    (made / "labels.json").write_text(json.dumps(labels) + "\n")
