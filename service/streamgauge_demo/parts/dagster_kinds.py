"""The kinds of Dagster servers that reports meet, by release and by storage."""

from __future__ import annotations

import contextlib
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from streamgauge_demo.parts.dagster_oldest import find_oldest_dagster
from streamgauge_demo.parts.dagster_server import (
    DagsterServer,
    Installation,
    launch_dagster_server,
)
from streamgauge_demo.parts.postgres import find_postgres, launch_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SERVICE: Final = Path(__file__).parents[2]


class DagsterKind(StrEnum):
    """Release and storage; the newest release is the one that is installed beside us."""

    NEWEST_SQLITE = "newest-sqlite"
    NEWEST_POSTGRES = "newest-postgres"
    OLDEST_SQLITE = "oldest-sqlite"
    OLDEST_POSTGRES = "oldest-postgres"

    @property
    def is_oldest(self) -> bool:
        """Whether it is of the oldest release that is supported."""
        return self in {DagsterKind.OLDEST_SQLITE, DagsterKind.OLDEST_POSTGRES}

    @property
    def has_postgres(self) -> bool:
        """Whether it stores in PostgreSQL."""
        return self in {DagsterKind.NEWEST_POSTGRES, DagsterKind.OLDEST_POSTGRES}


def demand_kind(kind: DagsterKind) -> None:
    """Do nothing where such a server can run.

    Raises:
        OldestDagsterUnavailableError: its environment was not made.
        PostgresUnavailableError: there is no PostgreSQL.
    """
    if kind.is_oldest:
        find_oldest_dagster()
    if kind.has_postgres:
        find_postgres()


@contextlib.contextmanager
def dagster_of_kind(
    kind: DagsterKind,
    definitions: str | Path | None = None,
    *,
    path_prefix: str = "",
    options: Sequence[str] = (),
    durable: bool = False,
) -> Iterator[DagsterServer]:
    """Give a running server, with a PostgreSQL of its own if its kind has one.

    Args:
        kind: which.
        definitions: as for `launch_dagster_server`.
        path_prefix: as there.
        options: as there.
        durable: whether PostgreSQL syncs what it stores; SQLite always does.

    Raises:
        OldestDagsterUnavailableError: its environment was not made.
        PostgresUnavailableError: there is no PostgreSQL.
        RuntimeError: it did not start, or the definitions do not load.
    """
    python = find_oldest_dagster() if kind.is_oldest else Path(sys.executable)
    with contextlib.ExitStack() as running:
        url = None
        if kind.has_postgres:
            url = running.enter_context(launch_postgres(durable=durable)).url
        yield running.enter_context(
            launch_dagster_server(
                definitions,
                path_prefix=path_prefix,
                options=options,
                # the oldest has no streamgauge_dagster of its own
                environment={"PYTHONPATH": str(_SERVICE)} if kind.is_oldest else {},
                installation=Installation(str(python), url),
            )
        )
