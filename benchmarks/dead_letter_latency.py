"""How soon a dead letter is a failing check in Dagster, from its acknowledgement on.

Run: `python benchmarks/dead_letter_latency.py [--tries=100]`. It starts an Apache Kafka, which
takes Java, a real webserver with the definitions of the stream, and the gauge as a process; it
lasts some minutes. Each try appends one dead letter that Spring Kafka wrote, and asks Dagster's
GraphQL, over a connection of its own, for the newest evaluation of `no_dead_letters`. The time ends
when an answer is there that says it has failed. The next try begins when the check has passed
again, at any moment within a second, for the gauge works in seconds.

"judged" is the part until the gauge has judged the check, by its own clock, to the millisecond, and
"told" is the rest: the request, Dagster's storage, and the question that finds it there.
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import argparse
import random
import sys
import time
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx
import numpy as np
from confluent_kafka import Producer
from gauge_process import GaugeProcess
from tables import print_machine

from streamgauge_demo.parts.broker_java import launch_java_broker
from streamgauge_demo.parts.dagster_server import launch_dagster_server
from streamgauge_demo.parts.recorded_letters import recorded_letters

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message

    from streamgauge_demo.parts.broker_contract import Broker
    from streamgauge_demo.parts.recorded_letters import RecordedLetter

LETTERS: Final = Path(__file__).parents[1] / "tests" / "data" / "dead-letters"
TOPIC: Final = "orders"
DEAD_LETTER_TOPIC: Final = "orders.dlq"
CHECK: Final = "no_dead_letters"
PARTITIONS: Final = 3
LOOK_SECONDS: Final = 0.005
TIMEOUT_SECONDS: Final = 60.0
GOAL_SECONDS: Final = 1.0
DEFINITIONS: Final = """
import dagster as dg
from streamgauge_dagster import build_definitions

defs = build_definitions({values!r}, environ={{}})
"""
NEWEST: Final = """
query($key: AssetKeyInput!, $check: String!) {
  assetCheckExecutions(assetKey: $key, checkName: $check, limit: 1) {
    evaluation { success severity metadataEntries { label ... on TextMetadataEntry { text } } } } }
