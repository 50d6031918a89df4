"""One server for several processes of this machine: the first starts it, the last to leave ends it.

The server belongs to a keeper process of its own, which waits until nobody holds the lock of its
users any more; the system frees a lock with the process that held it, however that ended.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from streamgauge_demo.parts.broker import launch_broker
from streamgauge_demo.parts.broker_contract import Broker, BrokerUnavailableError
from streamgauge_demo.parts.broker_mock import LIMITS, MockBroker
from streamgauge_demo.parts.broker_secure import SecureBroker, launch_secure_broker
from streamgauge_demo.parts.dagster_client import DagsterClient
from streamgauge_demo.parts.dagster_kinds import DagsterKind, dagster_of_kind

if TYPE_CHECKING:
    from collections.abc import Callable

_Server = tuple[AbstractContextManager[object], dict[str, Any]]
"""What a keeper runs, and what it tells its users of it as JSON values."""

_IN_BACKGROUND: Final = '"$@" &'
"""The shell ends at once, so that the keeper is nobody's child and nobody has to wait for it."""


def share_broker(folder: Path) -> Broker:
    """Give a part in the broker of `folder`, from `launch_broker()`; `stop()` leaves it.

    The mock broker lives in one process: each gets its own.

    Raises:
        BrokerUnavailableError: it cannot run here; everybody who shares is told the same.
    """
    told, users = _join(folder, "broker")
    if told["kind"] == "mock":
        users.close()
        return MockBroker(tuple(limit for limit in told["limits"] if limit not in LIMITS))
    return Broker(told["kind"], told["bootstrap_servers"], tuple(told["limits"]), users.close)


def share_secure_broker(folder: Path) -> SecureBroker:
    """Give a part in the secured broker of `folder`; `stop()` leaves it.

    Raises:
        BrokerUnavailableError: it cannot run here; everybody who shares is told the same.
    """
    told, users = _join(folder, "secure-broker")
    return SecureBroker.described(told, users.close)


def share_dagster_server(
    folder: Path, kind: DagsterKind = DagsterKind.NEWEST_SQLITE
) -> DagsterClient:
    """Give a part in a Dagster server of `folder`, without definitions; `close()` leaves it."""
    told, users = _join(folder, f"dagster-{kind}")
    return DagsterClient(told["base_url"], on_close=users.close)


def _join(folder: Path, name: str) -> tuple[dict[str, Any], IO[str]]:
    """Start the keeper if there is none; give what it tells, and the lock to close on leaving."""
    with ExitStack() as on_error:
        users = on_error.enter_context(_users_file(folder, name).open("a"))
        with (folder / f"{name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)
            path = _description_file(folder, name)
            if not path.exists():
                path.write_text(_start_keeper(folder, name))
        told: dict[str, Any] = json.loads(path.read_text())
        if "unavailable" in told:
            raise BrokerUnavailableError(told["unavailable"])
        on_error.pop_all()
    return told, users


def _start_keeper(folder: Path, name: str) -> str:
    """Start the keeper and give the line it writes when its server runs or cannot."""
    log_path = folder / f"{name}.log"
    keeper = [sys.executable, "-m", __name__, str(folder), name]
    with log_path.open("ab") as log:
        started = subprocess.run(  # noqa: S603 - a constant script and our own interpreter
            ["/bin/sh", "-c", _IN_BACKGROUND, "sh", *keeper],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            check=True,
            start_new_session=True,
        )
    if not started.stdout:
        raise RuntimeError(f"the keeper of {name} failed: {log_path.read_text()[-2_000:]}")
    return started.stdout


def _keep(folder: Path, name: str) -> None:
    """Run the server, tell of it on standard output, and wait until its users have left."""
    try:
        server, description = _LAUNCHERS[name]()
    except BrokerUnavailableError as error:
        _tell({"unavailable": str(error)})
        return
    with server:
        _tell(description)
        if description.get("kind") == "mock":
            return
        with _users_file(folder, name).open("a") as users:
            fcntl.flock(users, fcntl.LOCK_EX)
            _description_file(folder, name).unlink(missing_ok=True)


def _tell(description: dict[str, Any]) -> None:
    """Write one line and let go of the pipe, which ends the starter's wait."""
    sys.stdout.write(json.dumps(description))
    sys.stdout.flush()
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _users_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.users"


def _description_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"


def _broker() -> _Server:
    broker = launch_broker()
    return broker, {
        "kind": broker.kind,
        "bootstrap_servers": broker.bootstrap_servers,
        "limits": broker.limits,
    }


def _secure_broker() -> _Server:
    broker = launch_secure_broker()
    return broker, broker.description()


def _dagster_server(kind: DagsterKind) -> _Server:
    with ExitStack() as opened:
        server = opened.enter_context(dagster_of_kind(kind))
        return opened.pop_all(), {"base_url": server.base_url}


_LAUNCHERS: Final[dict[str, Callable[[], _Server]]] = {
    "broker": _broker,
    "secure-broker": _secure_broker,
    **{f"dagster-{kind}": partial(_dagster_server, kind) for kind in DagsterKind},
}

if __name__ == "__main__":
    _keep(Path(sys.argv[1]), sys.argv[2])
