"""Scorers are loaded side by side on a CPU; what one sees of it is as if it were one by one."""

from collections.abc import Callable
from threading import Barrier, get_ident

import pytest

from earmark.models.device import Device
from earmark.models.store import ModelStore
from earmark.processors import scorers
from earmark.processors.error import ConfigurationError, ModelError
from earmark.processors.scorers import load_scorers
from earmark.processors.signal import Loading, SignalSpec, Takes
from earmark.processors.threshold import Thresholds

NAMES = ("text.first", "text.second", "text.third")


def spec(name: str, make: Callable[[Loading], object], takes: Takes = Takes.PASSAGES) -> SignalSpec:
    return SignalSpec(name=name, takes=takes, reads=frozenset(), models=("a card",), make=make)


def loaded(makes: dict[str, Callable[[Loading], object]], **options: object) -> dict[str, object]:
    given = {
        "store": ModelStore(),
        "device": Device(),
        "thresholds": dict.fromkeys(makes, Thresholds(version="1")),
        "services": {},
        "chosen": (),
    }
    specs = {name: spec(name, make) for name, make in makes.items()}
    return load_scorers(specs, **(given | options))


def test_they_are_loaded_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scorers, "available_cores", lambda: len(NAMES))
    met = Barrier(len(NAMES))
    told: list[tuple[str, int, int | None]] = []
    found = loaded(
        {name: lambda loading: met.wait(20) for name in NAMES},
        progress=lambda *now: told.append(now),
    )
    assert list(found) == list(NAMES)
    assert told == [
        *((f"load {name}", done, 3) for done, name in enumerate(NAMES)),
        ("loaded", 3, 3),
    ]


def test_a_gpu_loads_in_the_thread_that_will_score() -> None:
    found = loaded(dict.fromkeys(NAMES, lambda loading: get_ident()), device=Device(kind="cuda"))
    assert set(found.values()) == {get_ident()}


def test_meters_have_no_scorer() -> None:
    specs = {"a": spec("a", lambda loading: None, takes=Takes.METER)}
    options = {"thresholds": {}, "services": {}, "chosen": ()}
    assert load_scorers(specs, store=ModelStore(), device=Device(), **options) == {}


def test_the_first_that_cannot_be_loaded_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scorers, "available_cores", lambda: len(NAMES))
    met = Barrier(2)

    def missing(loading: Loading) -> object:
        met.wait(20)
        raise ModelError("its weights are missing")

    def unfit(loading: Loading) -> object:
        met.wait(20)
        raise ValueError("another shape")

    with pytest.raises(ModelError, match="its weights are missing"):
        loaded({"text.first": missing, "text.second": unfit})


def test_a_card_that_a_user_chose_and_does_not_serve_is_named() -> None:
    def unfit(loading: Loading) -> object:
        raise ValueError("another shape")

    with pytest.raises(ConfigurationError, match=r"a card does not serve text\.first: .*shape"):
        loaded({"text.first": unfit}, chosen=("text.first",))
    with pytest.raises(ValueError, match="another shape"):
        loaded({"text.first": unfit})
