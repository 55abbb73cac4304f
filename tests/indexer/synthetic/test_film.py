"""What is drawn: signs where they belong, the same lesion on every film, every site and view."""

from dataclasses import replace

import numpy as np
import pytest

from indexer.synthetic.cohort import ENTITIES, SITE_SHARES, FilmPlan, Patient, make_patient, site_table
from indexer.synthetic.film import Film, draw
from indexer.synthetic.growth import grow, survey
from indexer.synthetic.history import Entry, place_name, write_history
from indexer.synthetic.lesions import RECIPES, Signs, sample_signs
from indexer.synthetic.placement import body_growth, place, region_for, spot
from indexer.synthetic.scenes import SCENES
from indexer.synthetic.shading import chord, fill, shade


def patient_of(entity: str, site: str, number: int = 1, age: int = 25) -> Patient:
    return make_patient(4, number, "SYN-T", entity, site, "F", age)


def first_film(patient: Patient, stage: str = "before treatment", view: str = "frontal") -> Film:
    plan = replace(patient.films[0], stage=stage, view=view)
    return draw(patient, place(patient), plan)


PAIRS = [(e, s) for i, e in enumerate(ENTITIES) for j, s in enumerate(SITE_SHARES) if site_table()[i, j] > 0.004]


@pytest.mark.parametrize(("entity", "site"), PAIRS)
def test_every_usual_entity_and_site_can_be_drawn(entity: str, site: str) -> None:
    film = first_film(patient_of(entity, site))
    assert film.picture.dtype == np.float32
    assert film.picture.min() >= 0
    assert film.picture.max() <= 1
    assert film.mask is not None
    assert film.mask.any()


@pytest.mark.parametrize("site", SITE_SHARES)
@pytest.mark.parametrize("view", ["lateral", "oblique"])
def test_every_site_has_its_views(site: str, view: str) -> None:
    patient = patient_of("chondrosarcoma" if site != "patella" else "giant cell tumour", site)
    region, shown = region_for(place(patient), view)
    assert shown in ("lateral", "oblique")
    seat = spot(place(patient), region)
    assert seat.scene.bone(seat.bone).name == seat.bone
    assert np.hypot(*seat.along) == pytest.approx(1, abs=1e-4)


def test_a_film_is_drawn_the_same_again_and_differs_from_the_next() -> None:
    patient = patient_of("osteosarcoma", "femur")
    first = first_film(patient)
    for unaligned in range(1, 4):
        kept = np.zeros(unaligned * 100_003, dtype=np.uint8)  # moves what is allocated next
        np.testing.assert_array_equal(first.picture, first_film(patient).picture)
        del kept
    other = first_film(patient_of("osteosarcoma", "femur", number=2))
    assert first.picture.shape != other.picture.shape or not np.allclose(first.picture, other.picture, atol=0.1)


def test_lysis_darkens_and_cement_brightens_the_bone() -> None:
    patient = patient_of("giant cell tumour", "tibia", number=5)
    before = first_film(patient)
    assert before.mask is not None
    operated = draw(patient, place(patient), replace(patient.films[0], stage="after operation"))
    assert operated.mask is None
    inside = before.mask > 0
    assert operated.picture[inside].mean() > before.picture[inside].mean() + 0.1


