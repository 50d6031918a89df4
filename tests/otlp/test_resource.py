"""The resource of the process: the environment wins over what is filled in."""

from __future__ import annotations

import socket

from streamgauge.otlp.resource import process_resource


def test_filled_in(monkeypatch):
    """Without any variable it is streamgauge on this host."""
    for name in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(name, raising=False)
    attributes = process_resource("1.2.3", {}).attributes
    assert attributes["service.name"] == "streamgauge"
    assert attributes["service.version"] == "1.2.3"
    assert attributes["service.instance.id"] == socket.gethostname()


def test_instance_is_the_pod(monkeypatch):
    """HOSTNAME is the pod's name in Kubernetes."""
    monkeypatch.delenv("OTEL_RESOURCE_ATTRIBUTES", raising=False)
    attributes = process_resource("1", {"HOSTNAME": "orders-gauge-0"}).attributes
    assert attributes["service.instance.id"] == "orders-gauge-0"


def test_environment_wins(monkeypatch):
    """OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES are the user's word."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "gauges")
    monkeypatch.setenv(
        "OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=mine,deployment.environment.name=test"
    )
    attributes = process_resource("1", {"HOSTNAME": "pod"}).attributes
    assert attributes["service.name"] == "gauges"
    assert attributes["service.instance.id"] == "mine"
    assert attributes["deployment.environment.name"] == "test"
