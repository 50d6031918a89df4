"""Free ports are different, free, and out of the way of outgoing connections."""

import socket

import pytest

from streamgauge_demo.parts.ports import free_ports


def test_ports_are_different_and_can_be_bound():
    """All of them can be bound at the same time."""
    ports = free_ports(20)
    assert len(set(ports)) == 20
    sockets = [socket.create_server(("127.0.0.1", port)) for port in ports]
    for bound in sockets:
        bound.close()


def test_ports_are_below_those_of_outgoing_connections():
    """No client's own port can be one of them."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        lowest_seen = min(server.getsockname()[1], 32_768)
    assert max(free_ports(100)) < lowest_seen


def test_an_address_that_is_not_here_is_refused():
    """Where nothing can be bound, an error says so."""
    with pytest.raises(OSError, match="0 of 1 free ports"):
        free_ports(1, "192.0.2.1")
