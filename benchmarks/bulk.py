"""What worker processes bring over threads: `caselink bench bulk --data DIR [--films N] [--json FILE]`.

The same films are indexed into new archives by the single process, with a thread a core, and by one and two worker
processes under Ray, one core each; the ways take turns at coming first. films/s is of the whole run, Ray's start
included; steady films/s leaves out all up to the first films enrolled, as in a run so long that its start does not
count. ratio = the films/s of a way over those of the single process, of the median round. All archives must hold the
same vectors, bit for bit. Where Ray is missing its ways are named as such and not run.
"""

import argparse
import hashlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.table import Table

from api.settings import keep_ray_here
from engine.encoders import DEFAULT, EncoderFiles, OnnxEmbedder, encoder_files
from engine.encoders.runtime import usable_cores
from engine.errors import CaselinkError, EncoderError, SourceError
from indexer.archive import open_snapshot, read_segments
from indexer.bulk import SHARD, Bulk, bulk_ingest, ray_runner
from indexer.ingest import Progress, ingest
from indexer.prepare import Roi
from indexer.sources import Listing, LocalFolder, open_source
from indexer.writer import open_writer

SINGLE = "single process"
WAYS: dict[str, int | None] = {SINGLE: None, "ray, 1 worker": 1, "ray, 2 workers": 2}
"""Name to worker processes; None for threads."""
ROUNDS = 3


@dataclass
class Watch:
    """Seconds of a run: to its first films enrolled and to its end; how many films came first."""

    began: float = field(default_factory=time.perf_counter)
    first_s: float = 0.0
    first: int = 0

    def __call__(self, progress: Progress) -> None:
        """Note the first films."""
        if not self.first and progress.done:
            self.first, self.first_s = progress.done, self.gone()

    def gone(self) -> float:
        """Seconds so far."""
        return time.perf_counter() - self.began


@dataclass(frozen=True)
class Round:
    """One run's raw figures. films: embedded. first: enrolled after first_s. vectors: hash of all, in film order."""

    way: str
    films: int
    wall_s: float
    first: int
    first_s: float
    load: float
    vectors: str

    @property
    def rate(self) -> float:
        """Films/s of the whole run."""
        return self.films / self.wall_s

    @property
    def steady(self) -> float | None:
        """Films/s after the first films; None where they were all."""
        return (self.films - self.first) / (self.wall_s - self.first_s) if self.films > self.first else None


