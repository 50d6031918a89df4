"""A child ends with its parent, however the parent ends, and takes its own children along."""

import os
import signal
import subprocess
import sys
import time

import pytest

from streamgauge_demo.parts.child import Child

FAMILY = ["/bin/sh", "-c", "sleep 600 & echo $!; wait"]
DEADLINE_SECONDS = 20.0

PARENT = """
import signal, sys, time
from pathlib import Path
from streamgauge_demo.parts.child import Child
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the run is in background
folder = Path(sys.argv[1])
child = Child(["/bin/sh", "-c", "sleep 600 & echo $!; wait"], folder)
while not child.log_tail().endswith("\\n"):
    time.sleep(0.01)
print(child.pid, child.log_tail().strip(), flush=True)
time.sleep(600)
"""


def alive(pid):
    """Tell whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(condition):
    """Wait for a condition; fail if it does not come."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def family(tmp_path):
    """A child and the pid of the grandchild that it has started."""
    child = Child(FAMILY, tmp_path)
    until(lambda: child.log_tail().endswith("\n"))
    yield child, int(child.log_tail())
    child.kill()


def test_kill_ends_the_grandchild_too(family):
    """The whole group is gone when kill() returns, and a second kill() does nothing."""
    child, grandchild = family
    assert alive(grandchild)
    child.kill()
    until(lambda: not alive(grandchild))
    assert not child.running
    child.kill()


def test_terminate_lets_the_child_end_itself(tmp_path):
    """SIGTERM comes first: what the child does on it is done when terminate() returns."""
    script = 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.05; done'
    child = Child(["/bin/sh", "-c", script], tmp_path)
    until(lambda: "up" in child.log_tail())
    child.terminate(grace_seconds=10.0)
    assert child.log_tail().splitlines()[-1] == "bye"


def test_terminate_kills_a_child_that_does_not_listen(tmp_path):
    """The grace has an end."""
    child = Child(
        ["/bin/sh", "-c", 'trap "" TERM; echo up; while :; do sleep 0.05; done'], tmp_path
    )
    until(lambda: "up" in child.log_tail())
    child.terminate(grace_seconds=0.2)
    assert not child.running


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_outlives_the_parent(tmp_path, end):
    """A parent that is killed or interrupted leaves no process and no folder behind."""
    folder = tmp_path / "child"
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        stderr=subprocess.DEVNULL,
    ) as parent:
        child, grandchild = map(int, parent.stdout.readline().split())
        assert alive(child)
        assert alive(grandchild)
        parent.send_signal(end)
    until(lambda: not alive(child) and not alive(grandchild) and not folder.exists())
