"""Does bulk indexing use the machine? `python -m benchmarks.ingest --source DIR [--layout L] [--json FILE]`.

ratio = films/s achieved, end to end into a new archive / (cores / (core-seconds of decoding + of the forward pass, per
film)). The core-seconds are processor time of this process, one stream at a time: decoding of the same files at the
scale that indexing asks for, and the network on prepared patches. Cutting, thumbnails, duplicates, the catalogue and
its publishing count as indexing's own. Rounds take turns, so that what else the machine does falls on all three alike;
the verdict is on the median round.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
ROUNDS = 5
FORWARD = 128
"""Films whose forward pass is measured; its cost does not hang on what they show."""
BATCH = 32


@dataclass(frozen=True)
class Round:
    """One round's raw figures.

    films: embedded. decode_s, forward_s: core-seconds per film, broken files' decoding included. wall_s: of indexing
    them all; busy_s: core-seconds it took. load: the machine's, over the minute before.
    """

    films: int
    decode_s: float
    forward_s: float
    wall_s: float
    busy_s: float
    load: float

    def ceiling(self, cores: int) -> float:
        """Films/s if every core did nothing but decode and embed."""
        return cores / (self.decode_s + self.forward_s)

    @property
    def achieved(self) -> float:
        """Films/s by the clock on the wall."""
        return self.films / self.wall_s

    def ratio(self, cores: int) -> float:
        """Achieved over the ceiling."""
        return self.achieved / self.ceiling(cores)


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
        rounds = [asdict(one) | {"ratio": ratio} for one, ratio in zip(self.rounds, self.ratios, strict=True)]
        return {"cores": self.cores, "ratio": self.ratio, "wanted": WANTED, "holds": self.holds, "rounds": rounds}


def decode(path: Path) -> Radiograph | None:
    """A film as indexing decodes it; None where it is not whole, which takes its time too."""
    try:
        return read(path, at_least=THUMBNAIL_SIDE)
    except FilmError:
        return None


def decode_all(files: Sequence[Path]) -> float:
    """Core-seconds of decoding every file."""
    began = time.process_time()
    for path in files:
        decode(path)
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
    """Core-seconds of embedding every patch."""
    began = time.process_time()
    for at in range(0, len(patches), BATCH):
        embedder.embed(patches[at : at + BATCH])
    return time.process_time() - began


def index_all(
    listing: Listing, source: Path, encoder: EncoderFiles, embedder: OnnxEmbedder, root: Path
) -> tuple[int, float, float]:
    """Films embedded, seconds and core-seconds of indexing a source into a new archive, to its last publication."""
    with open_writer(root, embedder.card, encoder.onnx.parent) as writer:
        wall, busy = time.perf_counter(), time.process_time()
        report = ingest(listing, source, "bench", Roi.whole, embedder, writer)
        return report.embedded, time.perf_counter() - wall, time.process_time() - busy


def run(source: Path, layout: str, cache: Path, rounds: int = ROUNDS) -> Verdict:
    """Measure all three `rounds` times, after one of each that does not count."""
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
        for number in range(rounds + 1):
            load = os.getloadavg()[0]
            decoding, forward = decode_all(files), forward_all(single, patches) / len(patches)
            films, wall, busy = index_all(listing, source, encoder, embedder, Path(folder) / f"archive-{number}")
            found.append(Round(films, decoding / films, forward, wall, busy, load))
    return Verdict(usable_cores(), tuple(found[1:]))


def _table(source: Path, verdict: Verdict) -> Table:
    table = Table(title=f"bulk indexing of {source.name}, {verdict.rounds[0].films} films, {verdict.cores} cores")
    heads = ("decode", "forward", "indexing, core-ms/film", "ceiling", "achieved films/s", "ratio", "load")
    for head in heads:
        table.add_column(head)
    for one in verdict.rounds:
        table.add_row(
            f"{one.decode_s * 1e3:.2f}",
            f"{one.forward_s * 1e3:.2f}",
            f"{one.busy_s / one.films * 1e3:.2f}",
            f"{one.ceiling(verdict.cores):.0f}",
            f"{one.achieved:.0f}",
            f"{one.ratio(verdict.cores):.3f}",
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
