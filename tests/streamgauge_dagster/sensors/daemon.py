"""A webserver, and a real daemon beside it on the same instance."""

import sys
from contextlib import contextmanager

from streamgauge_demo.parts.child import Child
from streamgauge_demo.parts.dagster_server import launch_dagster_server


@contextmanager
def server_and_daemon(definitions):
    """The webserver; the daemon has the definitions, which are given as text."""
    with launch_dagster_server() as running:
        folder = running.home / "daemon"
        folder.mkdir()
        (folder / "definitions.py").write_text(definitions)
        command = [sys.executable, "-m", "dagster._daemon", "run", "-f", "definitions.py"]
        # unix sockets of the code server need a short path
        environment = {"DAGSTER_HOME": str(running.home), "TMPDIR": str(running.home)}
        daemon = Child(command, folder, environment)
        try:
            yield running
        finally:
            daemon.kill()
