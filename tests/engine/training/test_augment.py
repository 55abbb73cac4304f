"""Each augmentation: what it changes, how far, and what it leaves alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from pydantic import ValidationError
from torch import Tensor

from engine.encoders.patch import cut
from engine.radiograph import Radiograph
from engine.region import Origin, Region, View
from engine.training.augment import STAGES, augment, plain
from engine.training.augment_settings import ALL, Augmentation
from engine.training.contact_sheet import CAPTION, contact_sheet
from engine.training.films import cut_for_training, training_side

SIZE = 80
SIDE = training_side(SIZE)
FILMS, VIEWS = 6, 2


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def films(n: int = FILMS, views: int = VIEWS) -> Tensor:
    """Smooth films in all greys, uint8 (n, views, SIDE, SIDE)."""
    rough = torch.rand(n * views, 1, 9, 9, generator=seeded(7))
    smooth = torch.nn.functional.interpolate(rough, (SIDE, SIDE), mode="bicubic").clamp(0.02, 0.98)
    return (smooth * 255).round().to(torch.uint8).reshape(n, views, SIDE, SIDE)


def flat(grey: float, n: int = FILMS) -> Tensor:
    return torch.full((n, VIEWS, SIDE, SIDE), grey)


def only(name: str, **strength: Any) -> Augmentation:
    """One augmentation, on every film."""
    rest = {other: {"probability": 0} for other in ALL}
    return Augmentation.model_validate(rest | {name: {"probability": 1} | strength})


def dots(across: float, down: float = 0.0) -> Tensor:
    """Black films with one bright dot, so far from the middle in shares of the seen side."""
    cuts = flat(0.0)
    row, column = (round(SIDE / 2 - 0.5 + SIZE * share) for share in (down, across))
    cuts[..., row - 1 : row + 2, column - 1 : column + 2] = 1.0
    return cuts


def places(pictures: Tensor) -> Tensor:
    """Centre of light of each picture from the middle, (n, views, 2) as (across, down), in shares of the side."""
    place = (torch.arange(SIZE) + 0.5) / SIZE - 0.5
    light = pictures.sum((2, 3))
    return torch.stack([(pictures.sum(2) * place).sum(2) / light, (pictures.sum(3) * place).sum(2) / light], dim=-1)


# ---- the plain view


def assert_is_served(seen: Tensor, film: Radiograph, region: Region, views: tuple[View, ...], most: float) -> None:
    """Each picture is what serving cuts, up to interpolation, and at no other scale."""
    for picture, view in zip(seen.numpy(), views, strict=True):
        apart = {room: np.abs(picture - cut(film, region, len(picture), view, room)).mean() for room in (0.94, 1, 1.06)}
        assert apart[1] < most, view
        assert apart[1] == min(apart.values()), view


def test_plain_is_what_serving_sees() -> None:
    rows, columns = np.mgrid[0:300, 0:240].astype(np.float32)
    pixels = (0.5 + 0.2 * np.sin(rows / 17) + 0.2 * np.cos(columns / 23)).astype(np.float32)
    film, region = Radiograph(pixels, "0" * 64, "waves"), Region(90, 100, 150, 190, Origin.drawn)
    views = (View.region, View.context, View.film)
    cuts = torch.from_numpy(cut_for_training(film, region, views, 64))[None]
    assert_is_served(plain(cuts, 64)[0], film, region, views, most=0.005)


def test_plain_of_an_even_cut_is_its_middle_exactly() -> None:
    cuts = films()
    assert SIDE == SIZE * 1.4
    start = (SIDE - SIZE) // 2
    middle = cuts[..., start : start + SIZE, start : start + SIZE].float() / 255
    torch.testing.assert_close(plain(cuts, SIZE), middle, atol=1e-4, rtol=0)


def test_plain_of_a_real_film_is_what_serving_sees(real_data: Callable[[str], Path]) -> None:
    folder = real_data("btxrd")
    path = sorted((folder / "masks").iterdir())[0]
    read = [cv2.imread(str(folder / kind / path.name), cv2.IMREAD_GRAYSCALE) for kind in ("images", "masks")]
    film = Radiograph(read[0].astype(np.float32) / 255, "0" * 64, path.name)
    region = Region.from_mask(read[1], film.shape)
    assert region is not None
    views = (View.region, View.film)
    cuts = torch.from_numpy(cut_for_training(film, region, views, 160))[None]
    assert_is_served(plain(cuts, 160)[0], film, region, views, most=0.02)


# ---- all of them


def test_nothing_drawn_is_plain() -> None:
    torch.testing.assert_close(augment(films(), Augmentation.only(), SIZE, seeded()), plain(films(), SIZE))


@pytest.mark.parametrize("name", ALL)
def test_each_changes_every_film_when_certain(name: str) -> None:
    drawn = augment(films(), Augmentation.only(name), SIZE, seeded(1))
    apart = (drawn - plain(films(), SIZE)).abs().amax((1, 2, 3))
    assert (apart > 0).all() and (apart > 0.005).sum() >= FILMS - 1  # a strength may be drawn near none


@pytest.mark.parametrize("name", ALL)
def test_each_changes_its_share_of_films(name: str) -> None:
    settings = Augmentation.model_validate({other: {"probability": 0.4 * (other == name)} for other in ALL})
    cuts = films(1).expand(200, -1, -1, -1)
    changed = (augment(cuts, settings, SIZE, seeded(2)) - plain(cuts, SIZE)).abs().amax((1, 2, 3)) > 0.002
    assert 0.25 < changed.float().mean() < 0.55


def test_same_generator_same_films_and_another_another() -> None:
    first, again, other = (augment(films(), Augmentation(), SIZE, seeded(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_films_draw_for_themselves() -> None:
    drawn = augment(films(1).expand(4, -1, -1, -1), Augmentation(), SIZE, seeded())
    assert all(not torch.allclose(drawn[i], drawn[j], atol=0.05) for i in range(4) for j in range(i))


def test_switching_one_off_leaves_what_the_others_draw() -> None:
    with_both, alone = (Augmentation.only(*names) for names in (("markers", "cutout"), ("cutout",)))
    both, cutout = (augment(flat(0.5), how, SIZE, seeded()) for how in (with_both, alone))
    hidden = cutout != 0.5
    assert hidden.any()
    assert torch.equal(both[hidden], cutout[hidden])


def test_the_world_outside_is_left_alone() -> None:
    cuts = films()
    kept, state = cuts.clone(), torch.get_rng_state()
    augment(cuts, Augmentation.only(*ALL), SIZE, seeded())
    grey = cuts.float() / 255
    augment(grey, Augmentation.only(*ALL), SIZE, seeded())
    assert torch.equal(cuts, kept) and torch.equal(grey, kept.float() / 255)
    assert torch.equal(torch.get_rng_state(), state)


def test_bytes_and_greys_mean_the_same() -> None:
    drawn = [augment(cuts, Augmentation(), SIZE, seeded()) for cuts in (films(), films().float() / 255)]
    assert torch.equal(drawn[0], drawn[1])


shares = st.floats(0, 1)


@given(
    st.fixed_dictionaries({name: st.fixed_dictionaries({"probability": shares}) for name in ALL}), st.integers(0, 99)
)
def test_any_mixture_gives_pictures_between_black_and_white(settings: dict[str, Any], seed: int) -> None:
    drawn = augment(films(3), Augmentation.model_validate(settings), 40, seeded(seed), room=1.4)
    assert drawn.shape == (3, VIEWS, 40, 40) and drawn.dtype == torch.float32
    assert drawn.isfinite().all() and drawn.min() >= 0 and drawn.max() <= 1


def test_settings_know_every_stage() -> None:
    assert ("affine", *STAGES) == ALL == tuple(Augmentation.model_fields)
    assert all(Augmentation().stage(name) is getattr(Augmentation(), name) for name in STAGES)


@pytest.mark.parametrize(
    "wrong",
    [
        {"affine": {"probability": 1.1}},
        {"affine": {"scale": (1.2, 0.8)}},
        {"affine": {"scale": (0, 1)}},
        {"exposure": {"gamma": (-1, 1)}},
        {"collimation": {"most": 0.5}},
        {"cutout": {"side": (0.5, 0.2)}},
        {"contrast": {}},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Augmentation.model_validate(wrong)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no augmentation is called mirror; there are affine, focus"):
        Augmentation.only("mirror")


# ---- affine

STILL = {"degrees": 0, "scale": (1, 1), "shift": 0, "flip": 0, "jitter": 0}


def test_affine_without_strength_is_plain() -> None:
    torch.testing.assert_close(augment(films(), only("affine", **STILL), SIZE, seeded()), plain(films(), SIZE))


def test_affine_flip_mirrors_left_and_right() -> None:
    drawn = augment(films(), only("affine", **STILL | {"flip": 1}), SIZE, seeded())
    torch.testing.assert_close(drawn, plain(films(), SIZE).flip(3), atol=1e-4, rtol=0)


def test_affine_scale_above_one_makes_the_lesion_larger() -> None:
    drawn = augment(dots(0.2), only("affine", **STILL | {"scale": (1.5, 1.5)}), SIZE, seeded())
    torch.testing.assert_close(places(drawn)[..., 0], torch.full((FILMS, VIEWS), 1.5 * 0.2), atol=0.02, rtol=0)


def test_affine_scales_within_its_range() -> None:
    far = places(augment(dots(0.2), only("affine", **STILL | {"scale": (0.8, 1.25)}), SIZE, seeded()))[..., 0] / 0.2
    assert far.min() > 0.75 and far.max() < 1.3 and far.std() > 0.05


def test_affine_turns_about_the_middle_by_at_most_its_degrees() -> None:
    away = places(augment(dots(0.35), only("affine", **STILL | {"degrees": 30}), SIZE, seeded()))
    assert (away.norm(dim=-1) - 0.35).abs().max() < 0.015
    degrees = torch.rad2deg(torch.atan2(away[..., 1], away[..., 0]))
    assert degrees.abs().max() < 31 and degrees.std() > 5


def test_affine_shifts_by_at_most_its_share() -> None:
    drawn = augment(dots(0.0), only("affine", **STILL | {"shift": 0.1}), SIZE, seeded())
    moved = places(drawn) - places(plain(dots(0.0), SIZE))
    assert moved.abs().max() < 0.105 and moved.std() > 0.02


def test_affine_moves_all_views_alike_but_for_the_jitter() -> None:
    cuts = films(FILMS, 1).expand(-1, 2, -1, -1)
    alike = augment(cuts, only("affine", jitter=0), SIZE, seeded())
    assert torch.equal(alike[:, 0], alike[:, 1])
    where = places(augment(dots(0.3), only("affine", **STILL | {"jitter": 5}), SIZE, seeded()))
    apart = (where[:, 0] - where[:, 1]).norm(dim=-1)
    assert 0 < apart.max() < 0.3 * 2 * np.sin(np.deg2rad(5)) + 0.01


# ---- grey values


def test_focus_blurs_one_way_and_sharpens_the_other() -> None:
    rough = (torch.rand(FILMS, VIEWS, SIDE, SIDE, generator=seeded(5)) * 0.2 + 0.4).float()
    before = plain(rough, SIZE)
    blurred, sharpened = (
        augment(rough, only("focus", **how), SIZE, seeded()) for how in ({"sharpen": 0}, {"blur": 0, "sharpen": 1})
    )
    inner = slice(2, -2)
    deviation = [x[..., inner, inner].std((2, 3)) for x in (blurred, before, sharpened)]
    assert (deviation[0] < deviation[1]).all() and (deviation[1] < deviation[2]).all()
    torch.testing.assert_close(blurred.mean((2, 3)), before.mean((2, 3)), atol=0.002, rtol=0)


def test_focus_leaves_an_even_film_alone() -> None:
    even = flat(0.3)
    torch.testing.assert_close(augment(even, only("focus"), SIZE, seeded()), plain(even, SIZE), atol=1e-5, rtol=0)


def test_exposure_is_a_power_within_its_range_that_keeps_black_and_white() -> None:
    before = plain(films(), SIZE)
    gamma = augment(films(), only("exposure", gamma=(0.5, 2)), SIZE, seeded()).log() / before.log()
    assert gamma.min() > 0.49 and gamma.max() < 2.05
    assert (gamma.amax((2, 3)) - gamma.amin((2, 3))).max() < 0.01  # one power for all of a view
    assert gamma.mean((2, 3)).unique().numel() == FILMS * VIEWS
    for grey in (0.0, 1.0):
        torch.testing.assert_close(augment(flat(grey), only("exposure"), SIZE, seeded()), plain(flat(grey), SIZE))


def test_window_is_a_line_through_the_middle_grey_moved_by_the_brightness() -> None:
    before = plain(films(), SIZE)
    drawn = augment(films(), only("window", contrast=0.2, brightness=0), SIZE, seeded())
    clear = (drawn > 0) & (drawn < 1) & ((before - 0.5).abs() > 0.1)
    slope = ((drawn - 0.5) / (before - 0.5))[clear]
    assert slope.min() > 0.79 and slope.max() < 1.21 and slope.std() > 0.03
    moved = augment(flat(0.5), only("window", contrast=0, brightness=0.15), SIZE, seeded()) - 0.5
    assert moved.abs().max() <= 0.1501 and moved.amax((2, 3)).unique().numel() == FILMS * VIEWS


def test_collimation_blackens_a_frame_and_nothing_else() -> None:
    before = plain(films(), SIZE)
    drawn = augment(films(), only("collimation", most=0.2), SIZE, seeded())
    kept = drawn > 0
    torch.testing.assert_close(drawn[kept], before[kept])
    rows, columns = kept.any(3), kept.any(2)
    assert torch.equal(kept, rows[..., :, None] & columns[..., None, :])  # a rectangle
    for lines in (rows, columns):
        assert lines[..., SIZE // 5 + 1 : -SIZE // 5 - 1].all()
    assert not kept.all((2, 3)).any()


def test_polarity_is_the_negative_in_all_views() -> None:
    drawn = augment(films(), only("polarity"), SIZE, seeded())
    torch.testing.assert_close(drawn, 1 - plain(films(), SIZE))


def test_noise_is_as_strong_as_said_and_each_pixel_its_own() -> None:
    added = augment(flat(0.5, 40), only("noise", most=0.05), SIZE, seeded()) - 0.5
    deviation = added.std((2, 3))
    assert deviation.max() < 0.055 and deviation.min() < 0.01 and added.mean().abs() < 1e-3
    neighbours = (added[..., 1:] * added[..., :-1]).mean() / added.var()
    assert abs(neighbours) < 0.02


# ---- what is burnt in and cut out


def changed_boxes(drawn: Tensor, before: Tensor) -> list[tuple[int, int]]:
    """Rows and columns that are covered by the change in each picture that changed visibly."""
    changed = ((drawn - before).abs() > 0.02).flatten(0, 1)
    boxes = [(int(one.any(1).sum()), int(one.any(0).sum())) for one in changed]
    return [box for box in boxes if min(box) > 0]


def test_markers_are_small_bright_letters_somewhere() -> None:
    drawn = augment(flat(0.0, 30), only("markers", height=(0.1, 0.1), level=(0.9, 0.9)), SIZE, seeded())
    boxes = changed_boxes(drawn, torch.zeros_like(drawn))
    assert len(boxes) > 0.8 * 60  # a few stand half outside the film
    assert max(max(box) for box in boxes) < 0.35 * SIZE
    assert (drawn > 0.02).float().mean((2, 3)).max() < 0.05
    assert drawn.max() <= 0.9 and (drawn.amax((2, 3)) > 0.5).float().mean() > 0.8
    centres = places(drawn + 1e-9).flatten(0, 1)
    assert (centres.std(0) > 0.15).all()


def test_text_is_a_line_that_shines_through() -> None:
    how = only("text", height=(0.1, 0.1), level=(1, 1), opacity=(0.5, 0.5))
    drawn = augment(flat(0.2, 30), how, SIZE, seeded())
    boxes = changed_boxes(drawn, torch.full_like(drawn, 0.2))
    assert sum(box[1] > 1.5 * box[0] for box in boxes) > len(boxes) / 2  # most lie, some stand
    assert drawn.max() <= 0.2 + 0.5 * 0.8 + 1e-5 and drawn.min() >= 0.2 - 1e-5


def test_cutout_hides_one_square_under_one_grey() -> None:
    before = plain(films(), SIZE)
    drawn = augment(films(), only("cutout", side=(0.2, 0.3)), SIZE, seeded())
    for picture, old in zip(drawn.flatten(0, 1), before.flatten(0, 1), strict=True):
        hidden = picture != old
        rows, columns = hidden.any(1).nonzero()[:, 0], hidden.any(0).nonzero()[:, 0]
        box = picture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert box.unique().numel() <= 2  # the old grey may happen to be the new one
        assert min(box.shape) >= 0.2 * SIZE - 1 and max(box.shape) <= 0.3 * SIZE + 1
        assert abs(box.shape[0] - box.shape[1]) <= 1


# ---- to be looked at


def test_contact_sheet_shows_each(tmp_path: Path) -> None:
    sheet = contact_sheet(films(2), SIZE, seed=0)
    assert sheet.shape == ((2 + len(ALL)) * (SIZE + CAPTION), 2 * VIEWS * SIZE) and sheet.dtype == np.uint8
    strips = sheet.reshape(2 + len(ALL), SIZE + CAPTION, -1)[:, CAPTION:]
    assert all(np.abs(strip.astype(int) - strips[0]).max() > 1 for strip in strips[1:])
    assert cv2.imwrite(str(tmp_path / "sheet.png"), sheet)
    assert np.array_equal(contact_sheet(films(2), SIZE, seed=0), sheet)


def test_contact_sheet_shows_the_strengths_of_a_recipe() -> None:
    weak = only("noise", most=0.0)
    strips = contact_sheet(films(2), SIZE, 0, weak).reshape(2 + len(ALL), SIZE + CAPTION, -1)[:, CAPTION:]
    assert np.array_equal(strips[1 + ALL.index("noise")], strips[0])
