import json

import pytest
import torch
from safetensors.torch import load_file

from earmark.models.convert import convert
from earmark.models.error import ModelError


@pytest.mark.parametrize("wrapper", ["model", "state_dict", "model_state_dict", None])
def test_tensors_come_through_as_they_are(tmp_path, wrapper):
    tied_AB = torch.randn(3, 4)
    state = {"a.weight": tied_AB, "b.weight": tied_AB, "half": torch.ones(2, dtype=torch.float16)}
    torch.save({wrapper: state, "step": 7} if wrapper else state, tmp_path / "tiny.pt")
    made = tmp_path / "made"
    made.mkdir()
    convert("torch-checkpoint", {"tiny.pt": tmp_path / "tiny.pt"}, made)
    converted = load_file(made / "model.safetensors")
    assert converted.keys() == state.keys()
    for name, tensor in state.items():
        assert converted[name].dtype == tensor.dtype
        assert torch.equal(converted[name], tensor)


def test_a_checkpoint_without_tensors_is_refused(tmp_path):
    torch.save({"step": 7}, tmp_path / "tiny.pt")
    with pytest.raises(ModelError, match="holds no tensors"):
        convert("torch-checkpoint", {"tiny.pt": tmp_path / "tiny.pt"}, tmp_path)


def test_a_whisper_checkpoint_becomes_its_tensors_and_its_dimensions(tmp_path):
    dims = {"n_mels": 80, "n_vocab": 51864}
    state = {"decoder.token_embedding.weight": torch.randn(4, 2).half()}
    torch.save({"dims": dims, "model_state_dict": state}, tmp_path / "tiny.pt")
    convert("whisper-openai", {"tiny.pt": tmp_path / "tiny.pt"}, tmp_path)
    assert json.loads((tmp_path / "config.json").read_text()) == dims
    converted = load_file(tmp_path / "model.safetensors")
    assert torch.equal(converted["decoder.token_embedding.weight"], *state.values())


def test_what_can_carry_code_is_never_taken_as_it_is(tmp_path):
    torch.save({"a": torch.ones(1)}, tmp_path / "tiny.pt")
    with pytest.raises(ModelError, match="must be safetensors or JSON"):
        convert("identity", {"tiny.pt": tmp_path / "tiny.pt"}, tmp_path)


def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"<html>not found</html>")
    with pytest.raises(ModelError, match="cannot read"):
        convert("identity", {"model.safetensors": tmp_path / "model.safetensors"}, tmp_path)
