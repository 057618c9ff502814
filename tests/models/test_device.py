"""Where models compute: which devices there are, and what it looks like when memory runs out."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from earmark.models.device import free_memory, is_out_of_memory, pick_device
from earmark.models.error import ConfigurationError


def raised(action: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011  # whatever it is
        action()
    assert isinstance(caught.value, Exception)
    return caught.value


@pytest.mark.parametrize(
    "allocate",
    [
        lambda: torch.empty(2**46),
        lambda: np.empty(2**50),
        lambda: bytearray(2**60),
    ],
    ids=["torch", "numpy", "python"],
)
def test_real_allocations_that_fail_are_known(allocate: Callable[[], object]) -> None:
    error = raised(allocate)
    assert is_out_of_memory(error)
    free_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        torch.AcceleratorError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_what_devices_say_is_known(error: Exception) -> None:
    assert is_out_of_memory(error)


def test_an_error_that_followed_from_it_counts_and_others_do_not() -> None:
    def wrapped(action: Callable[[], object]) -> Exception:
        def fail() -> None:
            try:
                action()
            except Exception as error:
                raise KeyError("no result") from error

        return raised(fail)

    assert is_out_of_memory(wrapped(lambda: bytearray(2**60)))
    assert not is_out_of_memory(wrapped(lambda: torch.zeros(2) + torch.zeros(3)))
    assert not is_out_of_memory(ValueError("out of memory, says a text"))


def test_a_circle_of_causes_has_an_end() -> None:
    error = ValueError("its own cause")
    error.__cause__ = error
    assert not is_out_of_memory(error)


@pytest.mark.parametrize(("kind", "precision"), [("tpu", "auto"), ("cpu", "fp8")])
def test_a_device_that_there_is_not_is_refused(kind: str, precision: str) -> None:
    with pytest.raises(ConfigurationError, match="choose auto, cpu or cuda"):
        pick_device(kind, precision)
