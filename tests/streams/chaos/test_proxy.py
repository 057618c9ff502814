"""The network that can be cut: nothing passes, nothing is closed, and nothing is lost."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from earmark.streams.chaos.proxy import Proxy
from earmark.streams.local.port import HOST

SILENCE_S = 0.3  # long enough for what is not held back to arrive


class Line:
    """Both ends of a connection through the proxy."""

    def __init__(self, proxy: Proxy, server: socket.socket) -> None:
        self.proxy = proxy
        self.server = server
        self.outer = socket.create_connection((HOST, proxy.port), timeout=10)
        self.inner, _ = server.accept()
        self.inner.settimeout(10)

    def close(self) -> None:
        self.outer.close()
        self.inner.close()


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server((HOST, 0)) as listening:
        listening.settimeout(10)
        yield listening


@pytest.fixture
def line(server: socket.socket) -> Iterator[Line]:
    proxy = Proxy(server.getsockname()[1])
    proxy.start()
    with closing(Line(proxy, server)) as both:
        yield both
    proxy.stop()


def is_silent(end: socket.socket) -> bool:
    end.settimeout(SILENCE_S)
    try:
        end.recv(1)
    except TimeoutError:
        return True
    finally:
        end.settimeout(10)
    return False


def test_what_is_sent_arrives_in_both_directions(line: Line) -> None:
    line.outer.sendall(b"there")
    line.inner.sendall(b"and back")
    assert (line.inner.recv(100), line.outer.recv(100)) == (b"there", b"and back")


def test_through_a_cut_nothing_passes_and_afterwards_all_of_it_does(line: Line) -> None:
    line.proxy.cut()
    line.outer.sendall(b"there")
    line.inner.sendall(b"and back")
    assert is_silent(line.inner)
    assert is_silent(line.outer)
    line.proxy.mend()
    assert (line.inner.recv(100), line.outer.recv(100)) == (b"there", b"and back")


def test_through_a_cut_the_end_of_a_connection_is_not_seen(line: Line) -> None:
    line.proxy.cut()
    line.inner.close()
    assert is_silent(line.outer)
    line.proxy.mend()
    assert line.outer.recv(1) == b""


def test_a_connection_that_is_made_in_a_cut_stays_silent_until_it_is_over(line: Line) -> None:
    line.proxy.cut()
    with socket.create_connection((HOST, line.proxy.port), timeout=10) as late:
        late.sendall(b"hello")
        assert is_silent(late)
        line.proxy.mend()
        inner, _ = line.server.accept()
        with inner:
            assert inner.recv(100) == b"hello"


def test_what_one_end_closes_the_other_sees_closed(line: Line) -> None:
    line.outer.close()
    assert line.inner.recv(1) == b""


def test_where_nobody_listens_a_connection_is_closed_at_once(line: Line) -> None:
    line.server.close()
    with socket.create_connection((HOST, line.proxy.port), timeout=10) as refused:
        assert refused.recv(1) == b""


def test_stopping_it_closes_all_connections(line: Line) -> None:
    line.proxy.cut()  # even then
    line.proxy.stop()
    assert line.outer.recv(1) == b""
    assert line.inner.recv(1) == b""
