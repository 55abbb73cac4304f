"""The catalogue: rows go in and come out as they were, and a full disk says so."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ArchiveCorrupt
from indexer.catalogue import FILTER_COLUMNS, TABLES, Catalogue, FilmFilters, Row
from indexer.conditions import write_sql
from indexer.filters import parse_filter

FILL = """
import resource, signal, sys
from pathlib import Path
from typing import Any
from engine.errors import DiskFull
from indexer.catalogue import Catalogue
catalogue = Catalogue.create(Path("work.duckdb"))
if sys.argv[1] == "limit":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
try:
    for n in range(200):
        rows = [{"patient": f"{n} {m}", "sex": str(hash((n, m))) * 9, "split_group": None} for m in range(2000)]
        catalogue.insert("patients", rows)
        catalogue.checkpoint()
except DiskFull as error:
    sys.exit("full: " + str(error))
"""


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    made = Catalogue.create(tmp_path / "catalogue.duckdb")
    yield made
    made.close()


def film(number: int, **facts: object) -> Row:
    names = Catalogue.column_names("films")
    return dict.fromkeys(names) | {"film": number, "patient": "P1", "vector": number, "stage": "unknown"} | facts


def lesion(number: int, entity: str | None, site: str | None = None) -> Row:
    row: Row = dict.fromkeys(Catalogue.column_names("lesions"))
    return row | {"lesion": number, "patient": "P1", "entity": entity, "site": site, "dated": date(2024, 2, 29)}


TEXT = st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
FILM = st.builds(
    film,
    st.integers(0, 2**40),
    file=TEXT,
    age=st.none() | st.floats(0, 130),
    taken=st.none() | st.dates(),
    x0=st.none() | st.integers(-(2**31), 2**31 - 1),
)


@settings(max_examples=25)
@given(st.lists(FILM, max_size=12, unique_by=lambda row: row["film"]))
def test_films_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    made = Catalogue.create(tmp_path_factory.mktemp("catalogue") / "c.duckdb")
    made.insert("films", rows)
    assert made.rows("SELECT * FROM films ORDER BY film") == sorted(rows, key=lambda row: row["film"])
    table = made.film_table()
    assert table["film"].to_pylist() == sorted(row["film"] for row in rows)
    assert set(table.column_names) >= set(FILTER_COLUMNS)
    made.close()


def test_a_row_that_lacks_a_column_is_refused(catalogue: Catalogue) -> None:
    with pytest.raises(KeyError):
        catalogue.insert("patients", [{"patient": "P1"}])


def test_films_carry_their_lesion(catalogue: Catalogue) -> None:
    catalogue.insert("lesions", [lesion(5, "osteosarcoma", "femur")])
    catalogue.insert("films", [film(1, lesion=5), film(2, lesion=5, site="knee"), film(3)])
    rows = catalogue.film_rows("SELECT film, entity, site FROM film_view ORDER BY film")
    assert [tuple(row.values()) for row in rows] == [
        (1, "osteosarcoma", "femur"),
        (2, "osteosarcoma", "knee"),
        (3, None, None),
    ]
    assert catalogue.values("entity") == [("osteosarcoma", 2), (None, 1)]
    with pytest.raises(ValueError, match="no filter column"):
        catalogue.values("uri")


def test_a_filter_counts_what_it_cannot_judge(catalogue: Catalogue) -> None:
    catalogue.insert("films", [film(n, age=age) for n, age in enumerate([5.0, 50.0, None, 7.0])])
    passes, unknown = FilmFilters(catalogue.film_table())(parse_filter("age < 20", FILTER_COLUMNS))
    assert (passes.tolist(), unknown) == ([True, False, False, True], 1)


LEAVES = st.sampled_from(
    ["age < 20", "age is null", "sex = 'F'", "sex in ('M', 'F')", "taken >= '2020-01-01'", "film between 3 and 9",
     "entity not in ('osteosarcoma')", "patient = 'P1'", "site <> 'femur'"]
)  # fmt: skip
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: f"({' '.join(parts)})"),
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Catalogue, FilmFilters]]:
    """Films of many kinds, with values missing in each column."""
    catalogue = Catalogue.create(tmp_path_factory.mktemp("crowd") / "catalogue.duckdb")
    rng = np.random.default_rng(0)
    kinds = [lesion(n, entity, site) for n, (entity, site) in enumerate([("osteosarcoma", "femur"), (None, "tibia")])]
    catalogue.insert("lesions", kinds)
    said: dict[str, list[Any]] = {
        "age": [None, 5.0, 20.0, 71.5], "sex": [None, "F", "M"], "lesion": [None, 0, 1],
        "taken": [None, date(2019, 12, 31), date(2020, 1, 1)], "patient": ["P1", "P2"],
    }  # fmt: skip
    some = [film(n, **{name: values[rng.integers(len(values))] for name, values in said.items()}) for n in range(60)]
    catalogue.insert("films", some)
    filters = FilmFilters(catalogue.film_table())
    yield catalogue, filters
    filters.close()
    catalogue.close()


@given(text=FILTERS)
def test_a_filter_passes_what_the_database_passes(crowd: tuple[Catalogue, FilmFilters], text: str) -> None:
    catalogue, filters = crowd
    chosen = parse_filter(text, FILTER_COLUMNS)
    sql = write_sql(chosen)
    rows = catalogue.film_rows(f"SELECT {sql.expression} AS passes FROM film_view ORDER BY film", sql.parameters)
    wanted = [row["passes"] for row in rows]
    passes, unknown = filters(chosen)
    assert passes.tolist() == [one is True for one in wanted]
    assert unknown == wanted.count(None)


def test_rows_are_struck_by_their_keys(catalogue: Catalogue) -> None:
    catalogue.insert("films", [film(n) for n in range(6)])
    catalogue.delete("films", "film", {1, 3, 99})
    catalogue.delete("films", "film", [])
    assert [row["film"] for row in catalogue.rows("SELECT film FROM films ORDER BY film")] == [0, 2, 4, 5]
    event = dict.fromkeys(Catalogue.column_names("events"))
    catalogue.insert("events", [event | {"patient": p, "told_by": s} for p in "AB" for s in "xy"])
    catalogue.forget_events("x", {"A"})
    left = catalogue.rows("SELECT patient, told_by FROM events ORDER BY ALL")
    assert [tuple(row.values()) for row in left] == [("A", "y"), ("B", "x"), ("B", "y")]
    entry = dict.fromkeys(Catalogue.column_names("ledger"))
    catalogue.insert("ledger", [entry | {"source": s, "file": f} for s in "xy" for f in "ab"])
    catalogue.forget_files("y", ["a", "c"])
    left = catalogue.rows("SELECT source, file FROM ledger ORDER BY ALL")
    assert [tuple(row.values()) for row in left] == [("x", "a"), ("x", "b"), ("y", "b")]


def test_the_latest_follow_up_of_each_patient(catalogue: Catalogue) -> None:
    told = [("A", "follow-up", 2020, "well"), ("A", "follow-up", 2022, "relapse"), ("B", "therapy", 2024, "surgery")]
    event = dict.fromkeys(Catalogue.column_names("events"))
    rows = [event | {"patient": p, "kind": k, "dated": date(y, 1, 1), "text": t} for p, k, y, t in told]
    catalogue.insert("events", rows)
    assert catalogue.latest_follow_ups() == {"A": "relapse"}


def test_a_reader_cannot_write_and_a_checkpoint_holds_all(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.insert("films", [film(n) for n in range(500)])
    catalogue.checkpoint()
    (tmp_path / "copy").write_bytes(catalogue.path.read_bytes())
    reader = Catalogue(tmp_path / "copy")
    assert len(reader.film_table()) == 500
    with pytest.raises(Exception, match="read-only"):
        reader.insert("films", [film(1000)])
    reader.close()


@pytest.mark.parametrize("content", [b"", b"not a database" * 1000])
def test_what_is_no_catalogue_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.duckdb").write_bytes(content)
    with pytest.raises(ArchiveCorrupt, match=r"c\.duckdb cannot be opened"):
        Catalogue(tmp_path / "c.duckdb")
    with pytest.raises(ArchiveCorrupt, match="cannot be opened"):
        Catalogue(tmp_path / "absent.duckdb")


def test_column_names_are_those_of_the_tables(catalogue: Catalogue) -> None:
    for table in TABLES:
        described = [row["column_name"] for row in catalogue.rows(f"DESCRIBE {table}")]
        assert list(Catalogue.column_names(table)) == described


def fill(folder: Path, how: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", FILL, how], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.stderr


def test_a_file_that_may_not_grow_is_a_full_disk(tmp_path: Path) -> None:
    assert fill(tmp_path, "limit").startswith("full: no room is left")


def test_a_real_full_disk(small_disk: Path) -> None:
    assert fill(small_disk, "disk").startswith("full: no room is left")
