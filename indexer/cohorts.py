"""Cohorts for evaluation: the films of a snapshot, or those of a source of unseen patients."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from engine.embeddings import Embedder, Vectors
from engine.errors import QueryError
from indexer.archive import KEY, Snapshot, open_snapshot
from indexer.catalogue import FILTER_COLUMNS
from indexer.duplicates.archive import NearFilms
from indexer.evaluation import Cohort
from indexer.filters import parse_filter
from indexer.indexing import held_vectors
from indexer.ingest import IngestReport, ingest
from indexer.packs import COLUMNS, Place, read_picture
from indexer.prepare import Roi
from indexer.regions import ENCODER
from indexer.sources import SourceOptions, open_source
from indexer.votes.films import calibrated_on, film_cohort
from indexer.writer import open_writer


def cohort_of(snapshot: Snapshot, where: str | None = None) -> Cohort:
    """The films of a snapshot that pass a filter, with their vectors.

    Patients who share a film but for retouching, and their split groups, are taken as one: near-duplicates are on one
    side of every split and cast one vote.

    Raises:
        FilterError: a filter not understood. QueryError: no film there, or a filter that leaves none.
    """
    if not len(snapshot.film):
        title = snapshot.manifest.title
        raise QueryError(f"{title} has no film that can be compared; index or give films that can be read")
    keep = np.ones(len(snapshot.film), dtype=bool)
    if where is not None:
        keep, _ = snapshot.filters(parse_filter(where, FILTER_COLUMNS))
    if not keep.any():
        raise QueryError(f"no film of {snapshot.manifest.title} passes the filter {where!r}; widen it")
    table = snapshot.films.filter(keep)
    return film_cohort(table, _vectors(snapshot)[keep])


def untaught(cohort: Cohort, taught: frozenset[str]) -> Cohort:
    """The films that may ask: those of split groups without a film that the encoder learnt from.

    taught: content hashes, see `indexer.votes.films.trained_on`.

    Raises:
        QueryError: the encoder learnt from every group.
    """
    kept = not_taught(cohort, taught)
    if not len(kept):
        raise QueryError(
            f"the encoder was trained on patients of all {len(cohort)} films, so they cannot show what it is worth; "
            "ask with --queries films of other patients, or cross-validate the recipe with `caselink validate`"
        )
    return kept


def not_taught(cohort: Cohort, taught: frozenset[str]) -> Cohort:
    """As `untaught`, with no film where none may ask."""
    groups = cohort.group.astype(str)
    known = np.array([digest in taught for digest in cohort.extra["sha256"]], dtype=bool)
    rows = np.flatnonzero(~np.isin(groups, groups[known]))
    return cohort if len(rows) == len(cohort) else cohort.take(rows)


def has_calibrated(asked: Cohort, archive: Snapshot) -> bool:
    """Did patients of these films calibrate the votes of an archive, as films of it or of its encoder's run?"""
    held = set(cohort_of(archive).group.tolist())
    used = calibrated_on(archive.root / ENCODER)
    known = zip(asked.group.tolist(), asked.extra["sha256"].tolist(), strict=True)
    return any(group in held or digest in used for group, digest in known)


def without_copies(asked: Cohort, queries: Snapshot, answering: Cohort, archive: Snapshot) -> Cohort:
    """The query films that no film of another patient and split group of the archive is a near-duplicate of.

    asked, answering: the films of `queries` and `archive`. One exposure under two names would find itself.

    Raises:
        QueryError: every query film is such a copy.
    """
    roots = {False: archive.root, True: queries.root}
    held = {row["film"]: row for row in archive.catalogue.rows("SELECT * FROM films")}
    # ids of queries are told from the archive's by their sign
    films = NearFilms(held, {}, lambda row: read_picture(roots[row["film"] < 0], Place(*(row[c] for c in COLUMNS))))
    near: dict[int, list[int]] = {}
    for row in queries.catalogue.rows("SELECT * FROM films"):
        query = -1 - row["film"]
        near[row["film"]] = [max(couple) for couple in films.meet(row | {"film": query})]
        films.leave(query)  # queries do not meet one another
    theirs = dict(zip(answering.film.tolist(), zip(answering.patient, answering.group, strict=True), strict=True))
    rows = [
        row
        for row, (film, patient, group) in enumerate(zip(asked.film.tolist(), asked.patient, asked.group, strict=True))
        if all(patient == theirs[other][0] or group == theirs[other][1] for other in near[film] if other in theirs)
    ]
    if not rows:
        raise QueryError(f"all {len(asked)} query films are in the archive under other patients; ask with other films")
    return asked if len(rows) == len(asked) else asked.take(np.array(rows))


def _vectors(snapshot: Snapshot) -> Vectors:
    """float32 (n, d): the vector of every film, in film order."""
    wanted, place = np.unique(snapshot.vector, return_inverse=True)
    _, vectors = held_vectors(snapshot.root, snapshot.manifest, wanted)
    found: Vectors = vectors[place]
    return found


@contextmanager
def unseen(
    snapshot: Snapshot, embedder: Embedder, source: Path, layout: str, roi: Roi, options: SourceOptions | None = None
) -> Iterator[tuple[Snapshot, IngestReport]]:
    """A passing archive of query films, under the same encoder and pseudonyms as the one they will query."""
    snapshot.manifest.card.require(embedder.card)
    listing = open_source(source, layout, options)
    with tempfile.TemporaryDirectory(prefix="caselink-queries-") as folder:
        root = Path(folder) / "archive"
        (root / KEY).parent.mkdir(parents=True)
        shutil.copy(snapshot.root / KEY, root / KEY)
        with open_writer(root, embedder.card, snapshot.root / "encoder") as writer:
            report = ingest(listing, source, layout, roi, embedder, writer)
        queries = open_snapshot(root)
        try:
            yield queries, report
        finally:
            queries.close()
