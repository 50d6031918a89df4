"""The demo as a child process, in a temporary folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

DEMO = (sys.executable, "-m", "streamgauge_demo")


def start(folder: Path, *options: str, **environ: str) -> subprocess.Popen:
    """Start it in a session of its own, as a terminal would; everything it starts bears a mark."""
    temporary = folder / "tmp"
    temporary.mkdir()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "KAFKA_"))}
    own = {"TMPDIR": str(temporary), "DEMO_MARK": str(folder), "COLUMNS": "160"}
    return subprocess.Popen(
        [*DEMO, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=kept | own | environ,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen, seconds: float = 240) -> tuple[int, str]:
    """Exit code and output, once it has ended by itself."""
    try:
        output, _ = process.communicate(timeout=seconds)
    finally:
        process.kill()
        process.wait()
    return process.returncode, output


def left_behind(folder: Path) -> list[str]:
    """Processes that still run with the mark of this folder, and files left in its `tmp`."""
    if not Path("/proc/self/environ").exists():
        raise NotImplementedError("without /proc nobody can tell what is left running")
    mark = f"DEMO_MARK={folder}".encode()
    running = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:  # it has ended, or is not ours
            continue
        if mark in environment and state != "Z":
            running.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return [*running, *(str(path) for path in (folder / "tmp").iterdir())]
