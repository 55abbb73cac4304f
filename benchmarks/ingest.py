"""Does bulk indexing use the machine? `python -m benchmarks.ingest --source DIR [--layout L] [--json FILE]`.

ratio = films/s achieved, end to end into a new archive / (cores / (core-seconds of decoding + of the forward pass, per
film)). The core-seconds are processor time of this process with every core at the same work, as in indexing: decoding
of the same files at the scale that indexing asks for, and the network on prepared patches. Cutting, thumbnails,
duplicates, the catalogue and its publishing count as indexing's own. Beside it stands the ratio to what cores would
allow that were as fast together as one is alone; they share memory, cache and clock.
The costs are measured before and after each run and averaged, so that what else the machine does falls on all alike;
the verdict is on the median run.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from engine.embeddings import Patch
from engine.encoders import DEFAULT, EncoderFiles, OnnxEmbedder, encoder_files
from engine.encoders.runtime import usable_cores
from engine.errors import FilmError
from engine.radiograph import Radiograph
from engine.readers import read
from engine.region import Region
from indexer.ingest import ingest
from indexer.prepare import Roi
from indexer.sources import Listing, open_source
from indexer.thumbnails import THUMBNAIL_SIDE
from indexer.writer import open_writer

WANTED = 0.9
ROUNDS = 9
FORWARD = 256
"""Films whose forward pass is measured; its cost does not hang on what they show."""


@dataclass(frozen=True)
class Cost:
    """Core-seconds per film embedded, broken files' decoding included."""

    decode_s: float
    forward_s: float

    @classmethod
    def mean(cls, costs: Sequence["Cost"]) -> "Cost":
        """Of several measurements."""
        return cls(*(statistics.fmean(getattr(cost, name) for cost in costs) for name in ("decode_s", "forward_s")))

    def allows(self, cores: int) -> float:
        """Films/s if every core did nothing but decode and embed."""
        return cores / (self.decode_s + self.forward_s)


@dataclass(frozen=True)
class Round:
    """One run's raw figures.

    films: embedded. cost: with all cores at work; alone: with one. wall_s: of indexing them all; busy_s: core-seconds
    it took. load: the machine's, over the minute before.
    """

    films: int
    cost: Cost
    alone: Cost
    wall_s: float
    busy_s: float
    load: float

    @property
    def achieved(self) -> float:
        """Films/s by the clock on the wall."""
        return self.films / self.wall_s

    def ratio(self, cores: int) -> float:
        """Achieved over what the cores allow when all are at work."""
        return self.achieved / self.cost.allows(cores)

    def ratio_alone(self, cores: int) -> float:
        """Achieved over what they would allow if each were as fast as one is alone."""
        return self.achieved / self.alone.allows(cores)


@dataclass(frozen=True)
class Verdict:
    """All rounds on so many cores."""

    cores: int
    rounds: tuple[Round, ...]

    @property
    def ratios(self) -> list[float]:
        """Of every round, in order."""
        return [one.ratio(self.cores) for one in self.rounds]

    @property
    def ratio(self) -> float:
        """The median round's."""
        return statistics.median(self.ratios)

    @property
    def holds(self) -> bool:
        """Whether indexing reaches what is wanted of it."""
        return self.ratio >= WANTED

    def to_dict(self) -> dict[str, object]:
        """Raw figures and verdict."""
        rounds = [
            asdict(one) | {"ratio": one.ratio(self.cores), "ratio_alone": one.ratio_alone(self.cores)}
            for one in self.rounds
        ]
        return {"cores": self.cores, "ratio": self.ratio, "wanted": WANTED, "holds": self.holds, "rounds": rounds}


def decode(path: Path) -> Radiograph | None:
    """A film as indexing decodes it; None where it is not whole, which takes its time too."""
    try:
        return read(path, at_least=THUMBNAIL_SIDE)
    except FilmError:
        return None


def decode_all(files: Sequence[Path], threads: int) -> float:
    """Core-seconds of decoding every file."""
    with ThreadPoolExecutor(threads) as pool:
        began = time.process_time()
        for _ in pool.map(decode, files):
            pass
        return time.process_time() - began


def some_patches(files: Sequence[Path], embedder: OnnxEmbedder) -> list[Patch]:
    """Encoder inputs of the first FORWARD films that can be read."""
    found: list[Patch] = []
    for path in files:
        film = decode(path)
        if film is not None:
            found.append(embedder.prepare(film, Region.whole(film.shape)))
        if len(found) == FORWARD:
            break
    return found


