"""A case's vote over all of its films: the same as of one search with all of them, whatever came when."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.client import ApiProblem, Client
from api.schemas import BoardCase, SearchAnswer
from api.settings import Settings
from indexer.journal import PLACE, Journal
from tests.api.conftest import BASE, draw, png
from tests.api.test_identity import dicom

Talk = Callable[..., Client]
Named = tuple[str, bytes]
FILMS: list[Named] = [(f"{n}.png", png(draw(entity, 90 + n))) for n, entity in enumerate((2, 1, 2))]
ROI: list[Any] = ["whole", (20, 30, 70, 95), (25, 35, 75, 90)]


@pytest.fixture
def anna(own: TestClient, talk: Talk) -> Client:
    return talk(own, "anna")


@pytest.fixture
def journal(own: TestClient) -> Journal:
    return Journal(own.app.state.service.root / PLACE)  # type: ignore[attr-defined]


@pytest.fixture
def ward(tmp_path: Path, bench: Any, limits: Settings, talk: Talk) -> Iterator[Client]:
    """A client of an archive of DICOM films, one of each of four patients."""
    folder = tmp_path / "films"
    folder.mkdir()
    for patient in range(4):
        (folder / f"{patient}.dcm").write_bytes(dicom(patient, patient))
    rows = "".join(f"MRN-0{patient},enchondroma,histology\n" for patient in range(4))
    (folder / "diagnoses.csv").write_text(f"patient_id,entity,proof\n{rows}", encoding="utf-8")
    bench.index(folder, tmp_path / "archive", "dicom")
    with TestClient(create_app(tmp_path / "archive", limits), base_url=BASE) as http:
        yield talk(http, "anna")


def change(journal: Journal, sql: str, *values: object) -> None:
    with journal.writing() as db:
        assert db.execute(sql, values).rowcount


def voted(held: BoardCase) -> SearchAnswer:
    assert held.answer is not None
    return held.answer.answer


def patients(answer: SearchAnswer) -> list[str]:
    return [case.patient for case in answer.cases]


def same(one: SearchAnswer, other: SearchAnswer) -> None:
    """Votes and cases are the same to rounding, as embedded together or one by one."""
    assert patients(one) == patients(other)
    assert [[film.film for film in case.films] for case in one.cases] == [
        [film.film for film in case.films] for case in other.cases
    ]
    assert [case.similarity for case in one.cases] == pytest.approx([case.similarity for case in other.cases], abs=1e-5)
    assert (one.tally, one.label, one.reason, one.unlike) == (other.tally, other.label, other.reason, other.unlike)
    assert one.shares == (None if other.shares is None else pytest.approx(other.shares, abs=1e-4))
    assert sorted(film.sha256 or "" for film in one.queries) == sorted(film.sha256 or "" for film in other.queries)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_one_after_another_in_any_order_is_as_all_at_once(anna: Client, order: tuple[int, ...]) -> None:
    asked: dict[str, Any] = {"k": 6, "where": "sex = 'F'", "all_stages": True, "age": 12.0, "sex": "F"}
    case = anna.make_case("x").case.case
    for place, n in enumerate(order, 1):
        so_far = list(order[:place])
        held = anna.add_films(case, [FILMS[n]], roi=[ROI[n]], **asked)
        same(voted(held), anna.search([FILMS[m] for m in so_far], roi=[ROI[m] for m in so_far], **asked))
        assert held.answer is not None and held.answer.films == tuple(film.sha256 for film in held.films)
    assert [film.region for film in voted(held).queries] == [film.region for film in held.films]
    assert [film.name for film in voted(held).queries] == ["film 1", "film 2", "film 3"]


def test_without_a_film_the_vote_is_that_of_the_others_as_it_was_asked(anna: Client) -> None:
    asked: dict[str, Any] = {"k": 3, "where": "age > 0", "include_self": True}
    case = anna.make_case("x").case.case
    held = anna.add_films(case, FILMS, roi=ROI, **asked)
    held = anna.remove_film(case, held.films[1].film)
    same(voted(held), anna.search(FILMS[::2], roi=ROI[::2], **asked))
    told = voted(held).manifest
    assert (told["k"], told["where"], told["include_self"]) == (3, "age > 0", True)
    held = anna.remove_film(case, held.films[0].film)
    same(voted(held), anna.search(FILMS[2:], roi=ROI[2:], **asked))
    assert anna.remove_film(case, held.films[0].film).answer is None


def test_the_same_film_again_is_asked_about_as_it_is_given_now(anna: Client) -> None:
    case = anna.make_case("x").case.case
    before = anna.add_films(case, FILMS[:2], roi=ROI[:2])
    held = anna.add_films(case, FILMS[:1], roi=[(10, 20, 60, 80)])
    assert [film.film for film in held.films] == [film.film for film in before.films]
    assert (held.films[0].region, held.films[0].region_origin) == ((10, 20, 60, 80), "drawn")
    same(voted(held), anna.search(FILMS[:2], roi=[(10, 20, 60, 80), ROI[1]]))


@pytest.mark.parametrize("own_first", [True, False])
def test_a_patient_whom_one_film_names_does_not_answer_for_the_others(ward: Client, own_first: bool) -> None:
    own: Named = ("own.dcm", dicom(2, 99))
    case = ward.make_case("x").case.case
    for film in (own, FILMS[0]) if own_first else (FILMS[0], own):
        held = ward.add_films(case, [film], k=4)
    assert held.case.patient is not None and len(voted(held).cases) == 3
    assert held.case.patient not in patients(voted(held))
    same(voted(held), ward.search([own, FILMS[0]], k=4))
    assert held.case.patient in patients(voted(ward.add_films(case, [own], k=4, include_self=True)))


def test_an_archived_film_never_answers_for_itself(anna: Client, source: Path) -> None:
    case = anna.make_case("x").case.case
    twin = ("a.png", (source / "p03-0.png").read_bytes())
    own = anna.add_films(case, [twin], k=14).case.patient
    held = anna.add_films(case, FILMS[:1], k=14)
    assert own is not None and own not in patients(voted(held)) and len(voted(held).cases) == 14
    same(voted(held), anna.search([twin, FILMS[0]], k=14))


def test_whom_the_case_names_does_not_answer(anna: Client) -> None:
    nearest = anna.search(FILMS[:1], k=3).cases[0].patient
    case = anna.make_case("x", patient=nearest).case.case
    held = anna.add_films(case, FILMS[:1], k=3)
    assert nearest not in patients(voted(held)) and len(voted(held).cases) == 3


def test_who_becomes_the_cases_patient_answers_no_more(anna: Client, journal: Journal) -> None:
    case = anna.make_case("x").case.case
    held = anna.add_films(case, FILMS[:1], k=3)
    nearest = voted(held).cases[0].patient
    head = {"title": "x", "day": None, "position": held.case.position}
    named = anna.change_case(case, held.case.revision, patient=nearest, **head)
    assert nearest not in patients(voted(named)) and len(voted(named).cases) == 3
    same(voted(anna.change_case(case, named.case.revision, patient=None, **head)), voted(held))


def test_another_title_asks_nothing_again(anna: Client) -> None:
    case = anna.make_case("x").case.case
    held = anna.add_films(case, FILMS[:1], k=3)
    assert held.answer is not None
    other = anna.change_case(case, held.case.revision, title="y", day=None, position=1, patient=held.case.patient)
    assert other.answer == held.answer
    bare = anna.make_case("z").case
    told = anna.change_case(bare.case, bare.revision, title="z", day=None, position=2, patient="P" + 16 * "0")
    assert told.answer is None


def test_films_of_two_patients_are_no_case(ward: Client) -> None:
    case = ward.make_case("x").case.case
    before = ward.add_films(case, [("1.dcm", dicom(1, 50))], k=2)
    with pytest.raises(ApiProblem, match="belong to 2 patients by their headers"):
        ward.add_films(case, [("2.dcm", dicom(2, 50))], k=2)
    assert ward.case(case) == before
    assert len(ward.add_films(case, [("1.dcm", dicom(1, 51))], k=2).films) == 2


@pytest.mark.parametrize(
    "kept_so", ["DELETE FROM film_vectors WHERE film = ?", "UPDATE film_vectors SET model = 'older' WHERE film = ?"]
)
def test_films_of_before_or_of_another_encoder_are_left_out_until_added_again(
    anna: Client, journal: Journal, source: Path, kept_so: str
) -> None:
    old: Named = ("a.png", (source / "p03-0.png").read_bytes())
    case = anna.make_case("x").case.case
    first = anna.add_films(case, [old], k=14)
    change(journal, kept_so, first.films[0].film)
    change(journal, "UPDATE cases SET patient = NULL WHERE board_case = ?", case)
    held = anna.add_films(case, FILMS[:1], k=14)
    assert held.answer is not None and held.answer.films == (held.films[1].sha256,)
    assert [film.sha256 for film in voted(held).queries] == [held.films[1].sha256]
    # its patient does not answer all the same
    assert first.films[0].identity not in patients(voted(held))
    others = anna.search(FILMS[:1], k=14, where=f"patient <> '{first.films[0].identity}'")
    assert (patients(voted(held)), voted(held).tally) == (patients(others), others.tally)
    assert anna.remove_film(case, held.films[1].film).answer is None
    held = anna.add_films(case, [FILMS[0], old], k=3)
    assert held.answer is not None and len(held.answer.films) == 2
    same(voted(held), anna.search([old, FILMS[0]], k=3))


def test_a_film_that_the_vote_does_not_rest_on_leaves_it(anna: Client, journal: Journal) -> None:
    case = anna.make_case("x").case.case
    held = anna.add_films(case, FILMS[:1])
    change(journal, "DELETE FROM film_vectors")
    before = anna.add_films(case, FILMS[1:2]).answer
    assert anna.remove_film(case, held.films[0].film).answer == before


def test_a_film_goes_also_where_the_archive_cannot_be_asked(anna: Client, journal: Journal) -> None:
    case = anna.make_case("x").case.case
    held = anna.add_films(case, FILMS[:2])
    change(journal, "UPDATE answers SET answer = json_set(answer, '$.manifest.k', 999)")
    held = anna.remove_film(case, held.films[0].film)
    assert (len(held.films), held.answer) == (1, None)


def test_what_was_odd_with_an_earlier_film_is_still_said_with_its_code(ward: Client) -> None:
    case = ward.make_case("x").case.case
    one = voted(ward.add_films(case, [("1.dcm", dicom(1, 50))], k=2))
    both = voted(ward.add_films(case, FILMS[:1], k=2))
    odd = [remark for remark in one.remarks if remark.film == "film 1"]
    assert "uncalibrated" in {remark.code for remark in odd}
    assert [remark for remark in both.remarks if remark.film == "film 1"] == odd
    assert both.queries[0].warnings == one.queries[0].warnings
    assert both.queries[0] == one.queries[0]


def test_members_who_add_at_once_get_a_vote_over_all(own: TestClient, talk: Talk, anna: Client) -> None:
    case = anna.make_case("x").case.case
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda film: talk(own, "ben").add_films(case, [film], roi=["whole"]), FILMS))
    held = anna.case(case)
    assert held.answer is not None and set(held.answer.films) == {film.sha256 for film in held.films}
    same(voted(held), anna.search(FILMS, roi=["whole"] * 3))


def test_no_identifier_is_kept_with_a_film(ward: Client, tmp_path: Path) -> None:
    case = ward.make_case("x").case.case
    held = ward.add_films(case, [("MRN-02.dcm", dicom(2, 99))], k=2)
    data = b"".join(path.read_bytes() for path in (tmp_path / "archive" / "private").glob("journal.sqlite*"))
    assert (held.case.patient or "").encode() in data
    for secret in (b"MRN-0", b"Doe", b"Elsewhere", b"19990131"):
        assert secret not in data
