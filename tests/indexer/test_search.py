"""Search against a slow plain oracle: grouping by patient, own patient, stages, filters with unknown values, the vote.

Vectors have four numbers of +-0.5, so that their similarities are exact and often tied.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.card import ModelCard
from engine.embeddings import Vectors, fuse
from engine.errors import ModelMismatch, QueryError
from engine.radiograph import Header, Radiograph, Sex, Stage
from engine.region import Region
from indexer.answer import Answer, SimilarCase
from indexer.archive import Archive, Snapshot, open_snapshot
from indexer.enrol import Enroller
from indexer.filters import FilterError
from indexer.manifest import SourceFacts
from indexer.prepare import Prepared
from indexer.records import FilmRecord, Lesion, Proof
from indexer.search import FILMS_PER_CASE, MAX_K, Question, answer, similar_patients
from indexer.sources.base import Listing
from indexer.writer import open_writer

MEAN = (0.5, 0.5, 0.5)
CARD = ModelCard("toy", "none", "0" * 64, 4, 8, MEAN, MEAN, "openvino-f32", "nothing", "none", "none")
ISSUER = "Hospital"
ENTITIES = ("osteosarcoma", "enchondroma", "bone cyst", None)
SHAPE = (20, 20)
WHOLE = Region.whole(SHAPE)


@dataclass(frozen=True)
class Film:
    """What the oracle knows of an archived film; its row in the snapshot is its place in the list."""

    patient: str
    bytes_of: str
    vector: Vectors
    entity: str | None
    sex: str | None
    age: float | None
    stage: Stage
    region: Region = WHOLE

    @property
    def sha256(self) -> str:
        return sha256(self.bytes_of.encode()).hexdigest()


@dataclass(frozen=True)
class World:
    """An archive and what went into it."""

    films: list[Film] = field(repr=False)
    snapshot: Snapshot = field(repr=False)

    def pseudonym(self, patient: str) -> str:
        return self.snapshot.pseudonyms.patient(patient, ISSUER)


def invent(seed: int, patients: int, most: int = 12) -> list[Film]:
    """Films of patients, each with up to `most` of them; now and then two patients share one file."""
    rng = np.random.default_rng(seed)
    films: list[Film] = []
    for patient in range(patients):
        for number in range(int(rng.integers(1, most))):
            vector = rng.choice(np.array([-0.5, 0.5], np.float32), 4)
            shared = [film for film in films if film.patient != str(patient)] if rng.random() < 0.1 else []
            other = shared[int(rng.integers(len(shared)))] if shared else None
            if other is not None and any(f.patient == str(patient) and f.bytes_of == other.bytes_of for f in films):
                other = None
            films.append(
                Film(
                    str(patient),
                    other.bytes_of if other else f"{patient}-{number}",
                    other.vector if other else vector,
                    ENTITIES[int(rng.integers(4))],
                    (None, "F", "M")[int(rng.integers(3))],
                    None if rng.random() < 0.3 else float(rng.integers(1, 90)),
                    list(Stage)[int(rng.integers(4))],
                )
            )
    return films


def radiograph(digest: str, patient: str | None = None) -> Radiograph:
    return Radiograph(np.zeros(SHAPE, np.float32), digest, "query.png", Header(patient=patient))


def prepared(number: int, film: Film) -> Prepared:
    header = Header(film.patient, age=film.age, sex=film.sex and Sex(film.sex), stage=film.stage)
    malignancy = {"osteosarcoma": "malignant", "no tumour": "none", "normal": None}.get(film.entity or "", "benign")
    lesion = Lesion(film.entity, malignancy, proof=Proof.histology) if film.entity else None
    record = FilmRecord(f"{number:04}.png", Path(f"/films/{number:04}.png"), header, lesion)
    vector = np.asarray(film.vector, np.float32)
    return Prepared(
        record, None, False, film.sha256, "region", radiograph(film.sha256), film.region, vector
    )  # fmt: skip


def build(root: Path, films: Sequence[Film], all_at_once: bool = True) -> Snapshot:
    toy = root / "toy"
    toy.mkdir(parents=True)
    for name in ("encoder.onnx", "card.json"):
        (toy / name).write_text("toy", encoding="utf-8")
    items = [prepared(number, film) for number, film in enumerate(films)]
    listing = Listing([item.record for item in items], ISSUER, "Toy films")
    with open_writer(root / "archive", CARD, toy) as writer:
        writer.declare_source("/films", SourceFacts("folder", ISSUER, "Toy films", "whole"))
        enroller = Enroller(writer, listing, "/films")
        for number, item in enumerate(items):
            enroller.enrol(item)
            if not all_at_once and number % 7 == 0:
                enroller.flush()
                writer.publish()
        enroller.flush()
        writer.publish()
    return open_snapshot(root / "archive")


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> list[World]:
    made = []
    for seed, patients in enumerate((1, 6, 25)):
        films = invent(seed, patients)
        snapshot = build(tmp_path_factory.mktemp("world"), films, all_at_once=seed != 1)
        assert snapshot.films["file"].to_pylist() == [f"{n:04}.png" for n in range(len(films))]
        assert len(set(snapshot.vector.tolist())) == len({film.bytes_of for film in films})
        made.append(World(films, snapshot))
    return made


Judge = Callable[[Film], bool | None]


def both(one: bool | None, other: bool | None) -> bool | None:
    """AND with unknowns."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def negated(one: bool | None) -> bool | None:
    return None if one is None else not one


