"""Films in HTML: the box lies where it should, texts cannot become markup."""

import re

import pytest

from ui.boxes import Box
from ui.figures import Shown, data_uri, figure

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n"


def places(html: str, name: str) -> dict[str, float]:
    style = re.search(rf'{name}[^>]*style="([^"]*)"', html)
    assert style is not None
    return {key: float(value) for key, value in re.findall(r"(left|top|width|height):(-?[\d.]+)%", style[1])}


def shown(box: Box | None = None, alt: str = "a film") -> Shown:
    return Shown(JPEG, rows=1000, columns=500, alt=alt, box=box)


def test_box_in_shares_of_the_film() -> None:
    assert places(figure(shown((50, 100, 250, 600))), "cl-box") == {"left": 10, "top": 10, "width": 40, "height": 50}


@pytest.mark.parametrize("box", [(50, 100, 250, 600), (0, 0, 40, 40), (460, 960, 500, 1000)])
def test_zoomed_box_lies_on_the_same_film_pixels(box: Box) -> None:
    html = figure(shown(box), zoomed=True)
    picture, outline = places(html, "<img"), places(html, "cl-box")
    left = (outline["left"] - picture["left"]) / picture["width"] * 500
    bottom = (outline["top"] + outline["height"] - picture["top"]) / picture["height"] * 1000
    assert left == pytest.approx(box[0], abs=0.05)
    assert bottom == pytest.approx(box[3], abs=0.05)


def test_no_box_no_outline() -> None:
    assert "cl-box" not in figure(shown())
    assert figure(shown(), zoomed=True) == figure(shown())


def test_alt_is_escaped() -> None:
    assert '<img alt="&quot;&gt;&lt;b&gt;"' in figure(shown(alt='"><b>'))


def test_kinds_of_pictures() -> None:
    assert data_uri(JPEG).startswith("data:image/jpeg;base64,")
    assert data_uri(PNG).startswith("data:image/png;base64,")
