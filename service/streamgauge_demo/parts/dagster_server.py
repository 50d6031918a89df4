"""A real Dagster webserver with an instance of its own, which may be killed and come back."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from streamgauge_demo.parts.child import Child
from streamgauge_demo.parts.dagster_client import CheckExecution, DagsterClient, Observation
from streamgauge_demo.parts.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "CheckExecution",
    "DagsterClient",
    "DagsterServer",
    "Installation",
    "Observation",
    "launch_dagster_server",
]

START_TIMEOUT_SECONDS: Final = 90.0
NO_VARIABLES: Final[Mapping[str, str]] = MappingProxyType({})
_HOST: Final = "127.0.0.1"
_SETTINGS: Final = """
telemetry: {enabled: false}
nux: {enabled: false}
run_coordinator: {module: dagster.core.run_coordinator, class: DefaultRunCoordinator}
"""
"""Nothing leaves the machine, no dialog for newcomers lies over the page, and what is launched from
the page runs at once: there is no daemon that would take it from a queue."""
_POLL_SECONDS: Final = 0.1
_LOAD_ERRORS: Final = """
{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError {
  __typename ... on PythonError { message errorChain { error { message } } } } } } } }
"""


@dataclass(frozen=True, slots=True)
class Installation:
    """Which Dagster runs, and what it stores in."""

    python: str = sys.executable
    """Of the environment that has `dagster-webserver`."""
    postgres_url: str | None = None
    """Of the database; None for SQLite in the instance's folder."""


THIS_ENVIRONMENT: Final = Installation()


class DagsterServer(DagsterClient):
    """A webserver process and a client of it; closing it ends the process and removes its data.

    Attributes:
        home: the instance's folder (`DAGSTER_HOME`), for code that reads the instance directly.
    """

    def __init__(
        self,
        definitions: str | Path | None,
        path_prefix: str,
        options: Sequence[str],
        environment: Mapping[str, str] = NO_VARIABLES,
        installation: Installation = THIS_ENVIRONMENT,
    ) -> None:
        (port,) = free_ports(1, _HOST)
        super().__init__(f"http://{_HOST}:{port}{path_prefix}", on_close=self._clean_up)
        self.home: Final = Path(tempfile.mkdtemp(prefix="streamgauge-dagster-"))
        url = installation.postgres_url
        storage = "" if url is None else f"storage: {{postgres: {{postgres_url: {url!r}}}}}\n"
        (self.home / "dagster.yaml").write_text(_SETTINGS + storage)
        if isinstance(definitions, str):
            (self.home / "definitions.py").write_text(definitions)
            definitions = self.home / "definitions.py"
        self._command: Final = [
            *(installation.python, "-m", "dagster_webserver", "--host", _HOST, "--port", str(port)),
            *(("--path-prefix", path_prefix) if path_prefix else ()),
            *(("--python-file", str(definitions)) if definitions else ("--empty-workspace",)),
            *options,
        ]
        # the code server's socket lies in the temporary folder, and is left there by a kill
        own = {"DAGSTER_HOME": str(self.home), "TMPDIR": str(self.home)}
        self._environment: Final = {**environment, **own}
        self._child: Child | None = None

    def start(self, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Start the process and return when it answers.

        Raises:
            RuntimeError: it ended or did not answer in time, with the end of its log; or the
                definitions do not load, with the reason.
        """
        self._child = Child(self._command, self.home, self._environment)
        deadline = time.monotonic() + timeout_seconds
        while not self.answers():
            if not self._child.running or time.monotonic() > deadline:
                log = self._child.log_tail()
                self.kill()
                raise RuntimeError(f"dagster-webserver did not start; its log ends with:\n{log}")
            time.sleep(_POLL_SECONDS)
        self._refuse_broken_definitions()

    def kill(self) -> None:
        """End the process at once (SIGKILL); data and address are kept for `restart()`."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def restart(self, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Start again with the same data and address; kills the process first if it runs.

        Raises:
            RuntimeError: as for `start()`.
        """
        self.kill()
        self.start(timeout_seconds)

    def _refuse_broken_definitions(self) -> None:
        """Dagster serves on without definitions that do not load; here that is an error."""
        workspace = self.graphql(_LOAD_ERRORS)["workspaceOrError"]
        for location in workspace["locationEntries"]:
            error = location["locationOrLoadError"]
            if error["__typename"] == "PythonError":
                self.kill()
                causes = (cause["error"]["message"] for cause in error["errorChain"])
                reasons = "".join([error["message"], *causes])
                raise RuntimeError(f"{location['name']} does not load: {reasons}")

    def _clean_up(self) -> None:
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)


def launch_dagster_server(
    definitions: str | Path | None = None,
    *,
    path_prefix: str = "",
    options: Sequence[str] = (),
    environment: Mapping[str, str] = NO_VARIABLES,
    installation: Installation = THIS_ENVIRONMENT,
) -> DagsterServer:
    """Start a webserver on a free port of 127.0.0.1.

    Args:
        definitions: a Python file, or its text, that defines a `Definitions` object. Without it
            the workspace is empty, which starts twice as fast and takes reports for any key.
        path_prefix: the path under which everything is served, such as `/dagster`.
        options: further options of `dagster-webserver`, such as `--read-only`.
        environment: further variables, which the definitions may read.
        installation: another Dagster than that of this environment, or another storage.

    Raises:
        RuntimeError: the webserver did not start, or the definitions do not load.
    """
    server = DagsterServer(definitions, path_prefix, options, environment, installation)
    try:
        server.start()
    except BaseException:
        server.close()
        raise
    return server
