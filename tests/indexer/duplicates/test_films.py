"""Near-duplicates among films in memory, against every pair looked at, on generated and on real films."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from engine.readers import read
from indexer.duplicates.films import near_duplicates, near_pairs
from indexer.duplicates.hashes import BITS, POSES, all_poses, faces, perceptual_hash
from indexer.duplicates.lookalikes import FARTHEST, Lookalikes
from indexer.thumbnails import shrink

Grey = npt.NDArray[np.uint8]
Film = Callable[..., Grey]
MANY = 40


def shares(picture: Grey) -> npt.NDArray[np.float32]:
    """A picture in 0..1."""
    return np.asarray(picture / 255, dtype=np.float32)


def test_a_film_altered_is_found_among_others(film: Film, alter: Callable[[Grey], Grey]) -> None:
    films = [film(seed) for seed in range(6)]
    altered = [alter(film(seed)) for seed in range(4)]
    groups = near_duplicates([shares(picture) for picture in films + altered])
    assert groups.tolist() == [0, 1, 2, 3, -1, -1, 0, 1, 2, 3]


def test_films_of_others_are_not_near_duplicates(film: Film) -> None:
    assert near_pairs([shares(film(seed)) for seed in range(MANY)]) == []


def test_films_that_show_nothing_are_like_no_other() -> None:
    blank = [np.full((90, 60), grey, dtype=np.float32) for grey in (0, 0, 0.5, 1, 1)]
    assert near_duplicates(blank).tolist() == [-1] * 5
    assert near_duplicates([]).tolist() == []


def test_a_mirrored_film_whose_detail_differs_is_another(film: Film) -> None:
    one = film(3).astype(np.float32)
    other = film(4).astype(np.float32)
    other = other - other.mean() + one.mean()
    outline, detail = one, np.roll(one, 7, axis=0) * 0.5 + other * 0.5
    assert near_duplicates([shares(outline.clip(0, 255)), shares(detail.clip(0, 255))[:, ::-1]]).tolist() == [-1, -1]


def test_the_order_of_films_changes_no_group(film: Film) -> None:
    films = [film(seed) for seed in (1, 1, 2, 3, 3, 3, 4)]
    films[1], films[4] = films[1][:, ::-1], np.rot90(films[4])
    films = [shares(np.ascontiguousarray(picture)) for picture in films]
    expected = {frozenset({0, 1}), frozenset({3, 4, 5})}
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(films))
        groups = near_duplicates([films[at] for at in order])
        named = {frozenset(order[groups == number].tolist()) for number in np.unique(groups[groups >= 0])}
        assert named == expected


def farthest(one: str, two: str) -> int:
    """The least count of bits in which any face of two hashes differs in any pose and polarity, bit by bit."""
    counts = []
    for first in faces(one):
        for posed in all_poses(first):
            for second in faces(two):
                differ = sum(bool(a) != bool(b) for a, b in zip(posed, second, strict=True))
                counts += [differ, BITS - differ]
    return min(counts)


def test_lookalikes_are_those_that_all_pairs_give(film: Film) -> None:
    base = [film(seed) for seed in range(12)]
    rng = np.random.default_rng(0)
    noisy = [np.clip(one + rng.normal(0, 25, one.shape), 0, 255).astype(np.uint8) for one in base]
    hashes = [perceptual_hash(picture) for picture in (*base, *(one[:, ::-1].copy() for one in noisy))]
    known = Lookalikes()
    wanted, found = set(), set()
    for number, phash in enumerate(hashes):
        found |= {(match.film, number) for match in known.near(phash)}
        wanted |= {(other, number) for other in range(number) if farthest(hashes[other], phash) <= FARTHEST}
        known.add(number, phash)
    assert len(wanted) >= len(base)
    assert found <= wanted
    assert len(found) >= 0.95 * len(wanted)


def test_a_film_let_go_is_found_no_more(film: Film) -> None:
    known = Lookalikes()
    for number in range(70):
        known.add(number, perceptual_hash(film(number)))
    assert [match.film for match in known.near(perceptual_hash(film(66)))] == [66]
    known.remove(66)
    known.remove(1000)
    assert known.near(perceptual_hash(film(66))) == []
    known.add(66, perceptual_hash(film(66)))
    assert [match.film for match in known.near(perceptual_hash(film(66)))] == [66]


@pytest.mark.parametrize("pose", POSES, ids=str)
def test_a_turned_hash_is_that_of_the_turned_film(film: Film, pose: object) -> None:
    number = POSES.index(pose)  # type: ignore[arg-type]
    picture = film(5, 256, 256)
    (expected,) = faces(perceptual_hash(POSES[number].turn(picture)))
    (bits,) = faces(perceptual_hash(picture))
    assert (all_poses(bits)[number] != expected).sum() <= 3


def test_a_border_gives_a_second_hash_that_of_the_film_without(film: Film) -> None:
    picture = film(7)
    (alone,) = faces(perceptual_hash(picture))
    whole, within = faces(perceptual_hash(np.pad(picture, 32, constant_values=200)))
    assert (within != alone).sum() < 20 < (whole != alone).sum()


REAL = {
    "btxrd": [
        ("IMG000415.png", "IMG000497.png"),
        ("IMG000430.png", "IMG000765.png"),
        ("IMG000610.png", "IMG000611.png"),
    ],
    "fracatlas": [("IMG0002376.jpg", "IMG0002377.jpg"), ("IMG0002749.jpg", "IMG0004113.jpg")],
}
"""Looked at: one exposure of two patients, in two windows, and cut short."""
ALIKE = {
    "btxrd": ["IMG000609.png", "IMG000234.png", "IMG000235.png", "IMG000886.png", "IMG000923.png", "IMG000913.png",
              "IMG000914.png", "IMG000555.png", "IMG000556.png", "IMG001117.png", "IMG001279.png"],
    "fracatlas": ["IMG0003633.jpg", "IMG0003878.jpg", "IMG0001620.jpg", "IMG0003798.jpg", "IMG0003565.jpg"],
}  # fmt: skip
"""Looked at too: other patients in the same pose, left and right knee, a hand moved in the same frame."""


@pytest.mark.parametrize("name", REAL)
def test_real_films(real_data: Callable[[str], Path], name: str) -> None:
    folder = real_data(name) / "images"
    files = [file for pair in REAL[name] for file in pair] + ALIKE[name]
    films = [shares(shrink(read(folder / file, at_least=512))) for file in files]
    found = {(files[pair.one], files[pair.two]) for pair in near_pairs(films)}
    assert found == set(REAL[name])
