"""Where `ingest` takes prepared films from when other processes prepare them: shards, in the order of the listing."""

import shutil
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from engine import errors
from engine.embeddings import Embedder
from engine.errors import CaselinkError, EncoderError, SourceError
from indexer.bulk.sealed import Sealer
from indexer.bulk.shards import Shard, is_finished, read_shard, shard_name, still
from indexer.bulk.worker import TRIED, Errand, Kit, ShardWorker
from indexer.ingest import IngestReport, Progress, ingest
from indexer.prepare import Known, Prepared, Preparer, Roi
from indexer.records import FilmRecord
from indexer.sources import Listing
from indexer.sources.place import Place
from indexer.writer import SHARDS, ArchiveWriter

SHARD = 64
"""Films of a shard: what is lost by a kill is at most one shard a worker."""
FOLDER = SHARDS
"""Of the shards, in the archive; gone when a run has ended."""
Answers = Generator[dict[str, str | int], None, None]
Runner = Callable[[Kit, Sequence[Errand]], Answers]
"""Sends errands to workers; gives what `ShardWorker` answers to each, in any order."""


def run_here(kit: Kit, errands: Sequence[Errand]) -> Answers:
    """Every errand in this process, one after another."""
    worker = ShardWorker(kit)
    for errand in errands:
        yield worker({"errand": errand})


@dataclass
class Bulk:
    """Prepares films in shards by a runner's workers; give it to `ingest` as `make`.

    writer: of the archive, in whose folder the shards lie until what they hold is published. issuer: the listing's.
    size: films of a shard. found: shards that an earlier run had finished; made: by this one. Both are counted as the
    run goes on.

    Raises:
        SourceError: films that only this process can see, but a runner of other processes.
    """

    writer: ArchiveWriter
    place: Place
    issuer: str
    runner: Runner
    size: int = SHARD
    found: int = 0
    made: int = 0

    def __post_init__(self) -> None:
        self._held: list[Shard] = []
        if not self.place.shared and self.runner is not run_here:
            raise SourceError(f"{self.place.name} lies in this process alone; leave out --ray, or name a shared store")

    @property
    def folder(self) -> Path:
        """Where the shards lie."""
        return self.writer.root / FOLDER

    def __call__(self, preparer: Preparer, films: Sequence[FilmRecord]) -> Iterator[list[Prepared]]:
        """What became of the films, shard after shard in their order; see `indexer.ingest.Make`.

        Raises:
            DiskFull, EncoderError: from a worker; finished shards stay, and the next run goes on from them.
        """
        sealer = Sealer(self.writer.pseudonyms, self.place.name, self.issuer)
        facts = preparer.embedder.card.facts is not None
        histories = sealer.histories(preparer.histories) if facts else {}
        roots = self.writer.root, self.folder
        kit = Kit(*roots, preparer.roi, self.place.name, self.issuer, self.place.fetch, histories)
        shards = [self._shard(preparer, films, start, sealer) for start in range(0, len(films), self.size)]
        ready = {s.start for s in shards if is_finished(s.path(self.folder), s.films, preparer.known)}
        self.found = len(ready)
        errands = [Errand(s, _known_of(s, preparer.known)) for s in shards if s.start not in ready]
        with closing(self._made(kit, errands)) as made:
            for shard in shards:
                while shard.start not in ready:
                    ready.add(next(made))
                self._held.append(shard)
                items = read_shard(shard.path(self.folder), films[shard.start : shard.end])
                yield [still(item, preparer.known) for item in items]

    def release(self, acknowledged: int) -> None:
        """Take away the shards whose films are all among the first so many, which no kill can undo any more."""
        while self._held and self._held[0].end <= acknowledged:
            self._held.pop(0).path(self.folder).unlink(missing_ok=True)

    def clear(self) -> None:
        """Take away what is left when all is published, shards of earlier settings included."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _shard(self, preparer: Preparer, films: Sequence[FilmRecord], start: int, sealer: Sealer) -> Shard:
        chosen = films[start : start + self.size]
        sealed = tuple(sealer.record(film) for film in chosen)
        segmenter = preparer.segmenter.card.fingerprint if preparer.segmenter else ""
        made_by = (preparer.embedder.card.fingerprint, preparer.roi.value, segmenter, sealer.source, sealer.issuer)
        masks = preparer.roi is Roi.mask
        stamps = [self.place.stamp(path) for f in chosen for path in (f.path, f.mask if masks else None) if path]
        return Shard(start, shard_name(made_by, sealed, stamps), sealed)

    def _made(self, kit: Kit, errands: Sequence[Errand]) -> Generator[int, None, None]:
        """The starts of shards as they are finished."""
        if not errands:
            return
        for tried in self.folder.glob(f"*{TRIED}"):
            tried.unlink()  # of a run that was killed whole, which says nothing of its films
        with closing(self.runner(kit, errands)) as answers:  # so that workers end when nobody asks on
            for answer in answers:
                if answer["error"]:
                    raise _error(str(answer["error"]), str(answer["said"]))
                self.made += 1
                yield int(answer["start"])


def bulk_ingest(
    bulk: Bulk, listing: Listing, layout: str, roi: Roi, embedder: Embedder, on_progress: Callable[[Progress], None]
) -> IngestReport:
    """`ingest` with films from a bulk; a shard goes when no kill can undo what it holds, and all go at the end."""

    def told(progress: Progress) -> None:
        bulk.release(progress.acknowledged)
        on_progress(progress)

    report = ingest(listing, bulk.place, layout, roi, embedder, bulk.writer, told, make=bulk)
    bulk.clear()
    return report


def _known_of(shard: Shard, known: Mapping[str, Known]) -> dict[str, Known]:
    return {film.file: known[film.file] for film in shard.films if film.file in known}


def _error(kind: str, said: str) -> CaselinkError:
    """The error that ended a worker's shard."""
    found = getattr(errors, kind, EncoderError)
    assert issubclass(found, CaselinkError)
    return found(said)
