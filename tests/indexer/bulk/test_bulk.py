"""Shards: the archive is the one that threads make, finished shards are not made again, none holds an identifier."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pydicom
import pytest

import indexer.ingest as ingesting
from engine.encoders import EncoderFiles
from engine.errors import DiskFull, EncoderError, SourceError
from indexer.bulk import ray_runner, run_here
from indexer.bulk.run import Answers
from indexer.bulk.worker import TRIES, Errand, Kit, ShardWorker
from indexer.ingest import Progress
from indexer.prepare import Roi

Fill = Callable[..., Any]
Holds = Callable[[Path], dict[str, Any]]
Same = Callable[[Any, Any], bool]


def backwards(kit: Kit, errands: Sequence[Errand]) -> Answers:
    """Answers in another order than asked, as workers of unlike speed give."""
    yield from run_here(kit, errands[::-1])


def broken_off(after: int, kit: Kit, errands: Sequence[Errand]) -> Answers:
    """Dies after so many shards, the next of them made but never heard of."""
    for number, answer in enumerate(run_here(kit, errands)):
        if number == after:
            raise KeyboardInterrupt
        yield answer


def publish_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every shard enrolled is published before the next."""
    monkeypatch.setattr(ingesting, "PUBLISH_EVERY_S", 0.0)
    monkeypatch.setattr(ingesting, "PUBLISH_SHARE", 0)


def shards(root: Path) -> dict[str, tuple[int, int]]:
    """The shards of an archive, with what changes when one is written again."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (root / "bulk").glob("*.parquet")}


@pytest.mark.parametrize("roi", [Roi.whole, Roi.mask])
@pytest.mark.parametrize("facts", [False, True])
def test_archive_is_the_one_of_the_single_process(
    roi: Roi, facts: bool, tmp_path: Path, cohort: Path, fill: Fill, holds: Holds, same: Same, told: EncoderFiles
) -> None:
    more: dict[str, Any] = {"encoder": told} if facts else {}
    alone = fill(cohort, tmp_path / "alone", roi=roi, **more)
    counts: list[int] = []
    shared = fill(cohort, tmp_path / "shared", backwards, roi=roi, counts=counts, **more)
    assert same(alone, shared)
    assert alone.indexed >= 9
    assert [file for file, _ in alone.left_out] == ["films/broken.dcm"]
    assert [file for file, _ in alone.duplicates] != []
    assert holds(tmp_path / "alone") == holds(tmp_path / "shared")
    assert counts == [0, -(-alone.found // 4)]
    assert not (tmp_path / "shared" / "bulk").exists()


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is published before a run's end, however slow the machine, so that a broken run leaves its shards."""
    monkeypatch.setattr(ingesting, "PUBLISH_EVERY_S", 1e9)


