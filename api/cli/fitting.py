"""What commands that fit networks share: a process made for it, its threads, and lines on how far it is."""

import os
import sys
from typing import TYPE_CHECKING

from api.settings import settings, training_environment

if TYPE_CHECKING:
    from engine.training.members import Step


def again(*, here: bool) -> None:
    """Begin this command anew under the allocator's settings of a fit, which are read once, when a process begins.

    here: whether this is that process.
    """
    if sys.platform == "linux" and not here:
        command = [sys.executable, "-m", "api.cli", *sys.argv[1:], "--here"]
        os.execvpe(command[0], command, training_environment())


def use_threads() -> None:
    """As many as the settings say."""
    chosen = settings().threads
    if chosen is not None:
        from engine.encoders.reference import use_threads

        use_threads(chosen)


def tell(step: "Step") -> None:
    """A line on stderr after each epoch."""
    epoch = step.epoch
    name = step.name if step.of == 1 else f"{step.name} {step.number}/{step.of}"
    precision = "" if epoch.precision is None else f", validation P@1 {100 * epoch.precision:.1f} %"
    line = f"{name} fit, epoch {epoch.number}/{epoch.of}: loss {epoch.loss:.3f}{precision}, {_left(epoch.left_s)}"
    print(line, file=sys.stderr, flush=True)


def _left(seconds: float) -> str:
    return f"{seconds / 60:.1f} min left" if seconds >= 60 else f"{seconds:.0f} s left"
