"""What is sent arrives as it was; on a CPU nothing is moved, and nothing asks for CUDA."""

import pytest
import torch

from earmark.models.transfer import BUFFERS, Transfer


def test_on_a_cpu_what_is_sent_is_there_already() -> None:
    tensor = torch.arange(6).view(2, 3)
    sent = Transfer(torch.device("cpu")).send(tensor)
    assert sent.arrived() is tensor
    assert sent.mark is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_many_tensors_on_their_way_at_once_arrive_as_they_were() -> None:
    transfer = Transfer(torch.device("cuda"))
    tensors = [torch.full((300, 1 + number), number) for number in range(3 * BUFFERS)]
    sent = [transfer.send(tensor) for tensor in tensors]
    for each, tensor in zip(sent, tensors, strict=True):
        assert torch.equal(each.arrived().cpu(), tensor)
