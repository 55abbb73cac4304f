"""From a source to a training set: who is in it, under which names, and what of each film is seen."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from engine.encoders.patch import cut
from engine.errors import SourceError
from engine.readers import read
from engine.region import Origin, Region, View
from engine.training.films import ROOM, TrainingSet, training_side
from indexer.prepare import Roi
from indexer.records import History, Lesion
from indexer.sources import Listing, open_source
from indexer.training import training_set

VIEWS = (View.region, View.film)
SIZE = 32
COLUMNS = ("image", "patient_id", "split_group", "centre", "age", "sex", "entity", "malignancy", "site", "view")


def picture(seed: int) -> npt.NDArray[np.uint8]:
    """A film of its own: blurred noise, so that no two are near-duplicates."""
    noise = np.random.default_rng(seed).integers(0, 256, (12, 9)).astype(np.uint8)
    return np.asarray(cv2.resize(noise, (90, 120), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Six films of four patients in BTXRD's layout; the last has no mask, and two are of one split group."""
    rows = []
    for number, (patient, group) in enumerate([("A", "1"), ("A", "1"), ("B", "2"), ("C", "3"), ("D", "3"), ("E", "")]):
        name = f"{number}.png"
        for folder in ("images", "masks"):
            (tmp_path / folder).mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "images" / name), picture(number))
        if number < 5:
            mask = np.zeros((120, 90), np.uint8)
            mask[40:60, 30:50] = 255
            cv2.imwrite(str(tmp_path / "masks" / name), mask)
        entity = "osteosarcoma" if number % 2 else "osteochondroma"
        rows.append([name, patient, group, "1", "12", "F", entity, "malignant", "femur;tibia", "frontal"])
    write(tmp_path, rows)
    return tmp_path


def write(folder: Path, rows: list[list[str]]) -> None:
    with (folder / "cases.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])


def films_of(source: Path, roi: Roi = Roi.mask) -> tuple[TrainingSet, list[tuple[str, str]]]:
    return training_set(open_source(source, "btxrd"), roi, VIEWS, SIZE)


def test_facts_and_opaque_names(source: Path) -> None:
    films, left = films_of(source)
    assert left == [] and films.title == "BTXRD" and films.views == VIEWS
    assert films.column("patient").tolist() == ["p00001", "p00001", "p00002", "p00003", "p00004", "p00005"]
    assert films.column("group").tolist() == ["g00001", "g00001", "g00002", "g00003", "g00003", "g00004"]
    first = films.films[0]
    assert (first.entity, first.malignancy, first.age, first.sex) == ("osteochondroma", "malignant", 12, "F")
    assert (first.site, first.centre) == (("femur", "tibia"), "1")
    assert "A" not in str(vars(replace(first, entity=None, sha256="", sex=None)))


def test_cuts_are_what_an_encoder_sees(source: Path) -> None:
    films, _ = films_of(source)
    assert films.films[0].origin is Origin.mask and films.films[5].origin is Origin.whole
    film = read(source / "images" / "0.png")
    region = Region(30, 40, 50, 60, Origin.mask)
    for view, found in zip(VIEWS, films.films[0].cuts, strict=True):
        expected = cut(film, region, training_side(SIZE), view, ROOM)
        np.testing.assert_allclose(found / 255, expected, atol=0.51 / 255)
    whole, _ = films_of(source, Roi.whole)
    assert {film.origin for film in whole.films} == {Origin.whole}


def test_masks_lie_on_the_film_view(source: Path) -> None:
    mask = films_of(source)[0].films[0].mask
    assert mask is not None and mask.shape == (training_side(SIZE),) * 2
    side = 120 * ROOM  # of the square in film pixels
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    cell = side / len(mask)
    assert rows.min() * cell - (side - 120) / 2 == pytest.approx(40, abs=cell)
    assert columns.max() * cell - (side - 90) / 2 == pytest.approx(50, abs=1.5 * cell)
    assert films_of(source)[0].films[5].mask is None


def test_what_cannot_be_used_is_listed(source: Path) -> None:
    (source / "images" / "1.png").write_bytes(b"no film")
    (source / "images" / "2.png").unlink()
    cv2.imwrite(str(source / "masks" / "3.png"), np.ones((50, 200), np.uint8))
    (source / "images" / "5.png").write_bytes((source / "images" / "0.png").read_bytes())
    films, left = films_of(source)
    assert len(films) == 2
    said = dict(left)
    assert "no such file" in said["images/2.png"]
    assert "aspect" in said["images/3.png"] or "same film" in said["images/3.png"]
    assert said["images/5.png"] == "the same bytes as images/0.png"
    assert "images/1.png" in said


def test_nothing_to_read_is_an_error(source: Path) -> None:
    for path in (source / "images").iterdir():
        path.write_bytes(b"")
    with pytest.raises(SourceError, match="none of the 6 films of BTXRD can be read"):
        films_of(source)


def test_near_duplicates_and_shared_patients_join_groups(source: Path) -> None:
    again = cv2.imread(str(source / "images" / "2.png"), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(source / "images" / "5.png"), np.clip(again * 0.95, 0, 255).astype(np.uint8))  # type: ignore[operator]
    films, _ = films_of(source)
    group = films.column("group")
    assert group[5] == group[2] != group[0]
    rows = [line.split(",") for line in (source / "cases.csv").read_text(encoding="utf-8").splitlines()[1:]]
    rows[1][2] = "3"  # patient A stands in two split groups now
    write(source, rows)
    group = films_of(source)[0].column("group")
    assert group[0] == group[1] == group[3] == group[4] != group[2]


def test_a_patients_only_lesion_is_the_films(source: Path) -> None:
    listing = open_source(source, "btxrd")
    bare = [replace(film, lesion=None, site=None) for film in listing.films]
    history = History((Lesion("chordoma", "malignant", "sacrum"),))
    films, _ = training_set(Listing(bare, "x", "X", {"B": history}), Roi.mask, VIEWS, SIZE)
    assert films.column("entity").tolist() == [None, None, "chordoma", None, None, None]
    assert films.films[2].site == ("sacrum",)


def test_real_films_keep_their_split_groups(real_data: Callable[[str], Path]) -> None:
    listing = open_source(real_data("btxrd"), "btxrd")
    some = Listing(listing.films[:60], listing.issuer, listing.title)
    films, left = training_set(some, Roi.mask, VIEWS, SIZE)
    assert len(films) + len(left) == 60
    by_sha = {film.sha256: film for film in films.films}
    groups: dict[str, set[str]] = {}
    for record in some.films:
        assert record.path is not None
        film = by_sha.get(read(record.path).sha256)
        if film is not None and record.group:
            groups.setdefault(record.group, set()).add(film.group)
    assert groups and all(len(found) == 1 for found in groups.values())
