"""The radiograph refuses what is no film."""

import numpy as np
import pytest

from engine.errors import UnsupportedFilm
from engine.radiograph import MAX_PIXELS, Header, Radiograph, Spacing, check_size


def film(rows: int = 32, columns: int = 40, **more: object) -> Radiograph:
    return Radiograph(np.zeros((rows, columns), np.float32), "ab", "a.png", **more)  # type: ignore[arg-type]


def test_pixels_are_read_only_and_full_shape_is_their_own() -> None:
    given = film()
    assert given.shape == (32, 40)
    assert given.reduction == (1, 1)
    with pytest.raises(ValueError, match="read-only"):
        given.pixels[0, 0] = 1


def test_a_reduced_film_keeps_its_full_shape() -> None:
    assert film(full_shape=(64, 80)).reduction == (2, 2)


@pytest.mark.parametrize("pixels", [np.zeros((4, 4), np.float64), np.zeros((4, 4, 3), np.float32)])
def test_other_arrays_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="float32"):
        Radiograph(pixels, "ab", "a.png")


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (15, 400), (30_000, 30_000)])
def test_sizes_outside_the_limits_name_them(rows: int, columns: int) -> None:
    with pytest.raises(UnsupportedFilm, match=f"{columns}x{rows}"):
        check_size(rows, columns)


def test_the_largest_film_passes() -> None:
    check_size(10_000, MAX_PIXELS // 10_000)


@pytest.mark.parametrize("value", [0.0, -0.1, 0.019, 2.01, float("nan")])
def test_implausible_spacing_cannot_be_made(value: float) -> None:
    with pytest.raises(ValueError, match="None"):
        Spacing(value, 0.1)


def test_with_header_changes_nothing_else() -> None:
    given = film()
    assert given.with_header(Header(view="frontal")).header.view == "frontal"
    assert given.header.view is None
