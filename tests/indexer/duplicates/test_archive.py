"""Near-duplicates in an archive: found as films come, kept as they stay, forgotten as they go."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from indexer.archive import open_snapshot
from indexer.duplicates.films import near_duplicates
from indexer.duplicates.groups import NearCounts
from indexer.facts import archive_facts
from indexer.ingest import IngestReport
from indexer.report import NearPair, report

Grey = npt.NDArray[np.uint8]
Film = Callable[..., Grey]


@dataclass
class Shelf:
    """Films of a folder by name, each of a patient, and their archive."""

    source: Path
    root: Path
    index: Callable[..., IngestReport]
    lay: Callable[..., Path]
    data: Callable[[Grey], bytes]
    patients: dict[str, str]

    def put(self, **films: tuple[str, Grey]) -> IngestReport:
        """Lay films as (patient, picture), and index the folder."""
        self.patients |= {name: patient for name, (patient, _) in films.items()}
        rows = [{"file": f"{name}.png", "patient_id": patient} for name, patient in self.patients.items()]
        self.lay(self.source, {f"{name}.png": self.data(picture) for name, (_, picture) in films.items()}, rows)
        return self.index(self.source, self.root)

    def groups(self) -> set[frozenset[str]]:
        """The near groups of the archive, by names of films."""
        snapshot = open_snapshot(self.root)
        snapshot.close()
        found: dict[int, set[str]] = {}
        for row in snapshot.films.to_pylist():
            if row["near_group"] is not None:
                found.setdefault(row["near_group"], set()).add(Path(row["file"]).stem)
        return {frozenset(group) for group in found.values()}


@pytest.fixture
def shelf(
    tmp_path: Path,
    source: Path,
    index: Callable[..., IngestReport],
    lay: Callable[..., Path],
    picture_bytes: Callable[[Grey], bytes],
) -> Shelf:
    """An empty folder and no archive yet."""
    return Shelf(source, tmp_path / "archive", index, lay, picture_bytes, {})


def mirror(picture: Grey) -> Grey:
    return np.ascontiguousarray(picture[:, ::-1])


def dim(picture: Grey) -> Grey:
    return np.asarray(picture * 0.8, dtype=np.uint8)


def test_near_duplicates_are_found_shown_and_found_but_once(shelf: Shelf, film: Film) -> None:
    first = shelf.put(
        a=("P", film(1)), b=("Q", mirror(film(1))), c=("R", film(2)), d=("R", dim(film(2))), e=("S", film(3))
    )
    assert [(file, of) for file, of, _ in first.near] == [("b.png", "a.png"), ("d.png", "c.png")]
    assert all(0.6 <= alike <= 1 for _, _, alike in first.near)
    assert first.near_counts == NearCounts(films=4, groups=2, patients=3)
    told: dict[str, Any] = first.to_dict()
    assert [(pair["file"], pair["of"]) for pair in told["near_duplicates"]] == [("b.png", "a.png"), ("d.png", "c.png")]
    assert told["near_duplicate_films"] == {"films": 4, "groups": 2, "patients": 3}
    again = shelf.put()
    assert (again.near, again.near_counts) == ((), first.near_counts)
    assert shelf.groups() == {frozenset("ab"), frozenset("cd")}
    snapshot = open_snapshot(shelf.root)
    assert archive_facts(snapshot)["near_duplicates"] == {"films": 4, "groups": 2, "patients": 3}
    (ledger,) = report(snapshot)
    snapshot.close()
    assert [(pair.file, pair.of, len(set(pair.patients))) for pair in ledger.near] == [
        ("b.png", "a.png", 2),
        ("d.png", "c.png", 1),
    ]
    assert isinstance(ledger.near[0], NearPair)


def test_films_that_come_later_meet_those_that_are_there(shelf: Shelf, film: Film) -> None:
    assert shelf.put(a=("P", film(1)), c=("R", film(2))).near == ()
    later = shelf.put(b=("Q", mirror(film(1))))
    assert [(file, of) for file, of, _ in later.near] == [("b.png", "a.png")]
    assert shelf.put(d=("S", np.ascontiguousarray(np.rot90(film(1))))).near_counts == NearCounts(3, 1, 3)
    assert shelf.groups() == {frozenset("abd")}


def test_a_file_of_two_patients_is_a_near_duplicate_of_itself(shelf: Shelf, film: Film) -> None:
    done = shelf.put(a=("P", film(1)), b=("Q", film(1)), c=("Q", film(1)))
    assert (len(done.near), len(done.duplicates)) == (1, 1)
    assert shelf.groups() == {frozenset("ab")}


def test_a_film_that_goes_takes_its_pairs_along(shelf: Shelf, film: Film) -> None:
    shelf.put(a=("P", film(1)), b=("Q", mirror(film(1))), c=("R", dim(film(1))))
    assert shelf.groups() == {frozenset("abc")}
    done = shelf.put(b=("Q", film(8)))
    assert (done.near, done.near_counts) == ((), NearCounts(2, 1, 2))
    assert shelf.groups() == {frozenset("ac")}
    shelf.put(c=("R", film(9)))
    assert shelf.groups() == set()
    snapshot = open_snapshot(shelf.root)
    assert snapshot.catalogue.rows("SELECT * FROM near") == []
    snapshot.close()
    assert [pair[:2] for pair in shelf.put(a=("P", dim(film(9)))).near] == [("a.png", "c.png")]


def test_a_file_that_changes_is_not_compared_with_what_it_was(shelf: Shelf, film: Film) -> None:
    shelf.put(a=("P", film(1)))
    assert shelf.put(a=("P", dim(film(1)))).near == ()
    assert shelf.groups() == set()


def test_a_film_that_is_left_out_later_leaves_its_group(shelf: Shelf, film: Film) -> None:
    shelf.put(a=("P", film(1)), b=("Q", mirror(film(1))))
    (shelf.source / "b.png").write_bytes(b"no picture any more")
    assert len(shelf.index(shelf.source, shelf.root).left_out) == 1
    assert shelf.groups() == set()


def test_a_film_at_a_time_or_all_at_once_gives_the_same_groups(
    shelf: Shelf, film: Film, tmp_path: Path, picture_bytes: Callable[[Grey], bytes]
) -> None:
    alter = (mirror, dim, lambda picture: np.pad(picture, 12), lambda picture: np.ascontiguousarray(np.rot90(picture)))
    films = [film(seed) for seed in range(3)] + [change(film(at % 3)) for at, change in enumerate(alter)]
    names = dict(zip("abcdefg", films, strict=True))
    for name, picture in names.items():
        shelf.put(**{name: (f"P{name}", picture)})
    backwards = Shelf(tmp_path / "others", tmp_path / "other archive", shelf.index, shelf.lay, picture_bytes, {})
    turned = {f"x{9 - at}{name}": (f"P{name}", names[name]) for at, name in enumerate(names)}
    backwards.put(**turned)
    groups = {frozenset(name[-1] for name in group) for group in backwards.groups()}
    assert groups == shelf.groups() == {frozenset("adg"), frozenset("be"), frozenset("cf")}
    numbers = near_duplicates([np.asarray(picture / 255, dtype=np.float32) for picture in films])
    assert numbers.tolist() == [0, 1, 2, 0, 1, 2, 0]
