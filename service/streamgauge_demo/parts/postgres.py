"""A real PostgreSQL server with data in a temporary folder, reached through a socket there."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from streamgauge_demo.parts.child import Child
from streamgauge_demo.parts.stoppable import Stoppable

START_TIMEOUT_SECONDS: Final = 60.0
_STOP_GRACE_SECONDS: Final = 20
_POLL_SECONDS: Final = 0.05
_USER: Final = "streamgauge"
_DEBIAN: Final = Path("/usr/lib/postgresql")
"""Where Debian keeps each version, none of it on the PATH."""


class PostgresUnavailableError(RuntimeError):
    """There is no PostgreSQL here; the message says why and what would help."""


def find_postgres() -> Path:
    """Give the folder of PostgreSQL's programs, the newest of Debian's if none is on the PATH.

    Raises:
        PostgresUnavailableError: there is none, or none that root may start.
    """
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve()] if on_path else list(_DEBIAN.glob("*/bin/initdb"))
    if not found:
        raise PostgresUnavailableError(
            "no initdb on the PATH nor under /usr/lib/postgresql; install PostgreSQL"
        )
    if _is_root() and shutil.which("setpriv") is None:
        raise PostgresUnavailableError("PostgreSQL refuses root, and there is no setpriv")
    return max(found, key=lambda path: path.parts[-3].zfill(3)).parent


class Postgres(Stoppable):
    """A server that trusts whoever can reach its folder; `start()` it, `stop()` removes all of it.

    Where we are root it runs as `nobody`, because it refuses root.
    """

    def __init__(self, programs: Path, *, durable: bool) -> None:
        self._programs: Final = programs
        self._durable: Final = durable
        self._folder: Final = Path(tempfile.mkdtemp(prefix="streamgauge-postgres-"))
        self._data: Final = self._folder / "data"
        self._rights: tuple[str, ...] = ()
        if _is_root():
            nobody = pwd.getpwnam("nobody")
            ids = (f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}")
            self._rights = ("setpriv", *ids, "--clear-groups")
            os.chown(self._folder, nobody.pw_uid, nobody.pw_gid)
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Of its one database, for SQLAlchemy.

        It names psycopg2, which `dagster-postgres` brings: SQLAlchemy 2.1 would take psycopg.
        """
        return f"postgresql+psycopg2://{_USER}@/postgres?host={self._folder}"

    def start(self) -> None:
        """Make the data, start the process and return when it answers.

        Raises:
            RuntimeError: it ended or did not answer in time; has the end of its log.
        """
        made = self._run(
            "initdb", f"--username={_USER}", "--auth=trust", "--no-sync", "--encoding=UTF8",
            "--locale=C",
        )  # fmt: skip
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stdout[-2_000:]}")
        durable = () if self._durable else ("-c", "fsync=off")
        self._child = Child(
            [
                *(*self._rights, str(self._programs / "postgres"), "-D", str(self._data)),
                *("-k", str(self._folder), "-c", "listen_addresses=", *durable),
            ],
            self._folder,
        )
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while self._run("pg_isready", "-h", str(self._folder)).returncode:
            if not self._child.running or time.monotonic() > deadline:
                raise RuntimeError(
                    f"PostgreSQL did not start; its log ends with:\n{self._child.log_tail()}"
                )
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End the process in order, whoever is connected, and remove its data."""
        if self._child is not None:
            self._run("pg_ctl", "stop", "-m", "fast", "-w", "-t", str(_STOP_GRACE_SECONDS))
            self._child.kill()
            self._child = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - found programs with our own arguments
            [*self._rights, str(self._programs / program), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PGDATA": str(self._data)},
            cwd=self._folder,
            timeout=START_TIMEOUT_SECONDS,
            check=False,
            text=True,
            errors="replace",
        )


def launch_postgres(*, durable: bool = False) -> Postgres:
    """Start a server of its own.

    Args:
        durable: whether what it has stored outlives the machine, which costs a sync each time.

    Raises:
        PostgresUnavailableError: there is none here.
        RuntimeError: it did not start.
    """
    server = Postgres(find_postgres(), durable=durable)
    try:
        server.start()
    except BaseException:
        server.stop()
        raise
    return server


def _is_root() -> bool:
    return os.geteuid() == 0
