"""`docker compose up --wait` starts everything, and when it returns the demo works."""

from __future__ import annotations

import json
import time
from uuid import uuid4

import httpx
import pytest
import yaml

from streamgauge_demo.parts.dagster_client import DagsterClient
from streamgauge_demo.parts.ports import free_ports

from .composition import Composition, images_instead
from .conftest import REPOSITORY

pytestmark = [pytest.mark.containers, pytest.mark.timeout(1800)]

FILE = REPOSITORY / "compose.yaml"
SERVICES = yaml.safe_load(FILE.read_text())["services"]
STREAM = ("kafka", "orders_placed")
TRACED = {"orders-api", "fulfillment-service", "billing-service", "streamgauge"}
SOON_SECONDS = 60
RECOVERY_SECONDS = 180
DEFINED = """
{ assetNodes { assetKey { path } assetChecksOrError {
  ... on AssetChecks { checks { name } } } } }
"""


@pytest.fixture(scope="module")
def ports():
    """Free ports for what is published, by the variable that sets them."""
    names = ("DAGSTER_PORT", "STATUS_PORT", "JAEGER_PORT")
    return dict(zip(names, free_ports(len(names)), strict=True))


@pytest.fixture(scope="module")
def up(engine, images, built, ports, tmp_path_factory):
    """The demo after `up --wait`; in the end it must stop cleanly and leave nothing."""
    own = {}
    for name, service in SERVICES.items():
        if "build" in service:
            own[name] = built(service["build"]["dockerfile"])
        else:
            images.provide(service["image"])
    files = [FILE, images_instead(tmp_path_factory.mktemp("compose") / "images.yaml", own)]
    volumes = engine.docker("volume", "ls", "--quiet")
    variables = {name: str(port) for name, port in ports.items()}
    composition = Composition(engine, f"sg{uuid4().hex[:12]}", files, variables)
    try:
        composition.up()
        states = {s: engine.inspect(name) for s, name in composition.containers().items()}
        assert {service for service, state in states.items() if state["RestartCount"]} == set()
        yield composition
        composition.stop()
        ended = {s: engine.inspect(c)["State"] for s, c in composition.containers().items()}
    finally:
        composition.down()
    assert {service: ended[service]["ExitCode"] for service in own} == dict.fromkeys(own, 0)
    assert composition.remains() == ""
    assert engine.docker("volume", "ls", "--quiet") == volumes


@pytest.fixture(scope="module")
def dagster(up, ports):
    """A client of Dagster on its published port."""
    with DagsterClient(f"http://127.0.0.1:{ports['DAGSTER_PORT']}") as client:
        yield client


def soon(what):
    """The first true value of `what()` within a minute."""
    deadline = time.monotonic() + SOON_SECONDS
    while not (value := what()):
        assert time.monotonic() < deadline, f"not within {SOON_SECONDS} s: {what}"
        time.sleep(0.5)
    return value


def test_every_service_is_well(up, engine):
    """All are healthy; the collector alone has no health check."""
    states = {s: engine.inspect(name)["State"] for s, name in up.containers().items()}
    assert all(state["Running"] for state in states.values())
    health = {s: state.get("Health", {}).get("Status") for s, state in states.items()}
    assert health == dict.fromkeys(SERVICES, "healthy") | {"collector": None}


def test_only_three_ports_are_published_and_only_to_this_machine(up, engine, ports):
    """Nobody on the network reaches the demo."""
    bindings = [
        (binding["HostIp"], int(binding["HostPort"]))
        for name in up.containers().values()
        for bound in engine.inspect(name)["HostConfig"]["PortBindings"].values()
        for binding in bound
    ]
    assert sorted(bindings) == sorted(("127.0.0.1", port) for port in ports.values())


def test_gauge_sees_everything_and_has_told_every_sink(up, ports):
    """At once, without another wait: that is what a healthy gauge means."""
    status = httpx.get(f"http://127.0.0.1:{ports['STATUS_PORT']}/status", timeout=10).json()
    stream = status["streams"]["orders"]
    assert (stream["completeness"], stream["blind"]) == (1, [])
    assert stream["totals"]["records"] > 0
    assert stream["sinks"].keys() == {"dagster", "otlp_metrics", "otlp_traces"}
    assert all(sink["delivered"] for sink in stream["sinks"].values())


def test_records_flow_into_dagster(dagster):
    """From one observation to the next the total grows."""
    first = dagster.observations(STREAM, 1)[0].metadata["records_total"]
    soon(lambda: dagster.observations(STREAM, 1)[0].metadata["records_total"] > first)


def test_goes_on_after_kafka_and_dagster_were_restarted(up, engine, dagster):
    """Both have kept what they had: the life of the totals does not end."""
    before = dagster.observations(STREAM, 1)[0]
    containers = up.containers()
    engine.docker("restart", containers["kafka"], containers["dagster"])
    for service in SERVICES.keys() - {"collector"}:
        engine.wait_healthy(containers[service], RECOVERY_SECONDS)
    after = soon(lambda: _newer(dagster.observations(STREAM, 1)[0], before))
    assert after.metadata["life"] == before.metadata["life"]


def test_every_defined_check_is_evaluated(dagster):
    """Dagster knows the checks of stream and dead letters, and what each says."""
    nodes = dagster.graphql(DEFINED)["assetNodes"]
    defined = {
        (tuple(node["assetKey"]["path"]), check["name"])
        for node in nodes
        for check in node["assetChecksOrError"]["checks"]
    }
    assert {asset for asset, _ in defined} == {STREAM, ("kafka", "orders_placed_dlq")}
    for asset, check in defined:
        soon(lambda asset=asset, check=check: dagster.check_executions(asset, check, 1))


def test_traces_of_all_arrive_at_the_backend(up, engine, images, ports):
    """Producer, both consumers and the gauge itself are there."""
    if images.stand_in(SERVICES["jaeger"]["image"]):
        name = up.containers()["jaeger"]

        def traced():
            lines = engine.docker("exec", name, "cat", "/tmp/traces.jsonl").splitlines()  # noqa: S108
            return {service for line in lines for service in _service_names(json.loads(line))}
    else:

        def traced():
            url = f"http://127.0.0.1:{ports['JAEGER_PORT']}/api/services"
            return set(httpx.get(url, timeout=10).json()["data"])

    soon(lambda: traced() >= TRACED)


def _newer(observation, before):
    """The observation if its total exceeds the earlier one's, else None."""
    grown = observation.metadata["records_total"] > before.metadata["records_total"]
    return observation if grown else None


def _service_names(exported):
    """The names in a request of OTLP's JSON encoding."""
    for resource in exported["resourceSpans"]:
        for attribute in resource["resource"]["attributes"]:
            if attribute["key"] == "service.name":
                yield attribute["value"]["stringValue"]
