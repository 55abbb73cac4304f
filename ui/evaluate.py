"""The evaluation page: results of stored runs, one by one or two side by side."""

from ui.parts import heading
from ui.session import Session
from ui.words import say


def screen(session: Session) -> None:
    """The run that was chosen."""
    heading(say("page.evaluate"))
