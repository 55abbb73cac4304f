"""A whole film asked of an archive of lesion crops meets films that have no crop: those without a tumour.

Found on real films: an osteosarcoma without a box was told that four of five similar patients had no tumour.
"""

from pathlib import Path

import numpy as np
import pytest

from engine.radiograph import Stage
from engine.region import Origin, Region
from indexer.answer import TUMOURLESS, UNMARKED, Answer
from indexer.archive import Snapshot
from indexer.search import Question, answer
from tests.indexer.test_search import CARD, WHOLE, Film, build, radiograph

CROP = Region(2, 2, 12, 12, Origin.mask)
DRAWN = Region(3, 3, 11, 11, Origin.drawn)
HEALTHY, SICK = (0.5, 0.5, 0.5, 0.5), (0.5, 0.5, -0.5, -0.5)


def film(number: int, entity: str, vector: tuple[float, ...], region: Region) -> Film:
    return Film(
        f"{entity} {number}", f"{entity} {number}", np.array(vector), entity, None, None, Stage.before, region
    )  # fmt: skip


def archive(root: Path, of_tumours: Region, tumours: int = 5, healthy: int = 12, called: str = "no tumour") -> Snapshot:
    """More films without a tumour, all whole, than films with one."""
    films = [film(n, "osteosarcoma", SICK, of_tumours) for n in range(tumours)]
    return build(root, films + [film(n, called, HEALTHY, WHOLE) for n in range(healthy)])


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return archive(tmp_path_factory.mktemp("crops"), CROP)


def ask(snapshot: Snapshot, vector: tuple[float, ...], *regions: Region, k: int = 5) -> Answer:
    vectors = np.tile(np.array(vector, np.float32), (len(regions), 1))
    films = [radiograph(f"{number}" * 64) for number in range(len(regions))]
    return answer(snapshot, CARD, Question(films, regions, vectors, k))


def test_a_whole_film_gets_no_vote_beside_lesion_crops(crops: Snapshot) -> None:
    found = ask(crops, HEALTHY, WHOLE)
    assert (found.label, found.abstained, found.vote, found.tally) == (None, UNMARKED, {}, ())
    assert (found.shares, found.prediction_set, found.malignant) == (None, None, None)
    assert found.reason is not None and found.reason.endswith("draw the lesion for a vote")
    assert found.shares_note == "a whole film has no shares beside lesion crops"
    assert [case.entity for case in found.cases] == ["no tumour"] * 5
    assert found.nearest_malignant is not None and found.nearest_malignant.entity == "osteosarcoma"
    assert {remark.code for remark in found.remarks} >= {"unmarked", "shares_unmarked"}


def test_one_whole_film_among_marked_ones_is_enough(crops: Snapshot) -> None:
    assert ask(crops, SICK, DRAWN, WHOLE).abstained == UNMARKED
    assert ask(crops, SICK, DRAWN, DRAWN).label == "osteosarcoma"


def test_the_vote_is_never_for_no_tumour(crops: Snapshot) -> None:
    found = ask(crops, HEALTHY, DRAWN)
    assert (found.label, found.abstained, found.vote) == (None, TUMOURLESS, {"no tumour": 5})
    assert found.reason is not None and "does not exclude a tumour here" in found.reason


def test_whole_films_are_compared_with_whole_films(tmp_path: Path) -> None:
    whole = archive(tmp_path, WHOLE)
    assert whole.cropped == 0
    assert (ask(whole, SICK, WHOLE).label, ask(whole, SICK, WHOLE).vote) == ("osteosarcoma", {"osteosarcoma": 5})
    assert ask(whole, HEALTHY, WHOLE).abstained == TUMOURLESS


def test_an_archive_is_of_crops_by_its_films_of_lesions(crops: Snapshot, tmp_path: Path) -> None:
    assert crops.cropped == 1  # though most of its films are whole
    assert archive(tmp_path, WHOLE, tumours=0).cropped == 0


def test_films_of_which_nothing_is_known_do_not_make_it_an_archive_of_whole_films(tmp_path: Path) -> None:
    """A hospital may call them normal and not say that this is no tumour."""
    named = archive(tmp_path / "crops", CROP, called="normal")
    assert named.cropped == 1 and ask(named, HEALTHY, WHOLE).abstained == UNMARKED
    assert ask(archive(tmp_path / "whole", WHOLE, called="normal"), SICK, WHOLE).label == "osteosarcoma"


def test_where_nobody_may_answer_that_is_the_reason(crops: Snapshot) -> None:
    vectors = np.array([SICK], np.float32)
    found = answer(crops, CARD, Question([radiograph("f" * 64)], [WHOLE], vectors, 5, "entity = 'chordoma'"))
    assert (found.cases, found.abstained) == ((), "no comparable case")
