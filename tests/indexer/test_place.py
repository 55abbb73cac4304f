"""Places: a store is listed and read as the folder it mirrors, and nothing in it can leave its folder."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from engine.encoders import OnnxEmbedder
from engine.errors import SourceError
from indexer.archive import open_snapshot, read_segments
from indexer.ingest import ingest
from indexer.prepare import Roi
from indexer.sources import LocalFolder, open_place, open_source
from indexer.sources.place import _relative, uri_of
from indexer.writer import open_writer

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def films(tmp_path: Path, draw: Callable[..., bytes], lay: Any) -> Path:
    """Films in folders, a table, masks, a file that is no film."""
    data = {f"images/{n}.png": draw(n) for n in range(4)} | {"paper.pdf": b"%PDF-1.7\n"}
    rows = [{"file": f"images/{n}.png", "patient_id": n, "entity": "enchondroma"} for n in range(4)]
    return lay(tmp_path / "films", data | {"masks/1.png": draw(9)}, rows)


@pytest.fixture
def stored(films: Path) -> Iterator[str]:
    """The same in fsspec's memory."""
    store, root = fsspec.filesystem("memory"), f"/{uuid4().hex}/films"
    for path in films.rglob("*"):
        if path.is_file():
            store.pipe(f"{root}/{path.relative_to(films).as_posix()}", path.read_bytes())
    yield f"memory:/{root}"
    store.rm(root, recursive=True)


def relative(record: Any, folder: Path) -> Any:
    """A record, but its files as told from the folder."""
    places = {name: getattr(record, name) and getattr(record, name).relative_to(folder) for name in ("path", "mask")}
    return vars(record) | places


@pytest.mark.parametrize("scheme", ["memory", "file"])
def test_a_store_is_listed_as_the_folder_is(scheme: str, films: Path, stored: str) -> None:
    here = open_source(films, "folder")
    with open_place(stored if scheme == "memory" else f"file://{films}") as place:
        there = open_source(place.folder, "folder")
        assert (there.title, there.unread) == (here.title, here.unread)
        assert [relative(film, place.folder) for film in there.films] == [relative(film, films) for film in here.films]
        for mine, other in zip(here.films, there.films, strict=True):
            assert mine.path is not None and other.path is not None
            assert place.fetch(other.path) == mine.path.read_bytes()
        assert place.shared is (scheme == "file")
        folder = place.folder
    assert not folder.exists()


def test_vectors_and_outcomes_are_those_of_the_folder(
    tmp_path: Path, films: Path, stored: str, embedder: OnnxEmbedder, encoder: Any
) -> None:
    found = []
    for address in (str(films), f"{stored}/"):
        root = tmp_path / f"{len(found)}"
        with open_place(address) as place, open_writer(root, embedder.card, encoder.onnx.parent) as writer:
            report = ingest(open_source(place.folder, "folder"), place, "folder", Roi.mask, embedder, writer)
        snapshot = open_snapshot(root)
        rows = [(row["file"], row["sha256"], row["region_key"]) for row in snapshot.films.to_pylist()]
        uris = [row["uri"] for row in snapshot.films.to_pylist()]
        snapshot.catalogue.close()
        vectors = [part.tobytes() for _, part in read_segments(root, snapshot.manifest)]
        found.append((rows, vectors, report.left_out, report.unmasked))
    assert found[0] == found[1]
    assert report.left_out[0][0] == "paper.pdf"
    assert uris[0] == f"{stored}/images/0.png"
    assert list(json.loads((root / "manifest.json").read_text())["sources"]) == [stored]


def test_dicom_is_recognised_by_its_first_bytes(stored: str) -> None:
    store = fsspec.filesystem("memory")
    root = "/" + stored.removeprefix("memory://")
    store.pipe(f"{root}/images/0.dcm", bytes(128) + b"DICM" + bytes(999))
    with open_place(stored) as place:
        listing = open_source(place.folder)
        assert len(listing.films) == 6
        first = place.folder / "images" / "0.dcm"
        assert first.stat().st_size == 132
        assert len(place.fetch(first)) == 1131


@pytest.mark.parametrize("address", ["memory", "file"])
def test_a_stamp_changes_with_the_file(address: str, films: Path, stored: str, draw: Callable[..., bytes]) -> None:
    def stamps() -> list[str]:
        with open_place(stored if address == "memory" else f"file://{films}") as place:
            return [place.stamp(place.folder / "images" / f"{n}.png") for n in range(2)]

    before = stamps()
    assert stamps() == before
    (films / "images" / "0.png").write_bytes(draw(40, 80))
    store = fsspec.filesystem("memory")
    store.pipe("/" + stored.removeprefix("memory://") + "/images/0.png", draw(40, 80))
    after = stamps()
    assert after[0] != before[0]
    assert after[1] == before[1]
    with open_place(stored) as place:
        assert place.stamp(place.folder / "nothing.png") == ""


def test_the_stamp_of_a_file_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert LocalFolder(tmp_path).stamp(tmp_path / "nothing") == ""


@pytest.mark.parametrize("name", ["../x.png", "a/../../x.png", "a//x.png", "./x.png", "a\\..\\x.png", "x\0.png", ""])
def test_no_object_leaves_the_folder(name: str) -> None:
    with pytest.raises(SourceError, match="no folder could hold"):
        _relative(f"bucket/films/{name}", "bucket/films", "s3://bucket/films")


def test_an_object_that_is_a_folder_too_is_refused(stored: str) -> None:
    objects, film = fsspec.filesystem("memory").store, "/" + stored.removeprefix("memory://") + "/images/0.png"
    objects[f"{film}/inner.png"] = objects[film]  # other stores take such a name, fsspec's memory does not
    with pytest.raises(SourceError, match="both as a film and as a folder"), open_place(stored):
        pass


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://key:secret@bucket/films", "may hold no password"),
        ("nosuch://bucket/films", "cannot be reached"),
        ("memory://nothing/there", "holds no files"),
        ("file:///nothing/there", "holds no files"),
    ],
)
def test_addresses_that_cannot_be_read_are_refused(address: str, said: str) -> None:
    with pytest.raises(SourceError, match=said) as refused, open_place(address):
        pass
    assert "secret" not in str(refused.value)


def test_without_fsspec_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.sources.place.find_spec", lambda name: None)
    with pytest.raises(SourceError, match=r"needs fsspec.*copy the films into a folder"), open_place("s3://bucket"):
        pass


def test_an_error_without_a_number_has_its_name(tmp_path: Path, embedder: OnnxEmbedder) -> None:
    from indexer.prepare import Preparer
    from indexer.records import FilmRecord

    def refuse(path: Path) -> bytes:
        raise FileNotFoundError("said by a store")

    (item,) = Preparer(embedder, Roi.whole, {}, fetch=refuse)([FilmRecord("a", tmp_path / "a")])
    assert item.reason == "the file cannot be read (FileNotFoundError)"


def test_addresses_of_films_are_quoted(tmp_path: Path) -> None:
    assert uri_of("s3://bucket/films", "a b/ü#.png") == "s3://bucket/films/a%20b/%C3%BC%23.png"
    assert uri_of(str(tmp_path), "a b.png") == (tmp_path / "a b.png").as_uri()
