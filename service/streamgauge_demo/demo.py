"""The demo from its first line to its last: stage, story, evidence, proofs."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.table import Table

from streamgauge_demo import evidence
from streamgauge_demo.play import play
from streamgauge_demo.proofs.registry import PROOFS, prove
from streamgauge_demo.stage import Stage
from streamgauge_demo.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from streamgauge_demo.proofs.proof import Finding

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""Variable that names somebody else's collector."""
_FORGET_SECONDS: Final = 30.0
"""How much telemetry is kept in memory while nobody asks for it."""


def run(console: Console, kept: Path | None) -> bool:
    """Run the demo, print the table of proofs and tell whether all hold.

    On a terminal everything then stays up until the process is interrupted.

    Args:
        console: where to.
        kept: an empty folder for logs and evidence; they are removed without it.

    Raises:
        BrokerUnavailableError: the broker that was asked for cannot run here.
        RuntimeError: a part did not start or ended before its time; has the end of its log.
    """
    with tempfile.TemporaryDirectory(prefix="streamgauge-demo-") as temporary:
        # on a machine with symbolic links in its path, the children would see another one
        folder = (kept or Path(temporary)).resolve()
        with Stage(folder, os.environ.get(ENDPOINT)) as stage:
            with View(console) as view:
                _tell_story(stage, view, folder)
            findings = prove(evidence.read(folder))
            holds = print_findings(console, findings)
            if kept is not None:
                console.print(f"Logs and evidence are kept in {folder}", soft_wrap=True)
            if console.is_terminal:
                _stay_up(console, stage)
    return holds


def print_findings(console: Console, findings: Sequence[Finding]) -> bool:
    """Print the table and the verdict; tell whether all hold."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, title_justify="left")
    for column in ("", "proof", "read from", "found"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        mark = "[green]holds[/]" if finding.holds else "[bold red]FAILS[/]"
        table.add_row(mark, finding.proof.name, finding.proof.reads, finding.said)
    console.print(table)
    left_out = len(PROOFS) - len(findings)
    if left_out:
        console.print(f"{left_out} proofs need the demo's own OTLP receiver; {ENDPOINT} is set.")
    holding = sum(finding.holds for finding in findings)
    console.print(f"demo: {holding} of {len(findings)} proofs hold")
    return holding == len(findings) > 0


def _tell_story(stage: Stage, view: View, folder: Path) -> None:
    """Start everything, tell the story, stop the gauge, and keep what is to be judged."""
    stage.start(view.say)
    there = evidence.topics_of(stage.broker)
    view.say("Everything runs. The story takes a minute.")
    play(stage, view.show)
    view.say("The gauge is asked to stop; then everything is read back from where it told it.")
    stage.stop_services()
    ends = evidence.end_offsets(stage.broker, stage.names)
    new_topics = sorted(evidence.topics_of(stage.broker) - there)
    code, seconds = stage.stop_gauge()
    last_events = [line["event"] for line in stage.gauge.log_lines()][-1:]
    evidence.keep_run(
        folder,
        names=stage.names.as_json(),
        ends=ends,
        new_topics=new_topics,
        gauge={"code": code, "seconds": seconds, "last_event": "".join(last_events)},
    )
    evidence.keep_dagster(folder, stage.dagster, stage.names)
    if stage.otlp is not None:
        evidence.keep_telemetry(folder, stage.otlp)


def _stay_up(console: Console, stage: Stage) -> None:
    """Begin the story anew and wait for Ctrl-C."""
    stage.begin_anew()
    console.print()
    console.print("Everything runs again, with the story told over and over. Open")
    for what, url in stage.addresses().items():
        console.print(f"  {what:<36}{url}", soft_wrap=True)
    console.print("Ctrl-C ends it and leaves nothing behind.")
    with contextlib.suppress(SystemExit):  # the verdict stays what it was
        while True:
            time.sleep(_FORGET_SECONDS)
            stage.forget_telemetry()
