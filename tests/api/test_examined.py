"""What an archive and its evaluations look like over HTTP."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.client import ApiProblem, Client
from api.settings import Settings
from indexer import embedding_map
from indexer.archive import Snapshot

Talk = Callable[..., Client]
DOCS = Path(__file__).parents[2] / "docs" / "runs"


@pytest.fixture
def client(http: TestClient, talk: Talk) -> Client:
    return talk(http)


@pytest.fixture
def with_runs(archive: Path, tmp_path: Path) -> Iterator[TestClient]:
    for name in ("btxrd-mask", "btxrd-whole", "cut"):
        shutil.copy(DOCS / f"{name}.json", tmp_path)
    with TestClient(create_app(archive, Settings(threads=1, runs=tmp_path)), base_url="http://127.0.0.1") as made:
        yield made


def test_counts_are_of_films_and_patients(client: Client) -> None:
    facts = client.archive()
    assert {one.value: (one.films, one.patients, one.histology) for one in facts.counts["entity"]} == dict.fromkeys(
        ("osteochondroma", "enchondroma", "osteosarcoma"), (10, 5, 5)
    )
    assert [(one.value, one.patients) for one in facts.counts["site"]] == [("femur", 15)]
    assert sorted((str(one.value), one.patients) for one in facts.counts["centre"]) == [("1", 8), ("2", 7)]
    assert {one.value: one.patients for one in facts.counts["sex"]} == {"F": 8, "M": 7}
    assert [(one.value, one.patients) for one in facts.counts["proof"]] == [("histology", 15)]
    assert {one.value: one.patients for one in facts.counts["age"]} == {"0–9": 2, "10–19": 7, "20–29": 3, None: 3}
    assert facts.versions[0].version == facts.version
    assert [one.version for one in facts.versions] == sorted((one.version for one in facts.versions), reverse=True)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often the map of each version was made."""
    real, found = embedding_map.embedding_map, Counter[int]()

    def counted(snapshot: Snapshot) -> embedding_map.EmbeddingMap:
        found[snapshot.manifest.version] += 1
        return real(snapshot)

    monkeypatch.setattr("api.service.embedding_map", counted)
    return found


def test_the_map_is_made_before_anybody_asks(archive: Path, limits: Settings, made: Counter[int]) -> None:
    with TestClient(create_app(archive, limits)):
        pass  # what was begun ends before the server does
    assert list(made.values()) == [1]


def test_a_server_without_an_archive_starts_all_the_same(tmp_path: Path, limits: Settings, made: Counter[int]) -> None:
    with TestClient(create_app(tmp_path / "none", limits), base_url="http://127.0.0.1") as http:
        assert http.get("/readyz").status_code == 503
    assert not made


def test_the_map_has_every_film_and_is_made_once(
    archive: Path, limits: Settings, talk: Talk, made: Counter[int]
) -> None:
    with TestClient(create_app(archive, limits), base_url="http://127.0.0.1") as http:
        client = talk(http)
        first, again = client.archive_map(), client.archive_map()
    assert first == again and list(made.values()) == [1]
    assert (first.films, len(first.points), first.method) == (30, 30, "PCA")
    assert Counter(point.entity for point in first.points) == {
        "osteochondroma": 10, "enchondroma": 10, "osteosarcoma": 10
    }  # fmt: skip
    assert all(-1 <= each <= 1 for point in first.points for each in (point.x, point.y))
    assert 0 < first.explained[1] <= first.explained[0] <= 1
    for point in (first.points[0], first.points[-1]):
        known = client.film(point.film)
        told = ("film", "entity", "malignancy", "site", "side", "taken", "patient")
        assert [getattr(point, name) for name in told] == [getattr(known, name) for name in told]
        assert point.patient in client.patient(point.patient).patient


def test_a_film_is_told_with_its_lesion(client: Client) -> None:
    film = client.film(0)
    assert (film.entity, film.site, film.side, film.sex, film.proof) == (
        "osteochondroma",
        "femur",
        "L",
        "F",
        "histology",
    )
    assert (film.rows, film.columns, film.region, film.region_origin) == (120, 90, (0, 0, 90, 120), "whole")
    assert film.spacing_mm is None and film.taken is not None and film.taken.year == 2019
    with pytest.raises(ApiProblem, match="no film 999999"):
        client.film(999999)


def test_what_was_left_out_is_counted_and_not_named(
    bench: object, tmp_path: Path, source: Path, limits: Settings, talk: Talk
) -> None:
    films = tmp_path / "films"
    films.mkdir()
    (films / "Erika Mustermann.png").write_bytes(b"")
    for name in ("a", "b", "c"):
        shutil.copy(source / "p00-0.png", films / f"{name}.png")
    rows = [f"{name}.png,{patient}" for name, patient in zip("abc", "112", strict=True)]
    (films / "films.csv").write_text("\n".join(["file,patient_id", *rows, "Erika Mustermann.png,3"]), encoding="utf-8")
    bench.index(films, tmp_path / "archive")  # type: ignore[attr-defined]
    with TestClient(create_app(tmp_path / "archive", limits), base_url="http://127.0.0.1") as http:
        client = talk(http)
        found, text = client.left_out(), http.get("/v1/archive/left-out").text
        pairs = client.near_duplicates().pairs
    assert {(one.outcome, one.files) for one in found.reasons} == {("duplicate", 1), ("left out", 1)}
    assert "Mustermann" not in text and "b.png" not in text
    assert all(pair.film < pair.other and pair.likeness >= 0.6 for pair in pairs)


def test_stored_evaluations_are_listed_and_read(with_runs: TestClient, talk: Talk) -> None:
    client = talk(with_runs)
    listed = client.runs().runs
    assert {one.run for one in listed} == {"btxrd-mask", "btxrd-whole"}
    one = client.run("btxrd-mask")
    assert one.evaluation == json.loads((DOCS / "btxrd-mask.json").read_text(encoding="utf-8"))
    assert one.facts.groups == ("centre=1", "centre=2") and one.facts.films == 1334
    assert one.facts in listed
    two = client.two_runs("btxrd-mask", "btxrd-whole")
    assert (two.first, two.second.facts.run) == (one, "btxrd-whole")
    assert two.same_films == (two.first.facts.films == two.second.facts.films)
    whole = {(one.measure, one.k): one for one in two.differences if one.group == "all"}
    value = {
        run.facts.run: run.evaluation["groups"]["all"]["precision"]["3"]["value"] for run in (two.first, two.second)
    }
    told = whole["precision", 3]
    assert (told.first, told.second) == (value["btxrd-mask"], value["btxrd-whole"])
    assert told.difference == pytest.approx(told.second - told.first) and told.low is None
    assert ("map", None) in whole and {one.group for one in two.differences} == {"all", "centre=1", "centre=2"}
    for name in ("cut", "..", "a/b", "btxrd-mask.json"):
        with pytest.raises(ApiProblem) as caught:
            client.run(name)
        assert caught.value.status == 404


def test_without_a_folder_there_are_none(client: Client) -> None:
    assert client.runs().runs == ()
    with pytest.raises(ApiProblem, match="set CASELINK_RUNS"):
        client.two_runs("a", "b")
