"""TensorFlow's bundles are read without it, and what is none is told apart."""

from pathlib import Path

import numpy as np
import pytest

from earmark.models.error import ModelError
from earmark.models.tensor_bundle import read_bundle

ARRAYS = {
    "conv2d/bias": np.arange(3, dtype=np.float32),
    "conv2d/kernel": np.arange(1_200, dtype=np.float32).reshape(20, 60),
    "conv2d_1/kernel": np.ones((1, 2, 3, 4), np.float32),
    "step": np.array(7, np.float32),
}


def test_tensors_come_back_by_name_and_in_shape(write_bundle, tmp_path: Path) -> None:
    read = read_bundle(*write_bundle(tmp_path, ARRAYS))
    assert read.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read[name], array, strict=True)


def test_a_data_file_that_is_too_short_is_refused(write_bundle, tmp_path: Path) -> None:
    index, data = write_bundle(tmp_path, ARRAYS)
    data.write_bytes(data.read_bytes()[:-1])
    with pytest.raises(ModelError, match="step: 3 bytes"):
        read_bundle(index, data)


@pytest.mark.parametrize("cut", [slice(None, -1), slice(7, None), slice(None, 20)])
def test_an_index_that_is_cut_is_refused(write_bundle, tmp_path: Path, cut: slice) -> None:
    index, data = write_bundle(tmp_path, ARRAYS)
    index.write_bytes(index.read_bytes()[cut])
    with pytest.raises(ModelError):
        read_bundle(index, data)