FILTERS: dict[str | None, Judge] = {
    None: lambda film: True,
    "sex = 'F'": lambda film: None if film.sex is None else film.sex == "F",
    "age between 20 and 60": lambda film: None if film.age is None else 20 <= film.age <= 60,
    "age > 30 and sex = 'M'": lambda film: both(
        None if film.age is None else film.age > 30, None if film.sex is None else film.sex == "M"
    ),
    "not (sex = 'F')": lambda film: negated(None if film.sex is None else film.sex == "F"),
    "entity is null": lambda film: film.entity is None,
    "entity in ('bone cyst', 'enchondroma')": lambda film: (
        None if film.entity is None else film.entity in ("bone cyst", "enchondroma")
    ),
    "age > 500": lambda film: None if film.age is None else False,
}

PlainCase = tuple[str, list[tuple[int, float]]]


def oracle(films: Sequence[Film], query: Vectors, k: int, may_answer: Callable[[Film], bool]) -> list[PlainCase]:
    """The k nearest patients, each as near as their best film, with their films; equals by row."""
    found: dict[str, list[tuple[int, float]]] = {}
    for row, film in enumerate(films):
        if may_answer(film):
            similarity = float(np.float32(sum(float(a) * float(b) for a, b in zip(film.vector, query, strict=True))))
            found.setdefault(film.patient, []).append((row, similarity))
    for hits in found.values():
        hits.sort(key=lambda hit: (-hit[1], hit[0]))
    nearest = sorted(found.items(), key=lambda item: (-item[1][0][1], item[1][0][0]))
    return nearest[:k]


signs = st.lists(st.sampled_from([-0.5, 0.5]), min_size=4, max_size=4)


@given(
    st.integers(0, 2),
    st.lists(signs, min_size=1, max_size=2),  # fused from more, similarities would no longer be exact
    st.data(),
    st.sampled_from(list(FILTERS)),
    st.booleans(),
    st.booleans(),
)
def test_agrees_with_the_oracle(
    worlds: list[World], world: int, vectors: list[list[float]], data: st.DataObject, where: str | None,
    include_self: bool, all_stages: bool,
) -> None:  # fmt: skip
    films, snapshot = worlds[world].films, worlds[world].snapshot
    asked = np.array(vectors, np.float32)
    assume(np.abs(asked.mean(axis=0)).sum() > 0)
    own = data.draw(st.sampled_from([None, *sorted({film.patient for film in films}), "a stranger"]))
    twin = data.draw(st.sampled_from([None, *sorted({film.bytes_of for film in films})]))
    k = data.draw(st.integers(1, len(snapshot.patients)))
    digest = sha256((twin or "never seen").encode()).hexdigest()
    shots = [radiograph(digest, own)] + [radiograph("f" * 64) for _ in vectors[1:]]
    question = Question(shots, [Region.whole(SHAPE)] * len(shots), asked, k, where, include_self, all_stages)
    found = answer(snapshot, CARD, question)

    twins = {film.patient for film in films if film.bytes_of == twin}

    def may_answer(film: Film) -> bool:
        is_own = film.patient == own or film.patient in twins
        treated = film.stage in (Stage.after_operation, Stage.after_therapy)
        return FILTERS[where](film) is True and (include_self or not is_own) and (all_stages or not treated)

    expected = oracle(films, fuse(asked), k, may_answer)
    assert [case.patient for case in found.cases] == [worlds[world].pseudonym(name) for name, _ in expected]
    for rank, (case, (_, hits)) in enumerate(zip(found.cases, expected, strict=True), start=1):
        assert case.rank == rank
        assert [film.film for film in case.films] == [row for row, _ in hits[:FILMS_PER_CASE]]
        assert [film.similarity for film in case.films] == pytest.approx(
            [s for _, s in hits[:FILMS_PER_CASE]], abs=1e-6
        )
        best = films[hits[0][0]]  # its lesion is the one that votes, and its facts are those shown
        assert (case.entity, case.sex, case.age) == (best.entity, best.sex, best.age)
        assert case.similarity == case.films[0].similarity
    check_vote(found, k)
    unknown = sum(FILTERS[where](film) is None for film in films)
    assert found.manifest["unknown_to_filter"] == unknown
    assert any(f"left out {unknown} films" in said for said in found.warnings) == bool(unknown)
    short = f"only {len(found.cases)} of the {k} patients asked for may answer"
    assert (short in found.warnings) == (len(found.cases) < k)


