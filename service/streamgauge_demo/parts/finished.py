"""Programs that are run to their end."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def run(
    command: Sequence[str], timeout_seconds: float, failure: str, unavailable: type[RuntimeError]
) -> str:
    """Run to the end and give what was written.

    Args:
        command: of a found executable, with our own arguments.
        timeout_seconds: how long it may take.
        failure: begins the message; the end of what was written follows.
        unavailable: is raised if it fails or takes too long.
    """
    try:
        done = subprocess.run(  # noqa: S603 - found executables with our own arguments
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_seconds,
            check=True,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise unavailable(f"{failure} within {timeout_seconds:.0f} s") from error
    except subprocess.CalledProcessError as error:
        raise unavailable(f"{failure}: {error.stdout[-1_000:].strip()}") from error
    return done.stdout