def forward_all(embedder: OnnxEmbedder, patches: Sequence[Patch]) -> float:
    """Core-seconds of embedding every patch, on as many threads as the embedder has."""
    began = time.process_time()
    embedder.embed(patches)
    return time.process_time() - began


def index_all(
    listing: Listing, source: Path, encoder: EncoderFiles, embedder: OnnxEmbedder, root: Path
) -> tuple[int, float, float]:
    """Films embedded, seconds and core-seconds of indexing a source into a new archive, to its last publication."""
    with open_writer(root, embedder.card, encoder.onnx.parent) as writer:
        wall, busy = time.perf_counter(), time.process_time()
        report = ingest(listing, source, "bench", Roi.whole, embedder, writer)
        return report.embedded, time.perf_counter() - wall, time.process_time() - busy


def _costs(
    files: Sequence[Path], patches: Sequence[Patch], films: int, embedders: Mapping[int, OnnxEmbedder]
) -> tuple[Cost, ...]:
    """For each number of threads, of `films` films that are among `files`."""
    return tuple(
        Cost(decode_all(files, threads) / films, forward_all(embedder, patches) / len(patches))
        for threads, embedder in embedders.items()
    )


def run(source: Path, layout: str, cache: Path, rounds: int = ROUNDS) -> Verdict:
    """Index `rounds` times between measurements of the costs, after one run that does not count."""
    listing = open_source(source, layout)
    files = [film.path for film in listing.films if film.path is not None]
    encoder = encoder_files(DEFAULT, cache)
    single, embedder = OnnxEmbedder.open(encoder, threads=1), OnnxEmbedder.open(encoder)
    patches = some_patches(files, single)
    if not patches:
        raise SystemExit(f"{source} holds no film that can be read; give a folder of films")
    found = []
    # the archives go last, all at once: a file system is slow to reuse what was deleted a moment ago
    with tempfile.TemporaryDirectory(prefix="caselink-bench-") as folder:
        films, _, _ = index_all(listing, source, encoder, embedder, Path(folder) / "first")
        both = partial(_costs, files, patches, films, {usable_cores(): embedder, 1: single})
        before = both()
        for number in range(rounds):
            load = os.getloadavg()[0]
            films, wall, busy = index_all(listing, source, encoder, embedder, Path(folder) / f"archive-{number}")
            after = both()
            cost, alone = (Cost.mean(pair) for pair in zip(before, after, strict=True))
            found.append(Round(films, cost, alone, wall, busy, load))
            before = after
    return Verdict(usable_cores(), tuple(found))


def _table(source: Path, verdict: Verdict) -> Table:
    table = Table(title=f"bulk indexing of {source.name}, {verdict.rounds[0].films} films, {verdict.cores} cores")
    costs = ("decoding", "forward", "indexing, core-ms/film")
    heads = (*costs, "allowed", "reached films/s", "ratio", "ratio to cores alone", "load")
    for head in heads:
        table.add_column(head)
    for one in verdict.rounds:
        table.add_row(
            *(f"{1e3 * cost:.2f}" for cost in (one.cost.decode_s, one.cost.forward_s, one.busy_s / one.films)),
            *(f"{rate:.0f}" for rate in (one.cost.allows(verdict.cores), one.achieved)),
            f"{one.ratio(verdict.cores):.3f}",
            f"{one.ratio_alone(verdict.cores):.3f}",
            f"{one.load:.2f}",
        )
    spread = f"{min(verdict.ratios):.3f} to {max(verdict.ratios):.3f}"
    said = "holds" if verdict.holds else "does not hold"
    table.caption = f"ratio {verdict.ratio:.3f} ({spread}); at least {WANTED} is wanted: {said}"
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of `python -m benchmarks.ingest`; ends with 1 where the ratio falls short."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("--source", type=Path, required=True, help="folder of films, e.g. FracAtlas")
    parser.add_argument("--layout", default="auto")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--cache", type=Path, default=Path("var/encoders"), help="where the exported encoder is kept")
    parser.add_argument("--json", type=Path, help="write the raw figures here too")
    options = parser.parse_args(arguments)
    verdict = run(options.source, options.layout, options.cache, options.rounds)
    Console(width=120).print(_table(options.source, verdict))
    if options.json:
        document = {"source": options.source.name} | verdict.to_dict()
        options.json.write_text(json.dumps(document, indent=2), encoding="utf-8")
    raise SystemExit(0 if verdict.holds else 1)


if __name__ == "__main__":
    main()
