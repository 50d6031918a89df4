"""The demo from outside: its verdict, what it notices, and what it leaves behind."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from streamgauge_demo import evidence
from streamgauge_demo.proofs.registry import PROOFS, prove

from .run_demo import DEMO, finish, left_behind, start
from .tampering import TAMPERINGS

DOCS = Path(__file__).parents[2] / "docs" / "demo.md"


@pytest.fixture
def folder():
    """A folder with a short path: the name of a socket in it may have a hundred characters."""
    with tempfile.TemporaryDirectory(prefix="demo-", dir="/tmp") as short:
        yield Path(short)


def failing(folder):
    """The names of the proofs that do not hold."""
    return {each.proof.name for each in prove(evidence.read(folder)) if not each.holds}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", ["best", "mock"])
def test_the_demo_proves_itself_and_notices_what_was_falsified(kind, folder, tmp_path):
    """One run on the best broker that runs here and one on the mock; each proof can fail."""
    kept = tmp_path / "kept"
    environ = {"STREAMGAUGE_BROKER": "mock"} if kind == "mock" else {}
    code, output = finish(start(folder, "--keep", str(kept), **environ))
    assert (
        output.rstrip().splitlines()[-2] == f"demo: {len(PROOFS)} of {len(PROOFS)} proofs hold"
    ), output
    assert (code, "\x1b" in output) == (0, False)
    assert left_behind(folder) == []

    noticed = set()
    for name, (tamper, proofs) in TAMPERINGS.items():
        falsified = tmp_path / name
        shutil.copytree(kept, falsified)
        tamper(falsified)
        assert failing(falsified) >= proofs, name
        noticed |= proofs
    assert noticed == {proof.name for proof in PROOFS}
    assert failing(kept) == set()

    judged = subprocess.run([*DEMO, "prove", str(tmp_path / "an order less")], check=False,
                               capture_output=True, text=True)  # fmt: skip
    assert judged.returncode == 1
    assert re.search(rf"demo: \d+ of {len(PROOFS)} proofs hold", judged.stdout)


@pytest.mark.timeout(400)
def test_a_given_broker_and_collector_are_used_and_left_clean(folder, broker, otlp_receiver):
    """The telemetry goes to the collector, and the proofs over it are left out and said so."""
    if broker.kind == "mock":
        pytest.skip("another process than the mock's own cannot be given it as KAFKA_BOOTSTRAP")
    there = evidence.topics_of(broker)
    environ = {
        "KAFKA_BOOTSTRAP": broker.bootstrap_servers,
        "STREAMGAUGE_BROKER": "",
        "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_receiver.grpc_endpoint,
    }
    code, output = finish(start(folder, **environ))
    told = [proof for proof in PROOFS if proof.reads != "OTLP"]
    assert output.rstrip().endswith(f"demo: {len(told)} of {len(told)} proofs hold"), output
    assert (code, len(told) >= 12) == (0, True)
    assert f"{len(PROOFS) - len(told)} proofs need the demo's own OTLP receiver" in output
    assert "streamgauge.records" in otlp_receiver.metric_names()
    assert {span.kind for span in otlp_receiver.spans()} == {"PRODUCER", "CONSUMER"}
    assert not {name for name in evidence.topics_of(broker) - there if "streamgauge-demo" in name}
    assert left_behind(folder) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("seconds", [0.4, 2.0, 5.0, 14.0])
def test_an_interrupted_demo_leaves_nothing_running(seconds, number, folder):
    """At any moment: while it imports, starts its parts, tells the story. Twice, as people do."""
    process = start(folder)
    time.sleep(seconds)
    os.killpg(process.pid, number)
    time.sleep(0.3)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
    code, _ = finish(process, 60)
    assert code != 0
    assert left_behind(folder) == []


def test_what_cannot_run_is_said_in_one_line(folder):
    """A broker that does not answer; no traceback."""
    environ = {"KAFKA_BOOTSTRAP": "127.0.0.1:1", "STREAMGAUGE_BROKER": ""}
    code, output = finish(start(folder, **environ), 60)
    assert code == 1
    assert "demo: KAFKA_BOOTSTRAP is 127.0.0.1:1 and no broker answers there" in output
    assert "Traceback" not in output


def test_the_documentation_lists_the_proofs():
    """docs/demo.md has a row for each, in the same order and with the same words."""
    table = DOCS.read_text().partition("## The proofs")[2]
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    assert rows[1:] == [(proof.name, proof.reads, proof.claim) for proof in PROOFS]
