"""The oldest Dagster that streamgauge works with, in an environment that pip makes once."""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path
from typing import Final

from streamgauge_demo.parts.cache import cache_folder, make_once
from streamgauge_demo.parts.finished import run

OLDEST: Final = "1.13.10"
_REQUIREMENTS: Final = (
    f"dagster-webserver=={OLDEST}",
    "dagster-postgres==0.29.10",  # of the same release
    *("httpx", "numpy", "orjson", "pydantic-settings"),  # what streamgauge_dagster loads beside it
)
_CONSTRAINTS: Final = Path(__file__).parents[3] / "constraints.txt"
_INSTALL_TIMEOUT_SECONDS: Final = 900.0


class OldestDagsterUnavailableError(RuntimeError):
    """There is no such environment here; the message says why and what would help."""


def find_oldest_dagster() -> Path:
    """Give the Python of the environment; needs no network.

    Raises:
        OldestDagsterUnavailableError: there is none.
    """
    python = _python(cache_folder() / _name())
    if not python.exists():
        raise OldestDagsterUnavailableError(
            f"no environment has Dagster {OLDEST}; `make oldest-dagster` makes one"
        )
    return python


def prepare_oldest_dagster() -> Path:
    """Give the Python of the environment, which is made first if it is not in the cache.

    Parallel calls, also of other processes, wait for the first one.

    Raises:
        OldestDagsterUnavailableError: pip failed; has the end of what it said.
    """
    return _python(make_once(_name(), lambda making: _make(making / "environment", making)))


def _name() -> str:
    """Name all that the environment depends on."""
    depends = [*_REQUIREMENTS, *_others_pinned(), sys.base_prefix, sys.version]
    key = hashlib.sha256("\n".join(depends).encode()).hexdigest()[:12]
    return f"dagster-{OLDEST}-{key}"


def _others_pinned() -> list[str]:
    """All else is as for the newest Dagster, so that the two differ in nothing but Dagster.

    Raises:
        OldestDagsterUnavailableError: this is no checkout.
    """
    try:
        lines = _CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise OldestDagsterUnavailableError(f"there is no {_CONSTRAINTS}") from error
    return [line for line in lines if not line.startswith("dagster")]


def _make(environment: Path, making: Path) -> Path:
    """Make it; it is moved afterwards, which only the programs in its `bin` would mind."""
    constraints = making / "constraints.txt"
    constraints.write_text("\n".join(_others_pinned()), encoding="utf-8")
    _run([sys.executable, "-m", "venv", str(environment)])
    pip = [str(_python(environment)), "-m", "pip", "install", "--quiet", "--no-input"]
    _run([*pip, "--disable-pip-version-check", "-c", str(constraints), *_REQUIREMENTS])
    return environment


def _run(command: list[str]) -> None:
    failure = f"Dagster {OLDEST} cannot be installed"
    run(command, _INSTALL_TIMEOUT_SECONDS, failure, OldestDagsterUnavailableError)


def _python(environment: Path) -> Path:
    return environment / "bin" / "python"


def _main() -> None:
    began = time.monotonic()
    try:
        python = prepare_oldest_dagster()
    except OldestDagsterUnavailableError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{python} after {time.monotonic() - began:.0f} s\n")


if __name__ == "__main__":
    _main()
