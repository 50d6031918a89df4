"""The broker that tests and demo get from testcontainers keeps the contract of brokers."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from .conftest import REPOSITORY

pytestmark = [pytest.mark.containers, pytest.mark.timeout(1800)]

KAFKA = "apache/kafka:4.3.1"
TESTS = ("tests/demo/parts/test_broker_contract.py", "tests/demo/parts/test_broker_launch.py")
RUN_SECONDS = 600


def test_broker_in_a_container_passes_the_brokers_tests(engine, images, tmp_path):
    """All of them and none skipped, in a run of its own; no container is left."""
    images.provide(KAFKA)
    before = engine.docker("ps", "--all", "--quiet")
    report = tmp_path / "report.xml"
    settings = {
        "STREAMGAUGE_BROKER": "container",
        # ports are published on this machine, though it may be a container itself
        "TESTCONTAINERS_CONNECTION_MODE": "docker_host",
        "TESTCONTAINERS_RYUK_DISABLED": "true",  # one more image to pull
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *TESTS, f"--junit-xml={report}", "-p", "no:cacheprovider"],
        cwd=REPOSITORY,
        env=engine.environment | settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=RUN_SECONDS,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    cases = ET.parse(report).getroot().iter("testcase")  # noqa: S314 - pytest's own
    told = {case.get("name"): case.find("skipped") for case in cases}
    assert any("[real]" in name for name in told)
    assert {name for name, skipped in told.items() if skipped is not None} == set()
    assert engine.docker("ps", "--all", "--quiet") == before
