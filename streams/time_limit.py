"""A limit on calls into native code that may never return."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def within(limit_s: float, action: Callable[[], T]) -> T:
    """The result of `action`, or what it raises; TimeoutError where it has not ended by then.

    It runs in a thread of its own, which is left behind where it does not end. Nothing that it
    uses may be used again then, and the process should end.
    """
    ended: Future[T] = Future()
    Thread(target=_run, args=(ended, action), name="limited", daemon=True).start()
    return ended.result(limit_s)


def _run(ended: Future[T], action: Callable[[], T]) -> None:
    try:
        ended.set_result(action())
    except Exception as error:  # noqa: BLE001  # it is the caller's, who gets it
        ended.set_exception(error)
