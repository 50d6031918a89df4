"""The launcher takes the best kind of broker that runs, and tells why it is not a better one."""

import pytest

from streamgauge_demo.parts.broker import BrokerUnavailableError, launch_broker
from streamgauge_demo.parts.broker_mock import MockBroker
from streamgauge_demo.parts.kafka_node import find_java
from streamgauge_demo.parts.ports import free_ports


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch, tmp_path):
    """No broker named, no container engine, no Java, no Maven."""
    for name in ("KAFKA_BOOTSTRAP", "STREAMGAUGE_BROKER", "JAVA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setenv("PATH", str(tmp_path))


def test_given_broker_goes_first(monkeypatch):
    """KAFKA_BOOTSTRAP is used as it is, and not stopped by us."""
    with MockBroker() as other:
        monkeypatch.setenv("KAFKA_BOOTSTRAP", other.bootstrap_servers)
        for _ in range(2):
            with launch_broker() as broker:
                assert (broker.kind, broker.bootstrap_servers) == ("given", other.bootstrap_servers)


def test_silent_given_broker_is_an_error(monkeypatch):
    """A typo in KAFKA_BOOTSTRAP does not end in another broker."""
    (port,) = free_ports(1)
    monkeypatch.setenv("KAFKA_BOOTSTRAP", f"127.0.0.1:{port}")
    with pytest.raises(BrokerUnavailableError, match=f"127.0.0.1:{port}"):
        launch_broker()


def test_forced_kind_goes_before_the_given_one(monkeypatch):
    """STREAMGAUGE_BROKER wins, so that each kind can be tested anywhere."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("STREAMGAUGE_BROKER", "mock")
    with launch_broker() as broker:
        assert broker.kind == "mock"


@pytest.mark.parametrize(("kind", "reason"), [("java", "no java"), ("container", "no.sock")])
def test_forced_kind_that_cannot_run_is_an_error(monkeypatch, kind, reason):
    """A forced kind is never replaced."""
    monkeypatch.setenv("STREAMGAUGE_BROKER", kind)
    with pytest.raises(BrokerUnavailableError, match=reason):
        launch_broker()


def test_unknown_kind_is_an_error(monkeypatch):
    """The error lists the kinds."""
    monkeypatch.setenv("STREAMGAUGE_BROKER", "kafka")
    with pytest.raises(ValueError, match="container, java or mock"):
        launch_broker()


def test_mock_is_the_last_resort_and_says_so():
    """Its limits begin with why nothing better runs."""
    with launch_broker() as broker:
        assert broker.kind == "mock"
        assert "by container" in broker.limits[0]
        assert "by java" in broker.limits[1]


def test_old_java_is_refused(monkeypatch, tmp_path):
    """The error shows the version that was found."""
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(BrokerUnavailableError, match=r"11\.0\.2"):
        find_java()
