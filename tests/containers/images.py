"""The images of others that ours are built on and run beside: at hand, pulled, or stood in for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from . import stand_ins

if TYPE_CHECKING:
    from .engine import Engine

PULL_SECONDS = 600


class Images:
    """Provides images by name, and tells which of them are not the published ones.

    Attributes:
        provided: what each provided image is, by its name.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.provided: dict[str, str] = {}

    def provide(self, name: str) -> None:
        """See to it that the engine has an image of this name.

        Raises:
            EngineError: it is not there and cannot be pulled, and the engine is not ours alone: a
                stand-in in it would deceive its other users.
            RuntimeError: its stand-in cannot be made here.
        """
        if name in self.provided:
            return
        if not self._engine.try_docker("image", "inspect", name):
            self._fetch(name)
        stands_in = self.stand_in(name)
        self.provided[name] = f"STAND-IN: {stands_in}" if stands_in else "the published image"

    def stand_in(self, name: str) -> str | None:
        """What stands in for the image, or None for the published one."""
        asked = ("image", "inspect", "--format", "{{json .Config.Labels}}", name)
        labels = json.loads(self._engine.docker(*asked)) or {}
        return labels.get(stand_ins.LABEL)

    def _fetch(self, name: str) -> None:
        pull = ("pull", "--quiet", name)
        if not self._engine.private:
            self._engine.docker(*pull, seconds=PULL_SECONDS)
        elif not self._engine.try_docker(*pull, seconds=PULL_SECONDS):
            stand_ins.make(self._engine, name)
