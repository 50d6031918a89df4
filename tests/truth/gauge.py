"""The gauge as a stranger sees it: a process with a configuration that answers over HTTP."""

from __future__ import annotations

import asyncio
import http.client
import json
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import yaml

from streamgauge_demo.parts.child import Child
from streamgauge_demo.parts.ports import free_ports

from .record_of_truth import Span

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

POLL_SECONDS = 1.0
PATIENCE_SECONDS = POLL_SECONDS + 0.2
"""So old may be what the gauge tells."""
METADATA_SECONDS = 1.0
"""How often the gauge looks whether a topic is another one, or has more partitions."""
SCRAPE_EVERY_SECONDS = 0.25
SCRAPE_TIMEOUT_SECONDS = 2.0
READY_SECONDS = 60.0
STOP_SECONDS = 20.0
STATUS_FOR_SECONDS = 5.0


class Sample(NamedTuple):
    """What one scrape has told; `streams` is None if there was no answer."""

    asked: float
    answered: float
    streams: Mapping[str, dict] | None

    def only(self, names: Collection[str]) -> Sample:
        """What it tells of some streams."""
        if self.streams is None:
            return self
        told = {name: each for name, each in self.streams.items() if name in names}
        return self._replace(streams=told)

    def group(self, stream: str, group: str) -> dict:
        """What is told of a group; empty if nothing is."""
        return ((self.streams or {}).get(stream) or {}).get("groups", {}).get(group, {})

    def processed(self, stream: str, group: str) -> dict:
        """What is counted of what a group has processed; empty if nothing is."""
        return ((self.streams or {}).get(stream) or {}).get("processed", {}).get(group, {})


NOTHING_TOLD = Sample(0.0, 0.0, None)


@dataclass
class Sight:
    """When the gauge could be asked, and could see Kafka."""

    ready: float = 0.0
    """When it was ready for the first time."""
    down: list[Span] = field(default_factory=list)
    """From its end to when it was ready again."""


class Gauge:
    """`streamgauge run` as a child process, scraped all the time.

    Args:
        folder: of its own, for its configuration and its log.
        bootstrap_servers: the cluster.
        streams: the section of that name.
    """

    def __init__(
        self,
        folder: Path,
        bootstrap_servers: str,
        streams: Mapping[str, dict],
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (self._port,) = free_ports(1)
        self._folder = folder
        self._config = folder / "streamgauge.yaml"
        self._config.write_text(
            yaml.safe_dump(
                {
                    "kafka": {
                        "bootstrap_servers": bootstrap_servers,
                        "poll_interval": f"{POLL_SECONDS:g}s",
                        "metadata_max_age": f"{METADATA_SECONDS:g}s",
                    },
                    "web": {"listen": f"127.0.0.1:{self._port}"},
                    "streams": dict(streams),
                }
            )
        )
        self._child: Child | None = None
        self._closed = threading.Event()
        self._scraper = threading.Thread(target=self._scrape, daemon=True)
        self.samples: list[Sample] = []
        self.sight = Sight()

    @property
    def last(self) -> Sample:
        """What was told last; an empty sample before anything was."""
        return self.samples[-1] if self.samples else NOTHING_TOLD

    async def start(self) -> None:
        """Start the process and return when it is ready."""
        command = [sys.executable, "-m", "streamgauge", "run", "--config", str(self._config)]
        self._child = Child(command, self._folder)
        until = time.monotonic() + READY_SECONDS
        while await asyncio.to_thread(self._get, "/readyz") is None:
            if not self._child.running or time.monotonic() > until:
                raise RuntimeError(f"the gauge is not ready; its log:\n{self._child.log_tail()}")
            await asyncio.sleep(0.05)
        if not self._scraper.is_alive():
            self.sight.ready = time.time()
            self._scraper.start()

    async def restart(self) -> None:
        """Stop the process in order and start it again."""
        before = time.time()
        await asyncio.to_thread(self._end)
        await self.start()
        self.sight.down.append(Span(before, time.time()))

    def close(self) -> None:
        """Stop the process and the scraping."""
        self._closed.set()
        if self._scraper.is_alive():
            self._scraper.join(2 * SCRAPE_TIMEOUT_SECONDS)
        self._end()

    def _end(self) -> None:
        if self._child is not None:
            self._child.terminate(STOP_SECONDS)
            self._child = None

    def _scrape(self) -> None:
        due = time.monotonic()
        while not self._closed.wait(max(0.0, due - time.monotonic())):
            due = max(due + SCRAPE_EVERY_SECONDS, time.monotonic())
            asked = time.time()
            body = self._get("/status")
            answered = time.time()
            streams = None if body is None else _reduced(json.loads(body))
            self.samples.append(Sample(asked, answered, streams))

    def _get(self, path: str) -> bytes | None:
        """The body of an answer with status 200; None if there was no such answer."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self._port, timeout=SCRAPE_TIMEOUT_SECONDS
        )
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return body if answer.status == http.HTTPStatus.OK else None


def _reduced(document: dict) -> dict[str, dict]:
    """By stream, the part that is judged."""
    return {
        name: {
            "groups": stream["groups"],
            "processed": stream["totals"]["groups"],
            "blind": stream["blind"],
        }
        for name, stream in document["streams"].items()
    }
