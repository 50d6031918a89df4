"""Root file systems that base images stand on, made of Debian's packages and kept in the cache."""

from __future__ import annotations

import hashlib
import subprocess
from typing import TYPE_CHECKING

from streamgauge_demo.parts.cache import make_once

from . import debian

if TYPE_CHECKING:
    from pathlib import Path

SUITE = "bookworm"
PYTHON = ("python3", "python3-pip", "python3-venv", "ca-certificates", "busybox")
JAVA = ("openjdk-17-jre-headless",)
MAKE_SECONDS = 600


def prepare_rootfs(packages: tuple[str, ...]) -> Path:
    """Give a tar archive of a minimal system with these packages.

    Raises:
        RuntimeError: it is not in the cache and cannot be made here.
    """
    key = hashlib.sha256(repr((SUITE, packages)).encode()).hexdigest()[:12]
    return make_once(f"rootfs-{key}.tar", lambda folder: _make(packages, folder))


def _make(packages: tuple[str, ...], folder: Path) -> Path:
    debian.install(mmdebstrap="mmdebstrap")
    path = folder / "rootfs.tar"
    include = f"--include={','.join(packages)}"
    command = ["mmdebstrap", "--quiet", "--variant=minbase", include, SUITE, str(path)]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=MAKE_SECONDS,
        check=False,
        text=True,
        errors="replace",
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-1_000:].strip()}")
    return path
