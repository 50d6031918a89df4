"""The services of compose.yaml, started as the README says and seen from outside."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import yaml

from . import debian
from .engine import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from .engine import Engine

UP_SECONDS = 300
PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"


class Composition:
    """One project of Compose.

    Args:
        engine: where it runs.
        project: its name, which nobody else has.
        files: those of Compose; later ones are laid over the first.
        variables: for the variables of the files.

    Raises:
        RuntimeError: there is no Compose, and none can be installed.
    """

    def __init__(
        self, engine: Engine, project: str, files: Iterable[Path], variables: Mapping[str, str]
    ) -> None:
        self._engine = engine
        self._project = project
        self._environment = engine.environment | variables
        self._of_today = engine.try_docker("compose", "version")
        if not self._of_today:
            debian.install(**{"docker-compose": "docker-compose"})
        program = ["docker", "compose"] if self._of_today else [shutil.which("docker-compose")]
        named = [argument for file in files for argument in ("--file", str(file))]
        self._command = [*program, *named, "--project-name", project]

    def up(self) -> None:
        """Start everything and return when all of it is well: `up --wait`.

        Raises:
            EngineError: a service did not become well in time.
        """
        up = [*self._command, "up", "--detach", "--no-build"]
        if self._of_today:
            run([*up, "--wait"], self._environment, UP_SECONDS)
            return
        run(up, self._environment, UP_SECONDS)  # the old Compose does not know --wait
        for name in self.containers().values():
            if "Health" in self._engine.inspect(name)["State"]:
                self._engine.wait_healthy(name, UP_SECONDS)

    def stop(self) -> None:
        """Ask every service to end."""
        run([*self._command, "stop"], self._environment, UP_SECONDS)

    def down(self) -> None:
        """Remove what `up` made."""
        run([*self._command, "down"], self._environment, UP_SECONDS)

    def containers(self) -> dict[str, str]:
        """The container of each service, running or not."""
        form = f'{{{{.Label "{SERVICE_LABEL}"}}}} {{{{.Names}}}}'
        told = self._engine.docker("ps", "--all", *self._filter(), "--format", form)
        return dict(line.split() for line in told.splitlines())

    def remains(self) -> str:
        """What the engine still has of it: containers, networks and named volumes."""
        kinds = (("ps", "--all"), ("network", "ls"), ("volume", "ls"))
        return "".join(self._engine.docker(*kind, "--quiet", *self._filter()) for kind in kinds)

    def _filter(self) -> tuple[str, str]:
        return "--filter", f"label={PROJECT_LABEL}={self._project}"


def images_instead(path: Path, images: Mapping[str, str]) -> Path:
    """Write a file for Compose that gives each service the image named, and give its path."""
    path.write_text(yaml.safe_dump({"services": {s: {"image": i} for s, i in images.items()}}))
    return path
