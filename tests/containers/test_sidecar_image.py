"""The sidecar's image holds the sidecar alone and runs with nothing that it does not need."""

from __future__ import annotations

import json
import time
from uuid import uuid4

import pytest
import yaml

pytestmark = [pytest.mark.containers, pytest.mark.timeout(1800)]

HEALTHY_SECONDS = 90
GRACE_SECONDS = 20
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
PACKAGES = "import json, sys, pkgutil; print(json.dumps([m.name for m in pkgutil.iter_modules()]))"


@pytest.fixture(scope="module")
def image(built):
    """The image as `make image` builds it."""
    return built("service/Dockerfile")


@pytest.fixture
def gauge(engine, image, tmp_path):
    """A hardened gauge in a container, whose broker is away."""
    path = tmp_path / "streamgauge.yaml"
    streams = {"orders": {"topic": "orders.placed"}}
    path.write_text(yaml.safe_dump({
        "kafka": {"bootstrap_servers": "127.0.0.1:1"},
        "web": {"listen": "127.0.0.1:8080"},
        "streams": streams,
    }))  # fmt: skip
    path.chmod(0o644)
    name = f"streamgauge-test-{uuid4().hex[:12]}"
    mount = f"type=bind,source={path},target=/etc/streamgauge/streamgauge.yaml,readonly"
    engine.docker("run", "--detach", "--name", name, *HARDENED, "--mount", mount, image)
    yield name
    engine.docker("rm", "--force", "--volumes", name)


def test_has_the_sidecar_and_nothing_of_the_demo_or_the_tests(engine, image):
    """What Python can import there."""
    told = engine.docker("run", "--rm", "--entrypoint", "python", image, "-c", PACKAGES)
    names = set(json.loads(told))
    assert "streamgauge" in names
    strangers = {"dagster", "pytest", "confluent_kafka", "testcontainers", "pip", "setuptools"}
    assert not names & strangers
    assert {name for name in names if name.startswith("streamgauge")} == {"streamgauge"}


def test_is_healthy_without_rights_and_stops_cleanly(engine, gauge):
    """Read-only, without capabilities, as nobody in particular; SIGTERM ends it with 0."""
    engine.wait_healthy(gauge, HEALTHY_SECONDS)
    assert engine.docker("exec", gauge, "id", "-u").strip() == "65532"
    assert not engine.try_docker("exec", gauge, "touch", "/opt/streamgauge/here")
    began = time.monotonic()
    engine.docker("stop", "--time", GRACE_SECONDS, gauge)
    assert time.monotonic() - began < GRACE_SECONDS
    assert engine.inspect(gauge)["State"]["ExitCode"] == 0
    last = json.loads(engine.log(gauge).splitlines()[-1])
    assert last["event"] == "service_stopped"
