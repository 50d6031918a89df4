"""The definitions in a real webserver: what it shows, and what executing leaves there."""

import dagster as dg
import httpx
import pytest
import yaml

from streamgauge_dagster import build_definitions
from streamgauge_demo.parts.dagster_server import launch_dagster_server

from .reporting import CHECKS_OF_DEAD_LETTERS, FRESH, LETTERS, ORDERS, STREAM, checks_of_groups

pytestmark = pytest.mark.timeout(240)  # a webserver is started, which takes long on a busy machine
SHOWN = """
{ assetNodes { assetKey { path } isObservable isExecutable kinds groupName description
    dependencyKeys { path } metadataEntries { label ... on TextMetadataEntry { text } }
    assetChecksOrError { ... on AssetChecks {
      checks { name description blocking canExecuteIndividually } } } } }
"""


@pytest.fixture(scope="module")
def config_path(tmp_path_factory):
    """The configuration that webserver and tests read."""
    path = tmp_path_factory.mktemp("gauge") / "streamgauge.yaml"
    settings = {"kafka": {"bootstrap_servers": "broker:9092"}, "streams": {"orders": ORDERS}}
    path.write_text(yaml.safe_dump(settings))
    return path


@pytest.fixture(scope="module")
def server(config_path):
    """A webserver with the definitions of the configuration."""
    text = (
        "from streamgauge_dagster import build_definitions\n"
        f"defs = build_definitions({str(config_path)!r}, environ={{}})\n"
    )
    with launch_dagster_server(text) as running:
        yield running


def test_assets_and_checks_are_shown(server):
    """Observable, with lineage, words and the checks that can be executed one by one."""
    nodes = {tuple(each["assetKey"]["path"]): each for each in server.graphql(SHOWN)["assetNodes"]}
    assert {each["isObservable"] and each["isExecutable"] for each in nodes.values()} == {True}
    stream, letters = nodes[tuple(STREAM.path)], nodes[tuple(LETTERS.path)]
    assert letters["dependencyKeys"] == [{"path": list(STREAM.path)}]
    assert (stream["groupName"], set(stream["kinds"])) == ("streams", {"kafka", "streaming"})
    assert stream["description"].startswith("Kafka topic `orders.placed`")
    told = {entry["label"]: entry.get("text") for entry in stream["metadataEntries"]}
    assert told["dagster/uri"] == "kafka://broker:9092/orders.placed"
    checks = {each["name"]: each for each in stream["assetChecksOrError"]["checks"]}
    assert set(checks) == {
        "fresh",
        "arrival_age",
        *checks_of_groups("fulfillment", "billing__"),
    }
    of_letters = {each["name"] for each in letters["assetChecksOrError"]["checks"]}
    assert of_letters == set(CHECKS_OF_DEAD_LETTERS)
    for each in checks.values():
        assert (each["blocking"], each["canExecuteIndividually"]) == (False, "CAN_EXECUTE")
        assert "**fails** above" in each["description"] or each["name"].startswith("forecast")


def test_what_rest_reported_is_repeated_by_a_run(server, config_path):
    """On the webserver's own instance: nothing but the moment of the report is added."""
    key = list(STREAM.path)
    observation = {
        "asset_key": key,
        "data_version": "v1",
        "description": "one sentence",
        "metadata": {"records": 5, "last_message_timestamp": 1.5e9},
    }
    evaluation = {
        "asset_key": key,
        "check_name": "fresh",
        "passed": False,
        "severity": "ERROR",
        "metadata": {"reason": "it is silent", "level": "fail", "value": 1200},
    }
    for route, body in (("observation", observation), ("check", evaluation)):
        httpx.post(f"{server.base_url}/report_asset_{route}/", json=body).raise_for_status()
    defs = build_definitions(config_path, environ={})
    with dg.DagsterInstance.from_config(str(server.home)) as instance:
        job = defs.resolve_implicit_global_asset_job_def()
        part = job.get_subset(asset_selection={STREAM}, asset_check_selection={FRESH})
        run_id = part.execute_in_process(instance=instance).run_id
    observed, reported = server.observations(key)
    assert (observed.run_id, observed.data_version) == (run_id, "v1")
    assert observed.metadata == reported.metadata | {
        "dagster/last_updated_timestamp": 1.5e9,
        "summary": "one sentence",
        "replayed_from": pytest.approx(reported.timestamp_ms / 1000, abs=0.002),
    }
    executed, told = server.check_executions(key, "fresh")
    assert (executed.run_id, executed.passed, executed.severity) == (run_id, False, "ERROR")
    assert executed.description == "it is silent"
    assert executed.metadata == told.metadata | {
        "replayed_from": pytest.approx(told.timestamp_ms / 1000, abs=0.002)
    }