@pytest.mark.parametrize("often", [False, True])
def test_finished_shards_are_not_made_again(
    often: bool, tmp_path: Path, cohort: Path, fill: Fill, holds: Holds, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, counts = tmp_path / "a", [0, 0]
    if often:
        publish_at_once(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        fill(cohort, root, partial(broken_off, 2), counts=counts)
    assert counts == [0, 2]
    left = shards(root)
    assert len(left) == (1 if often else 3)  # the third was finished, though nobody heard of it
    held = fill(cohort, root, run_here, counts=counts)
    assert counts[0] == len(left)
    assert held.embedded + (7 if often else 0) == held.indexed
    assert counts[0] + counts[1] == -(-held.found // 4)
    fill(cohort, tmp_path / "b")
    mine, other = holds(root), holds(tmp_path / "b")
    assert mine == other


def test_a_shard_goes_once_what_it_holds_is_published(
    tmp_path: Path, cohort: Path, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_at_once(monkeypatch)
    left: list[int] = []

    def listen(step: Progress) -> None:
        left.append(len(shards(tmp_path / "a")))
        assert step.acknowledged == step.done

    fill(cohort, tmp_path / "a", run_here, listen=listen)
    assert set(left) == {0}


def test_a_second_run_embeds_nothing(tmp_path: Path, cohort: Path, fill: Fill, holds: Holds) -> None:
    first = fill(cohort, tmp_path / "a", run_here)
    before = holds(tmp_path / "a")
    again = fill(cohort, tmp_path / "a", run_here)
    assert (again.indexed, again.embedded) == (first.indexed, 0)
    assert holds(tmp_path / "a") == before


def test_a_shard_on_disk_holds_no_identifier(tmp_path: Path, cohort: Path, fill: Fill) -> None:
    with pytest.raises(KeyboardInterrupt):
        fill(cohort, tmp_path / "a", partial(broken_off, 2))
    written = b"".join(path.read_bytes() for path in (tmp_path / "a" / "bulk").iterdir())
    heads = [pydicom.dcmread(path, force=True) for path in sorted((cohort / "films").rglob("case-*/*.dcm"))]
    names = {str(head[tag].value) for head in heads for tag in ("PatientID", "StudyInstanceUID", "SOPInstanceUID")}
    assert len(names) > 10
    assert b"films/" in written
    assert not [name for name in names if name.encode() in written]


def test_workers_are_sent_no_identifier(tmp_path: Path, draw: Callable[..., bytes], lay: Any, fill: Fill) -> None:
    rows = [{"file": f"{n}.png", "patient_id": f"Hidden{n}", "study": "1.2.3.4", "split_group": "Kin"} for n in (1, 2)]
    source = lay(tmp_path / "films", {f"{n}.png": draw(n) for n in (1, 2)}, rows)
    seen: list[str] = []

    def watch(kit: Kit, errands: Sequence[Errand]) -> Answers:
        seen.append(repr([vars(kit), errands]))
        yield from run_here(kit, errands)

    fill(source, tmp_path / "a", watch)
    assert "1.png" in seen[0]
    assert not [name for name in ("Hidden", "1.2.3.4", "Kin") if name in seen[0]]


def test_paths_with_an_identifier_are_counted_alike(tmp_path: Path, cohort: Path, fill: Fill) -> None:
    """The identifier stands in the film's header alone, so only the worker sees it."""
    film = next((cohort / "films").rglob("case-*/*.dcm"))
    source = tmp_path / "films"
    source.mkdir()
    (source / f"{pydicom.dcmread(film).PatientID}.dcm").write_bytes(film.read_bytes())
    assert [fill(source, tmp_path / f"{runner}", runner).named for runner in (None, run_here)] == [1, 1]


def test_a_film_that_changed_makes_another_shard(
    tmp_path: Path, draw: Callable[..., bytes], lay: Any, fill: Fill, holds: Holds
) -> None:
    source = lay(tmp_path / "films", {f"{n}.png": draw(n) for n in range(8)})
    counts: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        fill(source, tmp_path / "a", partial(broken_off, 1), counts=counts, layout="folder")
    (source / "0.png").write_bytes(draw(20))
    fill(source, tmp_path / "a", run_here, counts=counts, layout="folder")
    fill(source, tmp_path / "b", layout="folder")
    assert counts == [1, 1]  # of four films each; the second was finished, though nobody heard of it
    assert [film["sha256"] for film in holds(tmp_path / "a")["films"]] == [
        film["sha256"] for film in holds(tmp_path / "b")["films"]
    ]


def test_a_damaged_shard_is_made_again(tmp_path: Path, cohort: Path, fill: Fill, holds: Holds) -> None:
    counts: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        fill(cohort, tmp_path / "a", partial(broken_off, 0), counts=counts)
    (only,) = (tmp_path / "a" / "bulk").iterdir()
    data = bytearray(only.read_bytes())
    data[60] ^= 1
    only.write_bytes(data)
    fill(cohort, tmp_path / "a", run_here, counts=counts)
    assert counts[0] == 0
    fill(cohort, tmp_path / "b")
    assert holds(tmp_path / "a") == holds(tmp_path / "b")


def test_a_file_that_could_not_be_read_is_tried_again(
    tmp_path: Path, draw: Callable[..., bytes], lay: Any, fill: Fill
) -> None:
    source, counts = lay(tmp_path / "films", {f"{n}.png": draw(n) for n in range(4)}), [0, 0]

    def torn(kit: Kit, errands: Sequence[Errand]) -> Answers:
        lost = source / "2.png"
        lost.rename(tmp_path / "away")
        yield from broken_off(0, kit, errands) if counts == [0, 0] else run_here(kit, errands)

    with pytest.raises(KeyboardInterrupt):
        fill(source, tmp_path / "a", torn, layout="folder")
    (tmp_path / "away").rename(source / "2.png")
    report = fill(source, tmp_path / "a", run_here, counts=counts, layout="folder")
    assert counts == [0, 1]
    assert (report.indexed, report.left_out) == (4, ())


def test_a_workers_error_is_raised_here(tmp_path: Path, cohort: Path, fill: Fill) -> None:
    def full(kit: Kit, errands: Sequence[Errand]) -> Answers:
        yield {"start": 0, "error": "DiskFull", "said": "no room is left"}

    with pytest.raises(DiskFull, match="no room is left"):
        fill(cohort, tmp_path / "a", full)


def test_workers_that_die_at_one_shard_end_the_run(tmp_path: Path, cohort: Path, fill: Fill) -> None:
    class Dies(ShardWorker):
        """As if the process were gone in the midst of a shard."""

        def make(self, errand: Errand) -> None:
            with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
                patch.setattr("indexer.bulk.worker.write_shard", interrupt)
                super().make(errand)

    def interrupt(path: Path, items: object) -> None:
        raise KeyboardInterrupt

    def deadly(deaths: int, kit: Kit, errands: Sequence[Errand]) -> Answers:
        for _ in range(deaths):
            Dies(kit).make(errands[0])
        yield from run_here(kit, errands)

    with pytest.raises(EncoderError, match=r"3 workers died at the films from films/\S+ to films/\S+; run it with"):
        fill(cohort, tmp_path / "a", partial(deadly, TRIES))
    assert list((tmp_path / "a" / "bulk").glob("*.tried"))
    assert fill(cohort, tmp_path / "a", partial(deadly, TRIES - 1)).indexed >= 9


def test_a_full_disk_is_said_by_the_worker(small_disk: Path, cohort: Path, fill: Fill, holds: Holds) -> None:
    def fill_up(kit: Kit, errands: Sequence[Errand]) -> Answers:
        with pytest.raises(OSError, match="No space"), (small_disk / "ballast").open("wb") as file:
            file.write(bytes(60 << 20))
        yield from run_here(kit, errands)

    with pytest.raises(DiskFull, match="no film is lost"):
        fill(cohort, small_disk / "a", fill_up)
    (small_disk / "ballast").unlink()
    assert fill(cohort, small_disk / "a", run_here).indexed >= 9


def test_films_that_other_processes_cannot_see_are_refused(
    tmp_path: Path, draw: Callable[..., bytes], fill: Fill
) -> None:
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe("/alone/1.png", draw(1))
    with pytest.raises(SourceError, match="lies in this process alone; leave out --ray"):
        fill("memory://alone", tmp_path / "a", backwards)


def test_without_ray_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.bulk.find_spec", lambda name: None)
    with pytest.raises(EncoderError, match=r"2 worker processes need Ray.*install caselink\[scale\]"):
        ray_runner(2)
    assert "ray" not in os.environ  # nothing was set for it either
