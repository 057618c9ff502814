"""Every signal keeps to the contract; one that breaks it is found out."""

import pytest

from earmark.models.device import Device
from earmark.processors.conformance import findings
from earmark.processors.loader import load_specs


@pytest.mark.weights
@pytest.mark.parametrize("name", list(load_specs()))
def test_a_signal_keeps_to_the_contract(name: str) -> None:
    assert findings(name, device=Device(kind="cpu", precision="fp32")) == []
