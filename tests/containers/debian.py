"""Programs that Debian packages bring, installed where they are missing and that is possible."""

from __future__ import annotations

import os
import shutil
import subprocess

INSTALL_SECONDS = 600


def install(**packages: str) -> None:
    """Install the package of each program (`program="package"`) that is not on the PATH.

    Raises:
        RuntimeError: programs are missing and this is no Debian, we are not root, or apt-get fails.
    """
    missing = sorted({package for name, package in packages.items() if not shutil.which(name)})
    if not missing:
        return
    wanted = " ".join(missing)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise RuntimeError(f"{wanted} cannot be installed: that needs root and apt-get")
    told = ""
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
        done = subprocess.run(
            ["/usr/bin/apt-get", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=INSTALL_SECONDS,
            check=False,
            text=True,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        )
        told += done.stdout
    absent = sorted(name for name in packages if not shutil.which(name))
    if absent:
        raise RuntimeError(f"{', '.join(absent)} missing after installing {wanted}: {told[-1000:]}")
