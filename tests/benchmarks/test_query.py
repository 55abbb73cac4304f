"""The bench of a query's own time: its arithmetic, its invented archive, and a small run."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from benchmarks._archive import clustered, make_archive
from benchmarks.query import SEARCH, WHERE, Door, Query, Variant, Verdict, main, requests
from engine.embeddings import Vectors
from engine.encoders import encoder_files
from indexer.archive import Archive, Snapshot

FILMS = 300


def query(own_ms: float) -> Query:
    """A query with this own time, 20 ms of decoding and 30 ms of the network."""
    return Query(0.050 + own_ms / 1e3, 0.020, 0.030)


def variant(*own_ms: float) -> Variant:
    return Variant("one film", tuple(query(each) for each in own_ms))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, encoder_cache: Path) -> tuple[Path, Vectors]:
    """A small invented archive and its vectors."""
    root = tmp_path_factory.mktemp("bench") / "archive"
    return root, make_archive(root, FILMS, encoder_files("default", encoder_cache), seed=3)


@pytest.fixture(scope="module")
def snapshot(made: tuple[Path, Vectors]) -> Iterator[Snapshot]:
    with Archive(made[0]) as archive:
        yield archive.snapshot


@pytest.fixture(scope="module")
def door(made: tuple[Path, Vectors]) -> Iterator[Door]:
    found = Door.open(made[0])
    yield found
    found.service.close()


def test_own_time_is_all_but_decoding_and_the_network() -> None:
    assert Query(0.058, 0.020, 0.030).own_s == pytest.approx(0.008)
    assert variant(1, 2, 3, 4, 50).own_ms(50) == pytest.approx(3)
    # halfway between the last two of 101 lies the 99.5th percentile
    assert variant(*[1] * 100, 3).own_ms(99.5) == pytest.approx(2)


def test_median_and_percentile_must_both_be_under_ten() -> None:
    assert variant(*[9.9] * 100).holds
    assert variant(*[5] * 199, 30).holds  # one in two hundred is within the last per cent
    assert not variant(*[5] * 98, 12, 12).holds
    assert not variant(*[10.1] * 100).holds


def test_every_kind_of_query_must_hold() -> None:
    good, bad = variant(*[4] * 10), variant(*[4] * 9, 20)
    assert Verdict(10, 2, (good, good), (0.002,), (0.1, 0.2)).holds
    assert not Verdict(10, 2, (good, bad), (0.002,), (0.1, 0.2)).holds


def test_ratio_is_between_medians() -> None:
    one = variant(3, 4, 20)
    verdict = Verdict(10, 2, (one,), (0.001, 0.002, 0.009), (0.1, 0.2))
    assert verdict.bare_ms == pytest.approx(2)
    assert verdict.ratio(one) == pytest.approx(2)
    told = json.loads(json.dumps(verdict.to_dict()))
    assert told["variants"][0]["own_ms"]["p50"] == pytest.approx(4)
    assert told["variants"][0]["queries"][2] == {"whole_s": 0.07, "decode_s": 0.02, "forward_s": 0.03}
    assert (told["films"], told["cores"], told["load"], told["holds"]) == (10, 2, [0.1, 0.2], False)


def test_vectors_lie_in_clusters_within_clusters() -> None:
    entity = np.repeat([0, 0, 1, 1], 10)
    patient = np.repeat([0, 1, 2, 3], 10)
    vectors = clustered(entity, patient, 64, np.random.default_rng(0))
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(40), abs=1e-5)
    likeness = vectors @ vectors.T
    same_patient, same_entity = patient == patient[:, None], entity == entity[:, None]
    inner, near, far = (
        likeness[chosen].mean()
        for chosen in (same_patient & ~np.eye(40, dtype=bool), same_entity & ~same_patient, ~same_entity)
    )
    assert inner > near + 0.1 > far + 0.2


def test_spectrum_of_vectors_decays() -> None:
    numbers = np.arange(2000)
    spread = np.linalg.svd(clustered(numbers, numbers, 64, np.random.default_rng(0)), compute_uv=False)
    # variances fall as 1 / j, so that singular values fall from 1 to 1 / 8
    assert 5 < spread[0] / spread[-1] < 11


def test_archive_is_one_that_readers_open(snapshot: Snapshot, made: tuple[Path, Vectors]) -> None:
    assert len(snapshot.film) == FILMS
    assert 0.8 * FILMS / 2.5 < len(snapshot.patients) <= FILMS / 2.5
    assert 0.8 < snapshot.untreated.mean() < 1
    assert snapshot.manifest.synthetic
    ids, similarity = snapshot.index.search(made[1], 1)
    assert (snapshot.vector == ids[:, 0]).all()
    assert similarity == pytest.approx(np.ones((FILMS, 1)), abs=1e-5)


def test_facts_of_the_archive_are_filled(snapshot: Snapshot) -> None:
    facts = snapshot.films.select(["entity", "age", "sex", "site", "patient"]).to_pydict()
    assert set(facts["sex"]) == {"F", "M"}
    assert len(set(facts["entity"])) >= 8
    assert None in facts["age"] and None not in facts["site"]
    told = set(zip(facts["patient"], facts["entity"], facts["age"], facts["sex"], strict=True))
    assert len(told) == len(snapshot.patients)  # a patient is the same on every film
    assert set(snapshot.outcomes) == set(snapshot.patients)


def test_same_seed_gives_the_same_vectors(made: tuple[Path, Vectors], tmp_path: Path, encoder_cache: Path) -> None:
    again = make_archive(tmp_path / "archive", FILMS, encoder_files("default", encoder_cache), seed=3)
    assert (again == made[1]).all()


def test_each_query_is_answered_and_its_parts_timed(door: Door, tmp_path: Path) -> None:
    asked = requests(tmp_path)
    assert len(asked) == 5

    async def ask() -> dict[str, Query]:
        return {name: await door.ask(request) for name, request in asked.items()}

    found = asyncio.run(ask())
    for one in found.values():
        assert one.whole_s > one.decode_s + one.forward_s
        assert min(one.decode_s, one.forward_s, one.own_s) > 0
    bodies = {name: request.read() for name, request in asked.items()}
    assert WHERE.encode() in bodies[f"with {WHERE}"]
    assert [body.count(b"filename=") for body in bodies.values()] == [1, 1, 3, 1, 1]


def test_refused_query_ends_the_bench(door: Door) -> None:
    request = httpx.Request("POST", SEARCH, files=[("files", ("notes.png", b"no film"))])
    with pytest.raises(SystemExit, match=r"answered with 422.*no picture"):
        asyncio.run(door.ask(request))


def test_command_ends_by_its_verdict_and_writes_the_figures(
    tmp_path: Path, encoder_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--films", f"{FILMS}", "--queries", "2", "--cache", str(encoder_cache), "--json", str(tmp_path / "r")]
    with pytest.raises(SystemExit) as ended:
        main(options)
    told = json.loads((tmp_path / "r").read_text())
    assert told["films"] == FILMS
    assert [len(one["queries"]) for one in told["variants"]] == [2] * 5
    assert len(told["bare_s"]) == 2
    assert ended.value.code == (0 if told["holds"] else 1)
    assert "own / bare FAISS" in capsys.readouterr().out
