"""Words can be read: WCAG AA computed from the colours of the style sheets, in both rooms."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

import ui

FOLDER = Path(ui.__path__[0])
STYLE = (FOLDER / "style.css").read_text(encoding="utf-8")
DARK_ROOM = (FOLDER / "dark_room.css").read_text(encoding="utf-8")
THEME = tomllib.loads((FOLDER / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
LEAST, LEAST_PART = 4.5, 3.0
"""Ratios of WCAG 2.2 AA for text, and for what is no text."""
Colour = tuple[float, float, float]
WHITEST: Colour = (255, 255, 255)


def colour(text: str) -> Colour:
    red, green, blue = (int(text[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def luminance(of: Colour) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (each / 255 for each in of)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Colour, other: Colour) -> float:
    lights = sorted((luminance(one), luminance(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def named() -> Mapping[str, Colour]:
    return {name: colour(value) for name, value in re.findall(r"--cl-([\w-]+): (#[0-9a-f]{6});", STYLE)}


def dimmed(of: Colour, factor: float) -> Colour:
    red, green, blue = of
    return red * factor, green * factor, blue * factor


GROUND = colour(THEME["backgroundColor"])
TEXTS = [
    ("ink", "ground"), ("soft", "ground"), ("accent", "ground"), ("alarm", "ground"), ("ink", "panel"),
    ("soft", "panel"), ("alarm", "panel"), ("alarm", "alarm-panel"), ("ink", "top"), ("soft", "top"), ("ink", "chosen"),
    ("accent", "panel"), ("dark", "accent"),
]  # fmt: skip
PARTS = [
    ("accent", "ground"),
    ("border", "ground"),
    ("edge", "ground"),
    ("edge", "panel"),
    ("box", "ground"),
    ("accent", "chosen"),
]


@pytest.mark.parametrize("factor", [1.0, float(re.findall(r"--cl-dim: ([\d.]+)", DARK_ROOM)[0])])
def test_texts_and_parts_stand_out_in_both_rooms(factor: float) -> None:
    ground = GROUND if factor == 1 else (0.0, 0.0, 0.0)
    colours = {**named(), "ground": ground, "dark": colour("#0b1218"), "border": colour(THEME["borderColor"])}
    for text, behind in TEXTS:
        assert contrast(dimmed(colours[text], factor), dimmed(colours[behind], factor)) >= LEAST, (text, behind)
    for part, behind in PARTS:
        assert contrast(dimmed(colours[part], factor), dimmed(colours[behind], factor)) >= LEAST_PART, (part, behind)


def test_marks_can_be_read_over_the_whitest_film() -> None:
    (opacity,) = re.findall(r"\.cl-on-film \{[^}]*rgb\(0 0 0 / (\d+)%\)", STYLE)
    assert contrast(named()["ink"], dimmed(WHITEST, 1 - int(opacity) / 100)) >= LEAST


def test_streamlits_widgets_wear_the_same_colours() -> None:
    colours = named()
    assert colour(THEME["textColor"]) == colours["ink"] and colour(THEME["primaryColor"]) == colours["accent"]
    assert colour(THEME["secondaryBackgroundColor"]) == colours["panel"]


def test_nothing_is_green() -> None:
    """Green reassures, and nothing here may; the scale of the maps is no verdict."""
    for value in re.findall(r"#[0-9a-f]{6}", re.sub(r"linear-gradient\([^)]*\)", "", STYLE)):
        red, green, blue = colour(value)
        assert green <= max(red, blue) + 12, value


def test_the_formula_knows_black_on_white() -> None:
    assert contrast((0, 0, 0), WHITEST) == pytest.approx(21)
    assert contrast(colour("#767676"), WHITEST) == pytest.approx(4.54, abs=0.01)
