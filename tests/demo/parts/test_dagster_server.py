"""The Dagster server is a real one: what is reported to it is read back, also after a kill."""

import tempfile
import time
from pathlib import Path

import httpx
import pytest

from streamgauge_demo.parts.dagster_server import launch_dagster_server

DEFINITIONS = """
import dagster as dg

defs = dg.Definitions(assets=[dg.AssetSpec(["kafka", "orders"])])
"""


def report(server, kind, **body):
    """Report as a reporter from outside does."""
    answer = httpx.post(f"{server.base_url}/report_asset_{kind}/", json=body)
    assert (answer.status_code, answer.json()) == (200, {})


def test_reads_back_an_observation(dagster_server, topic_name):
    """An observation for a key that nobody has defined comes back with all its values."""
    key = ["kafka", topic_name()]
    metadata = {
        "int": 2**40,
        "float": 1.5,
        "bool": True,
        "text": "t",
        "json": {"a": [1]},
        "null": None,
    }
    before_ms = time.time() * 1_000
    report(dagster_server, "observation", asset_key=key, metadata={"n": 1}, data_version="v1")
    report(dagster_server, "observation", asset_key=key, metadata=metadata, description="d")
    last, first = dagster_server.observations(key)
    assert last.metadata == metadata
    assert type(last.metadata["bool"]) is bool
    assert (last.description, last.data_version, last.partition) == ("d", None, None)
    assert (first.metadata, first.data_version, first.run_id) == ({"n": 1}, "v1", "")
    assert before_ms - 1 <= first.timestamp_ms <= last.timestamp_ms <= time.time() * 1_000 + 1
    assert dagster_server.observations(key, limit=1) == [last]
    assert dagster_server.observations(["never", "reported"]) == []


def test_reads_back_a_check(dagster_server, topic_name):
    """A check evaluation comes back with its verdict, severity and time."""
    key = ["kafka", topic_name()]
    before_ms = time.time() * 1_000
    check = {"asset_key": key, "check_name": "lag", "passed": False}
    report(dagster_server, "check", severity="WARN", metadata={"lag": 7}, **check)
    (found,) = dagster_server.check_executions(key, "lag")
    assert (found.passed, found.severity, found.metadata) == (False, "WARN", {"lag": 7})
    assert before_ms - 1 <= found.timestamp_ms <= time.time() * 1_000 + 1
    assert dagster_server.check_executions(key, "other") == []


def test_refused_query_is_told(dagster_server):
    """GraphQL's own error comes through."""
    with pytest.raises(RuntimeError, match="nonsense"):
        dagster_server.graphql("{ nonsense }")


@pytest.fixture
def temporary_folder(monkeypatch):
    """A temporary folder of this test alone; its path is short, for it has to hold sockets."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def test_serves_definitions_and_survives_a_kill(temporary_folder):
    """Definitions are known, what was recorded outlives SIGKILL, and nothing is left at the end."""
    with launch_dagster_server(DEFINITIONS, path_prefix="/dagster") as server:
        defined = server.graphql("{ assetNodes { assetKey { path } } }")
        assert defined == {"assetNodes": [{"assetKey": {"path": ["kafka", "orders"]}}]}
        report(server, "observation", asset_key=["kafka", "orders"], metadata={"n": 1})
        server.kill()
        assert not server.answers()
        server.restart()
        assert [found.metadata for found in server.observations(["kafka", "orders"])] == [{"n": 1}]
        assert server.home.parent == temporary_folder
    assert list(temporary_folder.iterdir()) == []


@pytest.mark.parametrize(
    ("definitions", "options", "reason"),
    [
        (None, ["--no-such-option"], "--no-such-option"),
        ("raise RuntimeError('broken on purpose')", [], "broken on purpose"),
    ],
)
def test_failed_start_tells_why_and_leaves_nothing(temporary_folder, definitions, options, reason):
    """What Dagster says of a wrong option or of broken definitions is told."""
    with pytest.raises(RuntimeError, match=reason):
        launch_dagster_server(definitions, options=options)
    assert list(temporary_folder.iterdir()) == []