@given(
    st.integers(0, 2), st.lists(signs, max_size=6), st.integers(1, 25), st.sampled_from(list(FILTERS)),
)  # fmt: skip
def test_many_queries_at_once_agree_with_the_oracle_one_by_one(
    worlds: list[World], world: int, vectors: list[list[float]], k: int, where: str | None
) -> None:
    films, snapshot = worlds[world].films, worlds[world].snapshot
    k = min(k, len(snapshot.patients))
    asked = np.array(vectors, np.float32).reshape(-1, 4)
    nearest, winners = similar_patients(snapshot, CARD, asked, k, where)
    assert nearest.rows.shape == nearest.near.shape == (len(asked), k)
    for query, rows, near, winner in zip(asked, nearest.rows, nearest.near, winners, strict=True):
        expected = oracle(
            films, query, k, lambda film: FILTERS[where](film) is True and film.stage in (Stage.before, Stage.unknown)
        )
        assert rows.tolist() == [hits[0][0] for _, hits in expected] + [-1] * (k - len(expected))
        assert near[: len(expected)].tolist() == [hits[0][1] for _, hits in expected]
        ballots: dict[str, list[float]] = {}
        for _, hits in expected:
            entity = films[hits[0][0]].entity
            if entity is not None:
                ballots.setdefault(entity, []).append(hits[0][1])
        # of equals the nearer, which was put in first
        assert winner == max(ballots, key=lambda e: (len(ballots[e]), sum(ballots[e])), default=None)


def check_vote(found: Answer, k: int) -> None:
    """One patient, one vote; then summed similarity; else a tie. Three voters at least, where so many were wanted."""
    plain: dict[str, list[SimilarCase]] = {}
    for case in found.cases:
        if case.entity is not None:
            plain.setdefault(case.entity, []).append(case)
    assert found.vote == {entity: len(cases) for entity, cases in plain.items()}
    voters = sum(case.entity is not None for case in found.cases)
    assert sum(found.vote.values()) == voters
    if not plain:
        assert (found.label, found.tally, found.abstained) == (None, (), "no comparable case")
        assert found.reason
        return
    place = {entity: (len(cases), sum(case.similarity for case in cases)) for entity, cases in plain.items()}
    winner = max(plain, key=lambda e: (*place[e], -plain[e][0].rank))
    assert next(iter(found.vote)) == winner
    tied = any(e != winner and place[e] == pytest.approx(place[winner], abs=1e-5) for e in plain)
    abstained = "too few patients" if voters < min(k, 3) else "tie" if tied else None
    assert found.abstained == abstained
    assert found.label == (None if abstained else winner)
    assert (found.reason is None) == (abstained is None)
    assert found.reason is None or found.reason.startswith(f"{abstained}: ")
    assert found.shares is None and found.shares_note is not None
    assert found.shares_note.startswith("the shares are not calibrated: fewer than 100 patients")


