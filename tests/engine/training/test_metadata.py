"""Metadata as numbers: what each says, what is missing, and words nobody taught."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from engine.region import Origin
from engine.training.films import TrainingFilm, TrainingSet
from engine.training.metadata import AGES, FACTS, Metadata

CUTS = np.zeros((0, 1, 1), np.uint8)
TAUGHT = Metadata(("femur", "tibia"), ("diaphysis", "metaphysis"))


def film(
    age: float | None = None, sex: str | None = None, site: tuple[str, ...] = (), position: str | None = None
) -> TrainingFilm:
    return TrainingFilm(CUTS, "0", Origin.whole, "p", "g", age=age, sex=sex, site=site, position=position)


def told(one: TrainingFilm, metadata: Metadata = TAUGHT) -> dict[str, float]:
    """What is not zero, by name."""
    row = metadata.encode([one])[0]
    return {name: value for name, value in zip(metadata.names, row.tolist(), strict=True) if value}


def test_all_facts() -> None:
    known = {"age known": 1, "sex known": 1, "site known": 1, "position known": 1}
    steps = {"age >= 5": 1, "age >= 10": 1, "age >= 15": 1}
    said = film(15, "F", ("tibia", "femur"), "diaphysis")
    expected = known | steps | {"sex F or M": -1, "site tibia": 1, "site femur": 1, "position diaphysis": 1}
    assert told(said) == expected


def test_an_infants_age_is_known_though_no_step_is_reached() -> None:
    assert told(film(age=0)) == {"age known": 1}


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (film(), {}),
        (film(sex="M"), {"sex F or M": 1, "sex known": 1}),
        (film(sex="O"), {}),
        (film(site=("tail",)), {}),
        (film(site=("tail", "femur")), {"site femur": 1, "site known": 1}),
        (film(position="wing"), {}),
    ],
)
def test_what_is_unknown_or_never_taught_is_zero(one: TrainingFilm, expected: dict[str, float]) -> None:
    assert told(one) == expected


@given(st.floats(0, 120), st.floats(0, 120))
def test_an_older_patient_has_every_step_of_a_younger(one: float, other: float) -> None:
    younger, older = sorted((one, other))
    rows = TAUGHT.encode([film(age=younger), film(age=older)])[:, : len(AGES)]
    assert (rows[1] >= rows[0]).all() and rows.sum(axis=1).tolist() == [
        sum(age >= step for step in AGES) for age in (younger, older)
    ]


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=3), st.lists(st.sampled_from(["x", "y"]), max_size=2))
def test_width_names_and_kinds_agree(sites: list[str], positions: list[str]) -> None:
    metadata = Metadata(tuple(sorted(set(sites))), tuple(sorted(set(positions))))
    rows = metadata.encode([film(3), film(70, "M", ("a",), "x")])
    assert rows.shape == (2, metadata.width) and rows.dtype == np.float32
    assert len(metadata.names) == len(set(metadata.names)) == metadata.width == len(metadata.kinds)
    assert all(name.startswith(FACTS[kind]) for name, kind in zip(metadata.names, metadata.kinds, strict=True))


def test_vocabulary_is_that_of_the_training_set_in_order() -> None:
    films = (film(site=("tibia", "femur"), position="wing"), film(site=("femur",)), film())
    assert Metadata.of(TrainingSet(films, (), 0, "three")) == Metadata(("femur", "tibia"), ("wing",))


def test_json_gives_the_vocabulary_back() -> None:
    assert Metadata.from_json(TAUGHT.to_json()) == TAUGHT
