"""What goes to the viewer in the browser, and what is believed of what comes back."""

import pytest

from ui.figures import Shown
from ui.viewer import Drawn, Viewed, read_drawn

FILM = Viewed("one", Shown(b"jpeg", rows=100, columns=80, alt="a film"))


@pytest.mark.parametrize(
    ("sent", "box"),
    [
        ([10, 20, 40, 50], (10, 20, 40, 50)),
        ([40, 50, 10, 20], (10, 20, 40, 50)),
        ([-5, 20.4, 900, 1e9], (0, 20, 80, 100)),
    ],
)
def test_a_drawn_box_is_held_inside_its_film(sent: list[float], box: tuple[int, ...]) -> None:
    assert read_drawn({"film": "one", "box": sent}, [FILM]) == Drawn("one", box)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "sent",
    [
        None, "box", {}, {"film": "two", "box": [1, 2, 30, 40]}, {"film": "one"}, {"film": "one", "box": [1, 2, 3]},
        {"film": "one", "box": ["1", 2, 30, 40]}, {"film": "one", "box": [1, 2, float("nan"), 40]},
        {"film": "one", "box": [1, 2, float("inf"), 40]}, {"film": "one", "box": [10, 20, 12, 90]},
    ],
)  # fmt: skip
def test_anything_else_is_no_box(sent: object) -> None:
    assert read_drawn(sent, [FILM]) is None
