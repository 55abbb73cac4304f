"""Indexing a source: list, read and embed in parallel, enrol, publish; what is published is never lost.

Each worker thread reads a handful of films and runs the forward pass on them, so that every core is always at one
or the other; the main thread only notes rows.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from engine.embeddings import Embedder
from engine.encoders.runtime import usable_cores
from indexer.duplicates.groups import NearCounts
from indexer.enrol import Enroller
from indexer.manifest import SourceFacts
from indexer.pending import Tally
from indexer.prepare import Prepared, Preparer, Roi
from indexer.records import FilmRecord
from indexer.regions import open_segmenter
from indexer.sources import Listing, LocalFolder, Place
from indexer.writer import ArchiveWriter

HANDFUL = 16
"""Films that a worker reads before it embeds them; fewer towards the end, so that all workers end together."""
AHEAD = 4
"""Handfuls in the making per worker; bounds memory."""
NO_NEAR = NearCounts()
PUBLISH_EVERY_S = 2.0
PUBLISH_SHARE = 50
"""Publishing waits until this many times its cost has gone by: it takes 2 % of the time."""


@dataclass(frozen=True)
class Progress:
    """How far indexing is. acknowledged: films whose outcome no kill can undo. left_s: None until a rate is known."""

    done: int
    total: int
    acknowledged: int
    films_per_s: float
    left_s: float | None


@dataclass(frozen=True)
class IngestReport:
    """What became of every film found: found = indexed + duplicates + left out.

    indexed: films of the source that the archive now holds, earlier runs' included. embedded: vectors made by this
    run. unmasked: indexed films embedded whole although masks were asked for; unsegmented: although proposed regions
    were, since none had confidence enough. seconds: wall time.
    named: films added whose path holds an identifier of their patient, study or film. unread: see `Listing`.
    near: (file, the archived file it is a near-duplicate of, likeness) of the films that this run added, and
    near_counts: how many such films the whole archive holds.
    """

    found: int
    indexed: int
    duplicates: tuple[tuple[str, str], ...]
    left_out: tuple[tuple[str, str], ...]
    embedded: int
    unmasked: int
    seconds: float
    synthetic: bool = False
    named: int = 0
    unread: tuple[str, ...] = ()
    unsegmented: int = 0
    near: tuple[tuple[str, str, float], ...] = ()
    near_counts: NearCounts = NO_NEAR

    def to_dict(self) -> dict[str, object]:
        """The report as `index --json` prints it."""
        return {
            "found": self.found,
            "indexed": self.indexed,
            "duplicate": len(self.duplicates),
            "left_out": [{"file": file, "reason": reason} for file, reason in self.left_out],
            "embedded": self.embedded,
            "duplicates": [{"file": file, "of": of} for file, of in self.duplicates],
            "near_duplicates": [{"file": file, "of": of, "likeness": round(alike, 3)} for file, of, alike in self.near],
            "near_duplicate_films": asdict(self.near_counts),
            "embedded_whole_without_mask": self.unmasked,
            "embedded_whole_without_confidence": self.unsegmented,
            "paths_with_identifier": self.named,
            "unread_columns": list(self.unread),
            "seconds": round(self.seconds, 3),
            "synthetic": self.synthetic,
        }


Make = Callable[[Preparer, Sequence[FilmRecord]], Iterator[list[Prepared]]]
"""Gives what became of films as a preparer would have it, in their order: in threads here, or from elsewhere."""


@dataclass
class _Clock:
    """When to publish, and how far things are."""

    total: int
    started: float = field(default_factory=time.perf_counter)
    published: float = field(default_factory=time.perf_counter)
    costs: deque[float] = field(default_factory=lambda: deque([0.0], maxlen=2))
    acknowledged: int = 0

    def due(self) -> bool:
        # the lesser of the last two: one slow write does not put off the next acknowledgement
        wait = max(PUBLISH_EVERY_S, PUBLISH_SHARE * min(self.costs))
        return time.perf_counter() - self.published > wait

    def note_publish(self, began: float, done: int) -> None:
        self.published = time.perf_counter()
        self.costs.append(self.published - began)
        self.acknowledged = done

    def progress(self, done: int) -> Progress:
        gone = time.perf_counter() - self.started
        rate = done / gone if gone else 0.0
        return Progress(done, self.total, self.acknowledged, rate, (self.total - done) / rate if rate else None)


def ingest(
    listing: Listing,
    source: Path | Place,
    layout: str,
    roi: Roi,
    embedder: Embedder,
    writer: ArchiveWriter,
    on_progress: Callable[[Progress], None] = lambda _: None,
    workers: int | None = None,
    make: Make | None = None,
) -> IngestReport:
    """Bring a source's films into an archive open for writing.

    source: the folder, or another place, that was listed. layout: kept in the manifest, with the listing's title.
    workers: threads; None = one per core. make: prepares the films instead of these threads, see `indexer.bulk`.
    Regions that are to be proposed are so by the archive's own segmenter.

    Raises:
        EncoderError: `Roi.segment` in an archive without a segmenter.
        DiskFull: no room; everything acknowledged stays.
    """
    place = LocalFolder(source) if isinstance(source, Path) else source
    name = place.name
    facts = SourceFacts(layout, listing.issuer, listing.title, roi.value, listing.synthetic)
    writer.declare_source(name, facts)
    enroller = Enroller(writer, listing, name)
    segmenter = open_segmenter(writer.root, writer.manifest) if roi is Roi.segment else None
    preparer = Preparer(embedder, roi, enroller.known(), segmenter, listing.histories, place.fetch)
    clock = _Clock(len(listing.films))
    done = 0
    make = make or partial(_in_order, workers=workers or usable_cores())
    for handful in make(preparer, listing.films):
        for item in handful:
            enroller.enrol(item)
        done += len(handful)
        if clock.due():
            _publish(enroller, writer, clock, done)
        on_progress(clock.progress(done))
    _publish(enroller, writer, clock, done, calibrated=True)
    on_progress(clock.progress(done))
    report = _report(enroller.tally, listing, roi, time.perf_counter() - clock.started)
    return replace(report, near=enroller.near_found(), near_counts=enroller.near_counts())


def _publish(enroller: Enroller, writer: ArchiveWriter, clock: _Clock, done: int, *, calibrated: bool = False) -> None:
    began = time.perf_counter()
    writer.publish(enroller.flush, calibrated=calibrated)
    clock.note_publish(began, done)


def _in_order(preparer: Preparer, films: Sequence[FilmRecord], workers: int) -> Iterator[list[Prepared]]:
    """Prepared handfuls in the order of the films, a bounded number ahead."""
    waiting: deque[Future[list[Prepared]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="prepare") as pool:
        try:
            for handful in _handfuls(films, workers):
                waiting.append(pool.submit(preparer, handful))
                if len(waiting) >= workers * AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _handfuls(films: Sequence[FilmRecord], workers: int) -> Iterator[Sequence[FilmRecord]]:
    start = 0
    while start < len(films):
        size = max(1, min(HANDFUL, (len(films) - start) // (2 * workers)))
        yield films[start : start + size]
        start += size


def _report(tally: Tally, listing: Listing, roi: Roi, seconds: float) -> IngestReport:
    return IngestReport(
        len(listing.films),
        tally.indexed,
        tally.duplicates,
        tally.left_out,
        tally.embedded,
        tally.unmasked if roi is Roi.mask else 0,
        seconds,
        listing.synthetic,
        tally.named,
        listing.unread,
        tally.unmasked if roi is Roi.segment else 0,
    )
