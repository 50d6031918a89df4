"""Several processes share one server, which ends with the last of them."""

import json
import subprocess
import sys
import time

import pytest

from streamgauge_demo.parts.broker_contract import BrokerUnavailableError
from streamgauge_demo.parts.broker_mock import MockBroker
from streamgauge_demo.parts.shared import share_broker

USER = """
import sys, time
from pathlib import Path
from streamgauge_demo.parts.shared import share_broker
broker = share_broker(Path(sys.argv[1]))
print(broker.kind, broker.bootstrap_servers, flush=True)
time.sleep(600)
"""
DEADLINE_SECONDS = 20.0


@pytest.fixture
def given(monkeypatch):
    """A broker that the launcher is told to use: cheap to share."""
    monkeypatch.delenv("STREAMGAUGE_BROKER", raising=False)
    with MockBroker() as mock:
        monkeypatch.setenv("KAFKA_BOOTSTRAP", mock.bootstrap_servers)
        yield mock


def test_all_use_one_and_the_last_one_ends_it(given, tmp_path):
    """It lasts while one user is left, even when the others were killed."""
    with subprocess.Popen(
        [sys.executable, "-c", USER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline().split() == ["given", given.bootstrap_servers]
        description = tmp_path / "broker.json"
        written = description.stat().st_mtime_ns
        with share_broker(tmp_path) as mine:
            assert mine.bootstrap_servers == given.bootstrap_servers
            other.kill()
            other.wait()
            assert description.stat().st_mtime_ns == written
        deadline = time.monotonic() + DEADLINE_SECONDS
        while description.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_mock_is_not_shared(monkeypatch, tmp_path):
    """Each user has its own mock broker, with the reasons why it is one."""
    monkeypatch.setenv("STREAMGAUGE_BROKER", "mock")
    with share_broker(tmp_path) as first, share_broker(tmp_path) as second:
        assert first.kind == second.kind == "mock"
        assert first.bootstrap_servers != second.bootstrap_servers
        assert "STREAMGAUGE_BROKER" in first.limits[0]


def test_all_are_told_why_it_does_not_run(monkeypatch, tmp_path):
    """The second user is told the same without another try."""
    monkeypatch.setenv("STREAMGAUGE_BROKER", "container")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    for _ in range(2):
        with pytest.raises(BrokerUnavailableError, match=r"no\.sock"):
            share_broker(tmp_path)
    assert "unavailable" in json.loads((tmp_path / "broker.json").read_text())


def test_failing_keeper_is_told_with_its_log(monkeypatch, tmp_path):
    """A wrong setting reaches the user, not only a log file."""
    monkeypatch.setenv("STREAMGAUGE_BROKER", "nonsense")
    with pytest.raises(RuntimeError, match="container, java or mock"):
        share_broker(tmp_path)
