"""The page about sensors names every entry, and its definitions work."""

import json
import re
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml

from streamgauge.model import Level
from streamgauge_dagster.sensors.alert import Alert
from streamgauge_dagster.sensors.gauge_reporting import judge, metadata_of
from streamgauge_dagster.sensors.poll_memory import Polled
from streamgauge_dagster.sensors.poll_report import advance, poll_observation
from streamgauge_dagster.sensors.polled import Found, PolledStream, PolledTopic

from .gauge import LAG, STREAM

PAGE = Path(__file__).parents[3] / "docs" / "dagster-sensors.md"
SHOW = """
graph = defs.resolve_asset_graph()
print(sorted(sensor.name for sensor in defs.sensors))
print(sorted(key.name for key in graph.asset_check_keys))
"""


def blocks(language):
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def entries(title):
    """The names in the first column of a table with types, under a heading."""
    section = re.split(r"^##+ ", PAGE.read_text(), flags=re.MULTILINE)
    (text,) = (each for each in section if each.startswith(title))
    rows = re.findall(
        r"^\| (`[^|]*) \| [^|]*(?:Int|Float|Text|Json|Timestamp|Table|Url)", text, re.MULTILINE
    )
    return {name for row in rows for name in re.findall(r"`([\w/]+)`", row)}


@pytest.mark.parametrize(
    ("number", "sensors"),
    [
        (0, ["kafka__orders_placed_trigger", "streamgauge_alerts", "streamgauge_observations"]),
        (1, ["streamgauge_poll"]),
    ],
)
def test_definitions_of_the_page_load(tmp_path, number, sensors):
    """In a process of their own; nothing is connected to."""
    orders = {"topic": "orders.placed", "groups": ["billing"]}
    settings = {"kafka": {"bootstrap_servers": "no-such-host:9092"}, "streams": {"orders": orders}}
    (tmp_path / "streamgauge.yaml").write_text(yaml.safe_dump(settings))
    done = subprocess.run(
        [sys.executable, "-c", blocks("python")[number] + SHOW],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    told, checks = done.stdout.splitlines()
    assert told == str(sensors)
    assert "gauge_reporting" in checks


def test_entries_of_a_poll_are_named():
    """All of them, and no other."""
    topic = PolledTopic(asset_key=STREAM, topic="orders.placed")
    stream = PolledStream(name="orders", topics=(topic,))
    found = Found(
        topic_id="t",
        partitions=(0, 1),
        start={0: 0, 1: 0},
        end={0: 5, 1: 0},
        time_lag_seconds={"billing": 1.0},
        newest_ms=1_000,
        trouble=("the right is missing",),
    )
    polled, period = advance(Polled(), found, "a-life", 1_000)
    told = poll_observation(stream, topic, polled, period, found).metadata
    assert entries("Without a gauge") == told.keys() | {"lag", "groups"}


def test_entries_of_gauge_reporting_are_named():
    """All of them, and no other."""
    verdict = judge(1, watched_since_ms=0, silent_after_ms=10, now_ms=100)
    assert (
        entries("`gauge_reporting`") == metadata_of(verdict, silent_after_ms=10, now_ms=100).keys()
    )


def test_the_body_of_an_alert_is_that_of_the_page():
    """To the letter."""
    (document,) = map(json.loads, blocks("json"))
    metadata = {
        "reason": document["reason"],
        "since": "2026-01-31T12:34:56.789Z",
        "value": 120_000,
        "limit": 100_000.0,
        "unit": "records",
    }
    evaluation = dg.AssetCheckEvaluation(
        asset_key=LAG.asset_key, check_name=LAG.name, passed=False, metadata=metadata
    )
    alert = Alert(LAG, None, Level.FAIL, 1, evaluation, 1_769_862_897.5)
    assert alert.document(None) == document


def test_a_policy_is_yaml():
    """For Dagster+."""
    (policies,) = map(yaml.safe_load, blocks("yaml"))
    assert policies["alert_policies"][0]["event_types"] == ["ASSET_CHECK_SEVERITY_ERROR"]
