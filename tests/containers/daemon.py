"""A Docker daemon of our own: its socket, data and processes are private, and end with us."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from streamgauge_demo.parts.child import Child

START_SECONDS = 60
STOP_SECONDS = 60
BRIDGE = "docker0"


class Daemon:
    """A running `dockerd`, whose containers live in a process and mount namespace of its own.

    So nothing of it outlives the daemon, however that ended. It changes no firewall: published
    ports are forwarded by a process each, and containers reach each other but not the outside.

    Attributes:
        host: where it answers, as `DOCKER_HOST` has it.
    """

    def __init__(self, folder: Path) -> None:
        """Start it in an empty folder and return when it answers.

        Raises:
            RuntimeError: it ended or did not answer in time; has the end of its log.
        """
        self._had_bridge = _exists(BRIDGE)
        path = folder / "docker.sock"
        self.host = f"unix://{path}"
        files = most_open_files()
        configuration = {
            "hosts": [self.host],
            "data-root": str(folder / "data"),
            "exec-root": str(folder / "run"),
            "pidfile": str(folder / "pid"),
            "iptables": False,
            "ip6tables": False,
            "ip-forward": False,
            "default-ulimits": {"nofile": {"Name": "nofile", "Hard": files, "Soft": files}},
        }
        (folder / "daemon.json").write_text(json.dumps(configuration))
        own_namespaces = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child"]
        self._child = Child(
            [*own_namespaces, "dockerd", "--config-file", str(folder / "daemon.json")], folder
        )
        deadline = time.monotonic() + START_SECONDS
        while not _answers(path):
            if not self._child.running or time.monotonic() > deadline:
                log = self._child.log_tail()
                self.stop()
                raise RuntimeError(f"dockerd did not start; its log ends with:\n{log}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End it with all containers, and remove the bridge that it made."""
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self._child.running and time.monotonic() < deadline:
            time.sleep(0.1)
        self._child.kill()
        if not self._had_bridge and _exists(BRIDGE):
            subprocess.run(["ip", "link", "delete", BRIDGE], check=True, timeout=STOP_SECONDS)  # noqa: S607


def most_open_files() -> int:
    """The limit of open files that containers get: not above our own, which may be all there is."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)


def _exists(interface: str) -> bool:
    return Path("/sys/class/net", interface).exists()


def _answers(path: Path) -> bool:
    """Tell whether the daemon answers a ping of the Docker API."""
    with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
        connection.settimeout(5)
        connection.connect(str(path))
        connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        return b"200 OK" in connection.recv(100)
    return False
