"""Judges the gauge from outside, on real Apache Kafka; see docs/truth.md."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

from streamgauge_demo.parts.broker_contract import BrokerUnavailableError
from streamgauge_demo.parts.broker_java import launch_java_broker

from .judge import judge
from .keeping import keep
from .plants import PLANTS
from .play import play
from .report import report
from .scenarios import SCENARIOS

BROKER = {
    "auto.create.topics.enable": "false",
    "log.cleaner.backoff.ms": "500",
    "log.retention.check.interval.ms": "500",
    "log.initial.task.delay.ms": "500",
}
"""Retention and compaction at once rather than after minutes; and who asks for a topic that was
deleted, as producers do, does not create it."""


def main(arguments: list[str] | None = None) -> int:
    """Play, judge and report; 0 if everything holds."""
    options = _options(arguments)
    for name in [each for each in os.environ if each.startswith(("OTEL_", "STREAMGAUGE_"))]:
        del os.environ[name]  # the gauge is told everything by its file
    began = time.monotonic()

    def say(text: str) -> None:
        line = f"{time.monotonic() - began:5.0f} s  {text}"
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - what goes on

    say("starting Apache Kafka")
    try:
        broker = launch_java_broker(properties=BROKER)
    except BrokerUnavailableError as error:
        say(f"nothing is judged: {error}")
        return 2
    with broker, tempfile.TemporaryDirectory(prefix="streamgauge-truth-") as folder:
        stages = asyncio.run(play(options.only, broker, Path(folder), say))
    say("judging")
    if options.keep:
        keep(options.keep, stages)
    for stage in stages:
        if stage.failed is not None:
            traceback.print_exception(stage.failed)
    return report([judge(stage, options.plant) for stage in stages])


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.truth", description=__doc__)
    only = f"scenarios to play, of {', '.join(SCENARIOS)}"
    parser.add_argument("--only", type=_names, default=list(SCENARIOS), metavar="A,B", help=only)
    keep_in = "write the record of truth and all samples to this folder"
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help=keep_in)
    falsify = "falsify what the gauge has told, to see that it is found"
    parser.add_argument("--plant", choices=PLANTS, help=falsify)
    return parser.parse_args(arguments)


def _names(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in SCENARIOS:
            raise argparse.ArgumentTypeError(f"there is no scenario {name}")
    return names


if __name__ == "__main__":
    sys.exit(main())
