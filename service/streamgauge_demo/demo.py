"""The demo from its first line to its last: stage, story, evidence, proofs."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from streamgauge_demo import evidence
from streamgauge_demo.parts.temporary import temporary_folder
from streamgauge_demo.play import play
from streamgauge_demo.proofs.registry import PROOFS, prove
from streamgauge_demo.stage import Stage
from streamgauge_demo.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from streamgauge_demo.proofs.proof import Finding

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""Variable that names somebody else's collector."""
STAY_SECONDS: Final = 4 * 3_600
"""How long it stays up at most: logs and Dagster's storage grow by about a gigabyte a day."""
_LOOK_SECONDS: Final = 10.0


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
    with temporary_folder() as temporary:
        # on a machine with symbolic links in its path, the children would see another one
        folder = (kept or temporary).resolve()
        with Stage(folder, os.environ.get(ENDPOINT)) as stage:
            with View(console) as view:
                _tell_story(stage, view, folder)
            findings = prove(evidence.read(folder))
            holds = print_findings(console, findings)
            if kept is not None:
                console.print(Text(f"Logs and evidence are kept in {folder}"), soft_wrap=True)
            if console.is_terminal:
                with contextlib.suppress(SystemExit):  # the verdict stays what it was
                    _stay_up(console, stage)
    return holds


def print_findings(console: Console, findings: Sequence[Finding]) -> bool:
    """Print the table and the verdict; tell whether all hold."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, title_justify="left")
    for column in ("", "proof", "read from", "found"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        mark = Text("holds", "green") if finding.holds else Text("FAILS", "bold red")
        proof = finding.proof
        table.add_row(mark, Text(proof.name), Text(proof.reads), Text(finding.said))
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
    view.say("Everything runs. The story takes a minute.")
    play(stage, view.show)
    view.say("The gauge is asked to stop; then everything is read back from where it told it.")
    stage.stop_services()
    code, seconds = stage.stop_gauge()
    ends = evidence.end_offsets(stage.broker, stage.names)
    new_topics = sorted(evidence.topics_of(stage.broker) - stage.topics_before)
    if stage.broker.kind == "given":  # where others may create topics of their own
        new_topics = [name for name in new_topics if "streamgauge" in name]
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
    deadline = time.monotonic() + STAY_SECONDS
    while time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        stage.must_run()
        stage.forget_telemetry()
    console.print(f"That was {STAY_SECONDS // 3_600} hours; the demo ends here.")