def index_once(listing: Listing, place: LocalFolder, way: str, encoder: EncoderFiles, root: Path) -> Round:
    """Index a listing into a new archive in one of the `WAYS`.

    Raises:
        EncoderError: Ray is missing, or a worker ended.
    """
    load, workers = os.getloadavg()[0], WAYS[way]
    embedder = OnnxEmbedder.open(encoder, threads=None if workers is None else 1)
    with open_writer(root, embedder.card, encoder.onnx.parent) as writer:
        watch = Watch()
        if workers is None:
            report = ingest(listing, place, "bench", Roi.whole, embedder, writer, watch)
        else:
            size = max(1, min(SHARD, len(listing.films) // (4 * workers)))
            bulk = Bulk(writer, place, listing.issuer, ray_runner(workers), size)
            report = bulk_ingest(bulk, listing, "bench", Roi.whole, embedder, watch)
        wall = watch.gone()
    return Round(way, report.embedded, wall, watch.first, watch.first_s, load, vectors_of(root))


def vectors_of(root: Path) -> str:
    """sha256 over an archive's vectors in the order of its films."""
    snapshot = open_snapshot(root)
    films = snapshot.films.to_pylist()
    snapshot.catalogue.close()
    parts = read_segments(root, snapshot.manifest)
    rows = {int(n): row.tobytes() for ids, part in parts for n, row in zip(ids, part, strict=True)}
    return hashlib.sha256(b"".join(rows[film["vector"]] for film in films)).hexdigest()


def run(data: Path, layout: str, films: int | None, cache: Path, rounds: int = ROUNDS) -> list[Round]:
    """Every way in every round, after a run that does not count; the ways take turns at coming first."""
    listing, place = open_source(data, layout), LocalFolder(data)
    listing = replace(listing, films=listing.films[:films])
    if not listing.films:
        raise SourceError(f"{data} holds no films; give a folder of films")
    encoder = encoder_files(DEFAULT, cache)
    ways = [way for way, workers in WAYS.items() if workers is None or find_spec("ray")]
    with tempfile.TemporaryDirectory(prefix="caselink-bench-") as folder:
        index_once(listing, place, SINGLE, encoder, Path(folder) / "first")
        turns = [ways[number % len(ways) :] + ways[: number % len(ways)] for number in range(rounds)]
        return [
            index_once(listing, place, way, encoder, Path(folder) / f"{number}-{WAYS[way]}")
            for number, turn in enumerate(turns)
            for way in turn
        ]


def document(data: str, rounds: Sequence[Round]) -> dict[str, object]:
    """Raw figures and the ratios of the median rounds; null where a way was not run or too short for a steady rate.

    Raises:
        EncoderError: two archives hold different vectors.
    """
    if len({one.vectors for one in rounds}) > 1:
        raise EncoderError("two ways of indexing made different vectors of the same films; none may be used")
    whole, steady = _medians(rounds, "rate"), _medians(rounds, "steady")
    ratios = {
        way: {"whole": _over(whole[way], whole[SINGLE]), "steady": _over(steady[way], steady[SINGLE])}
        for way, workers in WAYS.items()
        if workers is not None
    }
    raw = [asdict(one) | {"films_per_s": one.rate, "steady_films_per_s": one.steady} for one in rounds]
    missing = [way for way in WAYS if whole[way] is None]
    facts = {"data": data, "films": rounds[0].films, "cores": usable_cores(), "same_vectors": True, "not_run": missing}
    return facts | {"ratios": ratios, "films_per_s": whole, "steady_films_per_s": steady, "rounds": raw}


def _medians(rounds: Sequence[Round], name: str) -> dict[str, float | None]:
    found = {way: [getattr(one, name) for one in rounds if one.way == way] for way in WAYS}
    known = {way: [value for value in values if value is not None] for way, values in found.items()}
    return {way: statistics.median(values) if values else None for way, values in known.items()}


def _over(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one / other


def _table(data: str, rounds: Sequence[Round]) -> Table:
    table = Table(title=f"bulk indexing of {data}, {rounds[0].films} films, {usable_cores()} cores")
    for head in ("way", "s", "films/s", "first films after s", "steady films/s", "load"):
        table.add_column(head)
    for one in rounds:
        steady = "" if one.steady is None else f"{one.steady:.1f}"
        cells = (f"{one.wall_s:.1f}", f"{one.rate:.1f}", f"{one.first_s:.1f}", steady, f"{one.load:.2f}")
        table.add_row(one.way, *cells)
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of `caselink bench bulk`."""
    parser = argparse.ArgumentParser(prog="caselink bench bulk", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of films, e.g. BTXRD")
    parser.add_argument("--layout", default="auto")
    parser.add_argument("--films", type=int, help="the first so many; unset = all")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--cache", type=Path, default=Path("var/encoders"), help="where the exported encoder is kept")
    parser.add_argument("--json", type=Path, help="write the raw figures here too")
    options = parser.parse_args(arguments)
    keep_ray_here()
    try:
        rounds = run(options.data, options.layout, options.films, options.cache, options.rounds)
        told = document(options.data.name, rounds)
    except CaselinkError as error:
        raise SystemExit(str(error)) from None
    Console(width=120).print(_table(options.data.name, rounds))
    Console(width=120).print({name: told[name] for name in ("ratios", "same_vectors", "not_run")})
    if options.json:
        options.json.write_text(json.dumps(told, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