def _square_bone(signs: Signs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mask, cortex before and after of a straight bone of 30 mm width at 0.5 mm per pixel."""
    bone = SCENES["leg"]().bone("femur")
    mask = np.zeros((300, 200), dtype=np.uint8)
    mask[:, 70:130] = 1
    rng = np.random.default_rng(0)
    site = survey(mask, np.array([100, 150], dtype=np.float32), np.array([0, 1], dtype=np.float32), signs, 0.5, rng)
    before = shade(mask, (slice(0, 300), slice(0, 200)), bone, 0.5)
    layers, lesion = grow(site, mask, bone, signs)
    return lesion, before.cortex + before.spongy, layers.cortex + layers.spongy


def signs(**given: float) -> Signs:
    quiet = {name: 0.0 for name in Signs.__dataclass_fields__ if name != "toward"}
    return Signs(**(quiet | {"length": 40.0, "aspect": 0.6, "edge": 1.0} | given))


def test_each_sign_changes_the_bone_where_it_should() -> None:
    lesion, before, after = _square_bone(signs(lysis=0.9, erode=0.5))
    inside = lesion > 0
    assert after[inside].mean() < 0.6 * before[inside].mean()
    np.testing.assert_allclose(after[:60], before[:60], rtol=0.02)
    _, before, after = _square_bone(signs(cloud=1.0))
    assert after[inside].mean() > before[inside].mean() + 2
    lesion, before, after = _square_bone(signs(spicules=1.0, mass=0.8))
    assert after[120:180, 131:150].mean() > 0.15
    assert before[120:180, 131:150].max() == 0
    assert (lesion[:, :69] > 0).any() or (lesion[:, 131:] > 0).any(), "the mass is part of the lesion"
    lesion, _, _ = _square_bone(signs(stalk=0.8, length=60.0))
    outgrowth = np.argwhere(np.delete(lesion, np.s_[65:135], axis=1) > 0)
    assert len(outgrowth) > 200
    assert outgrowth[:, 0].mean() > 155, "it points away from the joint"


def test_chemotherapy_makes_a_tumour_denser_and_its_mass_smaller() -> None:
    drawn = sample_signs("osteosarcoma", "femur", np.random.default_rng(1))
    after = drawn.after_chemotherapy()
    assert after.cloud > drawn.cloud
    assert after.mass < drawn.mass


def test_signs_stay_in_their_recipes_ranges() -> None:
    for entity, recipe in RECIPES.items():
        for seed in range(20):
            drawn = sample_signs(entity, "femur", np.random.default_rng(seed))
            assert recipe.length[0] <= drawn.length <= recipe.length[1]
            assert 0 <= drawn.lysis <= recipe.lysis[1]
            assert drawn.toward in (-1, 1)


def test_chord_is_a_circles() -> None:
    depth = np.array([-1, 0, 1, 5, 10, 20], dtype=np.float32)
    expected = [0, 0] + [2 * np.sqrt(100 - (10 - d) ** 2) for d in (1, 5, 10)] + [20]
    np.testing.assert_allclose(chord(depth, 10.0), expected, rtol=1e-6)


def test_cortex_is_denser_at_the_edge_of_a_shaft() -> None:
    mask = fill(np.array([[40, 0], [60, 0], [60, 199], [40, 199]], dtype=np.float32), (200, 100))
    shell = shade(mask, (slice(0, 200), slice(0, 100)), SCENES["leg"]().bone("femur"), 1.0)
    row = shell.cortex[100]
    assert row[43] > 1.5 * row[50] > 0
    assert row[30] == row[70] == 0


def test_children_are_smaller() -> None:
    assert body_growth(4) < body_growth(10) < body_growth(20) == 1
    child, adult = patient_of("osteosarcoma", "femur", age=6), patient_of("osteosarcoma", "femur", age=30)
    assert place(child).length_mm < place(adult).length_mm


def test_a_history_names_the_place_and_size_drawn() -> None:
    patient = patient_of("osteosarcoma", "femur")
    lesion = place(patient)
    texts = [entry.text for entry in write_history(patient, lesion)]
    assert any(place_name(patient, lesion) in text and f"{lesion.length_mm} mm" in text for text in texts)
    assert all(text.startswith("SYNTHETIC") for text in texts)
    assert any("chemotherapy" in text for text in texts)


def test_an_unmarked_text_is_refused() -> None:
    plan: FilmPlan = patient_of("osteosarcoma", "femur").films[0]
    with pytest.raises(ValueError, match="SYNTHETIC"):
        Entry(plan.taken, "radiology", "a film", "radiology")
