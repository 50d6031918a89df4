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

_KEPT_VARIABLES: Final = ("STREAMGAUGE_BROKER", "OTEL_EXPORTER_OTLP_")
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

    if keep is not None:
        keep.mkdir(parents=True)
    try:
        sys.exit(0 if run(_console(), keep) else 1)
    except (BrokerUnavailableError, RuntimeError, ValueError) as error:
        click.echo(f"demo: {error}", err=True)
        sys.exit(1)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def prove(folder: Path) -> None:
    """Judge the proofs over what a run has kept in FOLDER."""
    from streamgauge_demo import evidence
    from streamgauge_demo.demo import print_findings
    from streamgauge_demo.proofs.registry import prove as judge

    sys.exit(0 if print_findings(_console(), judge(evidence.read(folder))) else 1)


def _console() -> Console:
    """A console that breaks no line where nobody looks at one."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PLAIN_WIDTH)


def _settle_environment() -> None:
    """Take away what was meant for other programs of the same kind."""
    for name in tuple(os.environ):
        if name.startswith(("OTEL_", "STREAMGAUGE_")) and not name.startswith(_KEPT_VARIABLES):
            del os.environ[name]


def _end(number: int, _: FrameType | None) -> NoReturn:
    """End in order; a further signal does not disturb that."""
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
