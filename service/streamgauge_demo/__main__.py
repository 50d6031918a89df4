"""The demo's command line: run it, or judge again what a run has kept."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click
from rich.console import Console

from streamgauge_demo.parts.interrupts import ENDING

# what is needed to run it takes seconds to import
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from types import FrameType

_PLAIN_WIDTH: Final = 160


@click.group(invoke_without_command=True)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep logs and evidence in this folder, which is made.",
)
@click.pass_context
def main(context: click.Context, keep: Path | None) -> None:
    """Run the demo: a stream that falls ill and recovers, and the proofs of what was told of it."""
    if context.invoked_subcommand is not None:
        return
    _settle_environment()
    for number in ENDING:
        signal.signal(number, _end)
    from streamgauge_demo.demo import run
    from streamgauge_demo.parts.broker_contract import BrokerUnavailableError

    try:
        if keep is not None:
            keep.mkdir(parents=True)
        sys.exit(0 if run(_console(), keep) else 1)
    except FileExistsError:
        click.echo(f"demo: {keep} is there already: name a folder that is not", err=True)
        sys.exit(1)
    except (BrokerUnavailableError, RuntimeError, ValueError, OSError) as error:
        click.echo(f"demo: {error}", err=True)
        sys.exit(1)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def prove(folder: Path) -> None:
    """Judge the proofs over what a run has kept in FOLDER."""
    from streamgauge_demo import evidence
    from streamgauge_demo.demo import print_findings
    from streamgauge_demo.proofs.registry import prove as judge

    try:
        found = judge(evidence.read(folder))
    except FileNotFoundError as error:
        click.echo(f"demo: {folder} was not kept by a run: {error.filename} is missing", err=True)
        sys.exit(1)
    sys.exit(0 if print_findings(_console(), found) else 1)


def _console() -> Console:
    """A console for this terminal; without one no line is broken, whatever `FORCE_COLOR` says."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=_PLAIN_WIDTH, force_terminal=False)


def _settle_environment() -> None:
    """Take away what was meant for other programs of the same kind, and what leads astray."""
    elsewhere = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    kept = ("STREAMGAUGE_BROKER", *(("OTEL_EXPORTER_OTLP_",) if elsewhere else ()))
    for name in tuple(os.environ):
        if name.startswith(("OTEL_", "STREAMGAUGE_")) and not name.startswith(kept):
            del os.environ[name]
    for name in ("NO_PROXY", "no_proxy"):  # everything of ours is on this machine
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1,localhost"]))


def _end(number: int, _: FrameType | None) -> NoReturn:
    """End in order; a further signal does not disturb that."""
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
