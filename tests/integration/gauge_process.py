"""A gauge as a child process, its configuration, and what it says."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import httpx
import yaml

if TYPE_CHECKING:
    from pathlib import Path

READY_SECONDS = 45
RUN = (sys.executable, "-m", "streamgauge", "run", "--config")


def configuration(bootstrap_servers, streams, **more):
    """A configuration with short periods and one entry for each stream: a topic, or settings."""
    given = {n: each if isinstance(each, dict) else {"topic": each} for n, each in streams.items()}
    # topics are new ones in each test, and so are the groups that keep what is counted of them
    groups = {n: {"state_group": f"streamgauge.{n}.{each['topic']}"} for n, each in given.items()}
    entries = {
        name: {"window": "2s"} | (groups[name] if entry.get("keep_state", True) else {}) | entry
        for name, entry in given.items()
    }
    return {
        "kafka": {"bootstrap_servers": bootstrap_servers, "request_timeout": "5s"},
        "web": {"listen": "127.0.0.1:0"},
        "streams": entries,
    } | more


def asset_of(topic):
    """The asset key that stands for a topic if none is configured."""
    return ["kafka", topic.replace("-", "_").replace(".", "_")]


def otlp_variables(endpoint, protocol="grpc"):
    """The environment that points the SDK to a collector, with short periods."""
    return {
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_METRIC_EXPORT_INTERVAL": "500",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }


def wait_until(what, seconds=30.0, every=0.05):
    """The first true value of `what()`; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(every)


class GaugeProcess:
    """`streamgauge run` as a child process, with its log lines as they come."""

    def __init__(self, folder: Path, config: dict, environ: dict[str, str], command=RUN) -> None:
        path = folder / "streamgauge.yaml"
        path.write_text(yaml.safe_dump(config))
        self.lines: list[dict] = []
        own = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "STREAMGAUGE_"))}
        self.process = subprocess.Popen(
            [*command, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=own | environ,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stderr:
            try:
                self.lines.append(json.loads(line))
            except ValueError:
                self.lines.append({"event": "not json", "line": line.decode(errors="replace")})

    def events(self, name: str) -> list[dict]:
        """The log lines with this event name."""
        return [line for line in list(self.lines) if line.get("event") == name]

    def wait_for(self, name: str, seconds: float = READY_SECONDS) -> dict:
        """The first log line with this event name."""
        deadline = time.monotonic() + seconds
        while not self.events(name):
            assert self.process.poll() is None, self.lines
            assert time.monotonic() < deadline, f"no {name} in {self.lines}"
            time.sleep(0.02)
        return self.events(name)[0]

    @property
    def url(self) -> str:
        """Where the web server listens."""
        return "http://" + self.wait_for("web_listening")["address"]

    def get(self, path: str) -> httpx.Response:
        """One GET of the web server."""
        return httpx.get(self.url + path, timeout=5)

    def wait_ready(self) -> None:
        """Return when every stream's first assignment is done."""
        wait_until(lambda: self.get("/readyz").status_code == 200, READY_SECONDS)

    def stream(self, name: str = "orders") -> dict:
        """The stream's part of /status; empty before its first snapshot."""
        return self.get("/status").json()["streams"].get(name, {})

    def wait_seen(self, name: str = "orders") -> None:
        """Return when the gauge sees everything of the stream."""
        wait_until(lambda: self.stream(name).get("completeness") == 1, READY_SECONDS)

    def wait_counted(self, records: int, name: str = "orders", seconds: float = 30) -> None:
        """Return when so many records are counted."""
        wait_until(lambda: self.stream(name)["totals"]["records"] >= records, seconds)
        assert self.stream(name)["totals"]["records"] == records

    def level(self, check: str, name: str = "orders") -> str | None:
        """What a check says."""
        return self.stream(name).get("checks", {}).get(check, {}).get("level")

    def stop(self, number: int = signal.SIGTERM, seconds: float = 20) -> tuple[int, float]:
        """Exit code and seconds from the signal to the end."""
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.wait(seconds)
        return code, time.monotonic() - began

    def wait(self, seconds: float = 20) -> int:
        """Exit code, once the process has ended and all its lines are read."""
        code = self.process.wait(seconds)
        self._reader.join(5)
        return code

    def close(self) -> None:
        """Leave no process behind."""
        if self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(5)
        self.process.stderr.close()