def ask(world: World, **more: object) -> Answer:
    given = {"k": 1} | more
    return answer(
        world.snapshot, CARD,
        Question([radiograph("f" * 64)], [Region.whole(SHAPE)], np.full((1, 4), 0.5, np.float32), **given),  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize("k", [0, -1, 26, 10**9])
def test_k_outside_the_archive_is_refused(worlds: list[World], k: int) -> None:
    with pytest.raises(QueryError, match=f"k = {k} is outside 1 to 25 \\(the archive has 25 patients\\)"):
        ask(worlds[2], k=k)


def test_k_may_be_every_patient(worlds: list[World]) -> None:
    found = ask(worlds[2], k=25, all_stages=True)
    assert len({case.patient for case in found.cases}) == 25


def test_an_empty_archive_has_no_answer(tmp_path: Path) -> None:
    snapshot = build(tmp_path, [])
    with pytest.raises(QueryError, match="the archive holds no films yet; index some"):
        ask(World([], snapshot))


def test_films_of_two_patients_are_refused(worlds: list[World]) -> None:
    shots = [radiograph("a" * 64, "1"), radiograph("b" * 64, "2")]
    with pytest.raises(QueryError, match="the films belong to 2 patients by their headers"):
        answer(
            worlds[1].snapshot, CARD, Question(shots, [Region.whole(SHAPE)] * 2, np.full((2, 4), 0.5, np.float32), 1)
        )


def test_vectors_of_another_model_are_refused(worlds: list[World]) -> None:
    other = ModelCard("other", "none", "1" * 64, 4, 8, MEAN, MEAN, "openvino-f32", "nothing", "none", "none")
    question = Question([radiograph("f" * 64)], [Region.whole(SHAPE)], np.full((1, 4), 0.5, np.float32), 1)
    with pytest.raises(ModelMismatch, match="the archive was made with toy"):
        answer(worlds[1].snapshot, other, question)


def test_a_filter_is_parsed_never_run(worlds: list[World]) -> None:
    with pytest.raises(FilterError):
        ask(worlds[1], where="1 = 1) or (1 = 1")


def test_the_manifest_says_what_answered(worlds: list[World]) -> None:
    said = ask(worlds[1], k=2, where="age > 500", include_self=True).manifest
    assert (said["k"], said["where"], said["include_self"]) == (2, "age > 500", True)
    assert (said["films"], said["patients"]) == (len(worlds[1].films), 6)
    assert said["model_fingerprint"] == CARD.fingerprint
    assert "Not a diagnosis" in str(said["notice"])


def test_a_patient_far_beyond_the_first_reach_is_found(tmp_path: Path) -> None:
    """One patient with 200 films nearer than anyone else's."""
    near, far = np.full(4, 0.5, np.float32), np.array([0.5, 0.5, 0.5, -0.5], np.float32)
    crowd = [Film("1", f"a{n}", near, "bone cyst", None, None, Stage.before) for n in range(200)]
    films = [*crowd, Film("2", "b", far, "enchondroma", None, None, Stage.before)]
    found = ask(World(films, build(tmp_path, films)), k=2)
    assert [case.entity for case in found.cases] == ["bone cyst", "enchondroma"]
    assert [len(case.films) for case in found.cases] == [FILMS_PER_CASE, 1]


def test_k_has_an_upper_limit_of_its_own() -> None:
    assert MAX_K == 1000


def test_readers_see_one_version_from_begin_to_end(tmp_path: Path) -> None:
    snapshot = build(tmp_path, invent(7, 4))
    with Archive(snapshot.root) as archive:
        assert archive.snapshot.manifest.version == snapshot.manifest.version
        assert archive.snapshot is archive.snapshot


MALIGNANT = "osteosarcoma"


@given(st.integers(0, 2), signs, st.booleans(), st.sampled_from([None, "sex = 'F'", "entity = 'bone cyst'"]))
def test_the_nearest_malignant_case_is_always_told(
    worlds: list[World], world: int, vector: list[float], all_stages: bool, where: str | None
) -> None:
    """However far, by looking at every film."""
    here = worlds[world]
    query = np.array([vector], np.float32)
    question = Question([radiograph("f" * 64)], [Region.whole(SHAPE)], query, 1, where, False, all_stages)
    found = answer(here.snapshot, CARD, question)
    treated = (Stage.after_operation, Stage.after_therapy)
    far = [
        (-float(film.vector @ query[0]), row)
        for row, film in enumerate(here.films)
        if film.entity == MALIGNANT and FILTERS_M[where](film) and (all_stages or film.stage not in treated)
    ]
    told = found.nearest_malignant
    if not far:
        assert told is None
        assert found.malignant_note is not None
        return
    away = min(far)[0]
    equals = {row for distance, row in far if distance == away}  # of which any will do
    assert told is not None and found.malignant_note is None
    assert told.films[0].film in equals and told.malignancy == "malignant"
    assert told.similarity == pytest.approx(-away, abs=1e-6)
    shown = {case.patient: case.rank for case in found.cases}
    assert told.rank == shown.get(told.patient, 0)


FILTERS_M: dict[str | None, Callable[[Film], bool]] = {
    None: lambda film: True,
    "sex = 'F'": lambda film: film.sex == "F",
    "entity = 'bone cyst'": lambda film: film.entity == "bone cyst",
}
