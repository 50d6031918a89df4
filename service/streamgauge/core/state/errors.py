"""Why a commit's metadata is not a state that can be gone on from, or a state fits no text."""

from __future__ import annotations


class StateError(ValueError):
    """A text is not a state that can be gone on from."""


class NotOurStateError(StateError):
    """There is no text, or it was written by something else."""


class StateDamagedError(StateError):
    """It was a state, but not all of it is there, or not at the offset it was written for."""


class StateTooNewError(StateError):
    """It is whole, but this version would misread it: it takes a newer streamgauge."""


class StateTooLargeError(ValueError):
    """The counts alone fit no commit's metadata; only a new life, which starts at zero, helps."""
