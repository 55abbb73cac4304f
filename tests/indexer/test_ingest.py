"""Ingest: the report adds up, order and vectors hang on nothing but the films, and bad files are left out by name."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import indexer.ingest as ingesting
from engine.embeddings import Embedder
from engine.encoders import EncoderFiles
from engine.errors import DiskFull
from indexer.archive import open_snapshot, read_segments
from indexer.ingest import HANDFUL, IngestReport, Progress, ingest
from indexer.prepare import Roi
from indexer.records import FilmRecord
from indexer.sources import open_source
from indexer.writer import open_writer

Draw = Callable[..., bytes]
Lay = Callable[..., Path]
Index = Callable[..., IngestReport]


def archive(root: Path) -> tuple[list[dict[str, object]], dict[int, bytes]]:
    """Rows of the films and the bytes of their vectors."""
    snapshot = open_snapshot(root)
    rows = snapshot.films.drop_columns(["patient", "split_group"]).to_pylist()
    vectors = {
        int(n): v.tobytes()
        for ids, part in read_segments(root, snapshot.manifest)
        for n, v in zip(ids, part, strict=True)
    }
    snapshot.close()
    return rows, vectors


def test_workers_change_nothing(tmp_path: Path, lay: Lay, draw: Draw, index: Index) -> None:
    source = lay(tmp_path / "films", {f"{n:02}.png": draw(n % 30) for n in range(50)})
    found = []
    for workers in (1, 3, 7):
        index(source, tmp_path / f"{workers}", workers=workers)
        found.append(archive(tmp_path / f"{workers}"))
    assert found[0] == found[1] == found[2]
    assert len(found[0][1]) == 30


def test_vectors_are_those_of_the_encoder(
    tmp_path: Path, lay: Lay, draw: Draw, index: Index, embedder: Embedder
) -> None:
    from engine.readers import read
    from engine.region import Region

    source = lay(tmp_path / "films", {f"{n}.png": draw(n) for n in range(3)})
    index(source, tmp_path / "a")
    rows, vectors = archive(tmp_path / "a")
    for row in rows:
        film = read(source / str(row["file"]))
        (expected,) = embedder.embed([embedder.prepare(film, Region.whole(film.shape))])
        assert np.array_equal(np.frombuffer(vectors[int(str(row["vector"]))], np.float32), expected)


def bad_files() -> dict[str, bytes]:
    zipped, huge, tiny = io.BytesIO(), io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as file:
        file.writestr("a.png", b"x")
    Image.new("1", (30_000, 30_000)).save(huge, "PNG")
    Image.new("L", (1, 1)).save(tiny, "PNG")
    return {
        "empty.png": b"",
        "zip.png": zipped.getvalue(),
        "huge.png": huge.getvalue(),
        "tiny.png": tiny.getvalue(),
        "paper.pdf": b"%PDF-1.7\n",
        "renamed.dcm": b"hello, I am text",
        "lying.dcm": bytes(128) + b"DICM" + bytes(40),
    }


def test_bad_files_are_left_out_each_with_its_reason(tmp_path: Path, lay: Lay, draw: Draw, index: Index) -> None:
    bad = bad_files() | {"cut.png": draw(5)[:500]}
    source = lay(tmp_path / "films", {"good.png": draw(1)} | bad, [{"file": "lost.png", "age": 3}])
    report = index(source, tmp_path / "a")
    reasons = dict(report.left_out)
    assert set(reasons) == set(bad) | {"lost.png"}
    assert (report.found, report.indexed, report.embedded) == (len(bad) + 2, 1, 1)
    assert "no such file" in reasons["lost.png"]
    assert "30000x30000" in reasons["huge.png"]
    assert "1x1" in reasons["tiny.png"]
    for reason in reasons.values():
        assert "\n" not in reason
        assert str(tmp_path) not in reason


def test_the_report_as_json_adds_up(tmp_path: Path, lay: Lay, draw: Draw, index: Index) -> None:
    source = lay(tmp_path / "films", {"a.png": draw(1), "b.png": draw(1), "c.png": b""})
    told = index(source, tmp_path / "a").to_dict()
    assert (told["found"], told["indexed"], told["duplicate"], told["embedded"]) == (3, 1, 1, 1)
    assert told["duplicates"] == [{"file": "b.png", "of": "a.png"}]
    assert [entry["file"] for entry in told["left_out"]] == ["c.png"]  # type: ignore[attr-defined]


def run(
    source: Path, root: Path, embedder: Embedder, encoder: EncoderFiles, listen: Callable[[Progress], None]
) -> None:
    with open_writer(root, embedder.card, encoder.onnx.parent) as writer:
        ingest(open_source(source, "folder"), source, "folder", Roi.whole, embedder, writer, listen, workers=2)


def test_progress_runs_on_and_what_it_acknowledges_is_published(
    tmp_path: Path, lay: Lay, draw: Draw, embedder: Embedder, encoder: EncoderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "PUBLISH_EVERY_S", 0.0)
    monkeypatch.setattr(ingesting, "PUBLISH_SHARE", 0)
    source, root = lay(tmp_path / "films", {f"{n:02}.png": draw(n) for n in range(40)}), tmp_path / "a"
    steps: list[Progress] = []

    def listen(step: Progress) -> None:
        steps.append(step)
        snapshot = open_snapshot(root)
        assert len(snapshot.film) == step.acknowledged
        snapshot.close()

    run(source, root, embedder, encoder, listen)
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert [step.acknowledged for step in steps] == sorted(step.acknowledged for step in steps)
    assert (steps[-1].done, steps[-1].total, steps[-1].acknowledged) == (40, 40, 40)
    assert steps[-1].left_s == 0
    assert len({step.acknowledged for step in steps}) > 3


def test_a_disk_that_fills_up_keeps_what_was_acknowledged(
    small_disk: Path, tmp_path: Path, lay: Lay, draw: Draw, embedder: Embedder, encoder: EncoderFiles, index: Index
) -> None:
    source, root = lay(tmp_path / "films", {f"{n:02}.png": draw(n) for n in range(60)}), small_disk / "a"
    steps: list[Progress] = []

    def fill(step: Progress) -> None:
        steps.append(step)
        if len(steps) == 2:
            room = 40 << 20
            with pytest.raises(OSError, match="No space"), (small_disk / "ballast").open("wb") as file:
                file.write(bytes(room))

    with pytest.MonkeyPatch.context() as patch, pytest.raises(DiskFull, match="no film is lost"):
        patch.setattr(ingesting, "PUBLISH_EVERY_S", 0.0)
        patch.setattr(ingesting, "PUBLISH_SHARE", 0)
        run(source, root, embedder, encoder, fill)
    assert 0 < steps[-1].acknowledged < 60
    snapshot = open_snapshot(root)
    assert len(snapshot.film) == steps[-1].acknowledged
    snapshot.close()
    (small_disk / "ballast").unlink()
    report = index(source, root)
    assert (report.indexed, report.embedded) == (60, 60 - steps[-1].acknowledged)


@pytest.mark.parametrize(("count", "workers"), [(0, 2), (1, 2), (5, 3), (100, 2), (1000, 16)])
def test_handfuls_cover_every_film_and_shrink_at_the_end(count: int, workers: int) -> None:
    films = [FilmRecord(f"{n}", None) for n in range(count)]
    handfuls = list(ingesting._handfuls(films, workers))
    assert [film for handful in handfuls for film in handful] == films
    sizes = [len(handful) for handful in handfuls]
    assert sizes == sorted(sizes, reverse=True)
    assert max(sizes, default=1) <= HANDFUL
    assert sizes[-1:] in ([], [1])


def test_publishing_is_paced_by_its_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(ingesting.time, "perf_counter", lambda: now[0])
    clock = ingesting._Clock(100, started=0.0, published=0.0)

    def publish(at: float, cost: float) -> None:
        now[0] = at + cost
        clock.note_publish(at, 1)

    def wait() -> float:
        began = now[0]
        while not clock.due():
            now[0] += 0.01
        return now[0] - began

    assert wait() == pytest.approx(ingesting.PUBLISH_EVERY_S, abs=0.02)
    publish(now[0], 0.4)  # one slow write puts nothing off
    assert wait() == pytest.approx(ingesting.PUBLISH_EVERY_S, abs=0.02)
    publish(now[0], 0.4)
    assert wait() == pytest.approx(0.4 * ingesting.PUBLISH_SHARE, abs=0.02)
    publish(now[0], 0.01)
    assert wait() == pytest.approx(ingesting.PUBLISH_EVERY_S, abs=0.02)