"""


class Evaluation(NamedTuple):
    """The newest one that Dagster has."""

    failed: bool
    judged_seconds: float
    """Since the epoch."""


class Try(NamedTuple):
    """Seconds of one try."""

    whole: float
    judged: float
    told: float


class Asker:
    """Asks for the check, over one connection."""

    def __init__(self, base_url: str) -> None:
        self._url = f"{base_url}/graphql"
        self._http = httpx.Client(timeout=TIMEOUT_SECONDS)
        self._variables = {"key": {"path": ["kafka", "orders_dlq"]}, "check": CHECK}

    def await_level(self, *, failed: bool, every_seconds: float) -> Evaluation:
        """The newest evaluation, as soon as it says this.

        Raises:
            TimeoutError: it does not.
        """
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            asked = time.monotonic()
            newest = self._newest()
            if newest is not None and newest.failed == failed:
                return newest
            if asked > deadline:
                raise TimeoutError(f"{CHECK} did not become {'failed' if failed else 'passed'}")
            time.sleep(max(0.0, asked + every_seconds - time.monotonic()))

    def _newest(self) -> Evaluation | None:
        asked = {"query": NEWEST, "variables": self._variables}
        executions = self._http.post(self._url, json=asked).json()["data"]["assetCheckExecutions"]
        if not executions:
            return None
        evaluation = executions[0]["evaluation"]
        entries = {each["label"]: each.get("text") for each in evaluation["metadataEntries"]}
        failed = not evaluation["success"] and evaluation["severity"] == "ERROR"
        if not failed and not evaluation["success"]:
            return None  # unknown is neither
        return Evaluation(failed, datetime.fromisoformat(entries["as_of"]).timestamp())


class Appender:
    """Appends single records and notes when the broker has acknowledged them."""

    def __init__(self, broker: Broker) -> None:
        self._producer = Producer(
            {"bootstrap.servers": broker.bootstrap_servers, "linger.ms": 0, "log_level": 0}
        )
        self._acknowledged: tuple[float, float] | None = None

    def append(self, letter: RecordedLetter) -> tuple[float, float]:
        """When it was acknowledged, by the monotonic clock and by that of the wall."""
        self._acknowledged = None
        self._producer.produce(
            DEAD_LETTER_TOPIC,
            letter.value,
            letter.key,
            headers=list(letter.headers),
            on_delivery=self._note,
        )
        while self._acknowledged is None:
            self._producer.poll(0.001)
        return self._acknowledged

    def _note(self, error: KafkaError | None, _: Message) -> None:
        self._acknowledged = time.monotonic(), time.time()
        if error is not None:
            raise RuntimeError(f"the dead letter was not acknowledged: {error}")


def settings(bootstrap_servers: str, base_url: str) -> dict[str, Any]:
    """As it is deployed, but with the shortest window, so that a check passes soon again."""
    return {
        "kafka": {"bootstrap_servers": bootstrap_servers},
        "dagster": {"base_url": base_url},
        "streams": {
            "orders": {
                "topic": TOPIC,
                "window": "1s",
                "dead_letters": [{"topic": DEAD_LETTER_TOPIC}],
                "checks": {CHECK: {"keep_failing_for": "0s"}},
            }
        },
    }


def measured(tries: int, folder: Path) -> list[Try]:
    """Let each dead letter have its try."""
    letters = [each for each in recorded_letters(folder) if each.framework == "spring-kafka"]
    chance = random.Random(7)  # noqa: S311 - moments, not secrets
    found = []
    with launch_java_broker() as broker:
        broker.create_topic(TOPIC, PARTITIONS)
        broker.create_topic(DEAD_LETTER_TOPIC, PARTITIONS)
        given = settings(broker.bootstrap_servers, "http://127.0.0.1")
        with launch_dagster_server(DEFINITIONS.format(values=given)) as server:
            appender, asker = Appender(broker), Asker(server.base_url)
            with GaugeProcess(settings(broker.bootstrap_servers, server.base_url)):
                for number in range(tries):
                    asker.await_level(failed=False, every_seconds=0.05)
                    time.sleep(chance.random())
                    letter = letters[number % len(letters)].about(TOPIC, 0, number)
                    acknowledged, wall_seconds = appender.append(letter)
                    failed = asker.await_level(failed=True, every_seconds=LOOK_SECONDS)
                    whole = time.monotonic() - acknowledged
                    judged = max(0.0, failed.judged_seconds - wall_seconds)
                    found.append(Try(whole, judged, whole - judged))
    return found


def main() -> int:
    """Measure, and print a table; 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tries", type=int, default=100)
    parser.add_argument("--letters", type=Path, default=LETTERS, help="folder of recorded ones")
    given = parser.parse_args()
    write = sys.stdout.write
    print_machine(1)
    write(f"Dagster {version('dagster')}, SQLite; {given.tries} dead letters of Spring Kafka\n\n")
    tries = measured(given.tries, given.letters)
    write(f"{'seconds':12}{'p50':>8}{'p90':>8}{'p99':>8}{'max':>8}\n")
    for name in Try._fields:
        times = [getattr(each, name) for each in tries]
        # one that was measured, not one between two
        shares = np.percentile(times, (50, 90, 99, 100), method="inverted_cdf")
        write(f"{name:12}" + "".join(f"{each:8.3f}" for each in shares) + "\n")
    p99 = np.percentile([each.whole for each in tries], 99, method="inverted_cdf")
    write(f"\nappend_to_failing_check_p99={p99:.3f} s (goal: below {GOAL_SECONDS:.0f} s)\n")
    return int(p99 >= GOAL_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
