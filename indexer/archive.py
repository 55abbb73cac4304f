"""Reading an archive: a snapshot of one published version, held in memory for search."""

import threading
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from engine.embeddings import Ids, Vectors
from engine.errors import ArchiveCorrupt
from engine.region import Origin
from engine.said import Said
from indexer.allowed import AllowedByFilter
from indexer.catalogue import Catalogue, FilmFilters
from indexer.duplicates.groups import components
from indexer.grouped import Grouped
from indexer.indexes import VectorIndex
from indexer.indexing import open_index
from indexer.manifest import NAME, Manifest, check_file, read_file, read_manifest
from indexer.pseudonym import Pseudonymiser, load_key
from indexer.segments import read_segment
from indexer.votes import Calibration
from indexer.votes.films import VoteFacts, shows_tumour, untreated, vote_facts

KEY = "private/pseudonym.key"
NETWORK = ".onnx"
ATTEMPTS = 20
"""Versions tried, where a writer sweeps each away before it is read; it keeps the last few, so one mostly does."""


@dataclass(frozen=True)
class Snapshot:
    """One version of an archive, immutable: row i of every array is row i of `films`.

    films: Arrow table of the catalogue's film view, in film order, and `near_group`: the lowest id among the films that
    near-duplicates connect it with, null where none is like it. film, vector: int64 (n,). patient: int32 (n,)
    codes into `patients`. untreated: bool (n,), the film shows the lesion before treatment or at an unknown stage.
    films_of_vector, films_of_patient, films_of_digest: rows by vector id or code. filters: judges every film by a
    filter; allowed: the last few filters' films. patient_code: the inverse of `patients`; digest_code: a code for each
    content hash. outcomes: each patient's latest follow-up, where there is one.
    cropped: share of films known to show a lesion whose region is smaller than the film. votes: what every vote needs.
    """

    root: Path
    manifest: Manifest
    catalogue: Catalogue
    index: VectorIndex
    pseudonyms: Pseudonymiser
    films: pa.Table
    film: Ids
    vector: Ids
    patient: npt.NDArray[np.int32]
    patients: tuple[str, ...]
    untreated: npt.NDArray[np.bool_]
    films_of_vector: Grouped
    films_of_patient: Grouped
    films_of_digest: Grouped
    patient_code: dict[str, int]
    digest_code: dict[str, int]
    outcomes: dict[str, str]
    cropped: float
    votes: VoteFacts
    filters: FilmFilters
    allowed: AllowedByFilter = field(default_factory=AllowedByFilter)

    def close(self) -> None:
        """Let the catalogue go, and what filters ask."""
        self.catalogue.close()
        self.filters.close()

    def rows_of_files(self, digests: Iterable[str]) -> Ids:
        """The rows of films with these content hashes, int64 (m,)."""
        codes = [self.digest_code[digest] for digest in digests if digest in self.digest_code]
        return self.films_of_digest.rows(np.array(codes, np.int64))[1]

    def row_of_film(self, film: int) -> int | None:
        """The row of a film's id, or None."""
        row = int(np.searchsorted(self.film, film))
        return row if row < len(self.film) and self.film[row] == film else None


def open_snapshot(root: Path) -> Snapshot:
    """Load the published version: every hash is checked before its file is parsed.

    A writer may publish and sweep the version away while it is read; then the newer one is read instead.

    Raises:
        ArchiveError, ArchiveCorrupt: see `read_manifest` and `check_file`.
    """
    manifest = read_manifest(root)
    for _ in range(ATTEMPTS):
        try:
            return _load(root, manifest)
        except ArchiveCorrupt:
            newer = read_manifest(root)
            if newer.version == manifest.version:
                raise
            manifest = newer
    return _load(root, manifest)


def _load(root: Path, manifest: Manifest) -> Snapshot:
    pseudonyms = load_manifest_key(root, manifest)
    for file in manifest.encoder_files:
        if not file.path.endswith(NETWORK):  # hashed by whoever runs it, against its card
            check_file(root, file)
    catalogue = Catalogue(check_file(root, manifest.catalogue))
    with ExitStack() as undo:
        undo.callback(catalogue.close)
        snapshot = _snapshot(root, manifest, catalogue, pseudonyms)
        undo.pop_all()
    return snapshot


def load_manifest_key(root: Path, manifest: Manifest) -> Pseudonymiser:
    """The pseudonym key of an archive, the same that its pseudonyms were made with.

    Raises:
        ArchiveCorrupt: another key; ArchiveError: none.
    """
    pseudonyms = load_key(root / KEY, create=False)
    if pseudonyms.fingerprint != manifest.key:
        told = "{file} is not the key of this archive, its pseudonyms would change; restore it"
        raise ArchiveCorrupt(Said("other_key", told, file=str(KEY)))
    return pseudonyms


def _snapshot(root: Path, manifest: Manifest, catalogue: Catalogue, pseudonyms: Pseudonymiser) -> Snapshot:
    films = film_table(catalogue)
    digests = films["sha256"].combine_chunks().dictionary_encode()
    vector = films["vector"].to_numpy().astype(np.int64)
    index = open_index(root, manifest, np.flatnonzero(np.bincount(vector)))
    patients, codes = _sorted_codes(films["patient"])
    calibration = _read_calibration(root, manifest)
    return Snapshot(
        root,
        manifest,
        catalogue,
        index,
        pseudonyms,
        films,
        film=films["film"].to_numpy().astype(np.int64),
        vector=vector,
        patient=codes,
        patients=patients,
        untreated=untreated(films),
        films_of_vector=Grouped(vector),
        films_of_patient=Grouped(codes),
        films_of_digest=Grouped(digests.indices.to_numpy()),
        digest_code=dict(zip(digests.dictionary.to_pylist(), range(len(digests.dictionary)), strict=True)),
        patient_code={name: code for code, name in enumerate(patients)},
        outcomes=catalogue.latest_follow_ups(),
        cropped=_cropped(films),
        filters=FilmFilters(films),
        votes=vote_facts(films, codes, len(patients), calibration, manifest.card.fingerprint),
    )


def _cropped(films: pa.Table) -> float:
    """A whole film of which nothing is known may be one without a lesion, so it speaks for neither."""
    crops = pc.not_equal(films["region"], Origin.whole.value)
    lesions = pc.or_(crops, shows_tumour(films))
    return pc.mean(pc.cast(crops.filter(lesions), pa.float64())).as_py() or 0.0


def _sorted_codes(column: pa.ChunkedArray) -> tuple[tuple[str, ...], npt.NDArray[np.int32]]:
    """The different texts of a column in order, and each row's place among them; a sort of all rows takes seconds."""
    coded = column.combine_chunks().dictionary_encode()
    names = coded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.empty(len(names), np.int32)
    place[order] = np.arange(len(names), dtype=np.int32)
    return tuple(names[at] for at in order), place[coded.indices.to_numpy()]


def film_table(catalogue: Catalogue) -> pa.Table:
    """Every film with its lesion, in film order, and its `near_group`, see `Snapshot`."""
    near = components((row["film"], row["other"]) for row in catalogue.rows("SELECT film, other FROM near"))
    films = catalogue.film_table()
    group = pa.array([near.get(film) for film in films["film"].to_pylist()], type=pa.int64())
    return films.append_column("near_group", group)


def _read_calibration(root: Path, manifest: Manifest) -> Calibration | None:
    return None if manifest.calibration is None else Calibration.from_json(read_file(root, manifest.calibration))


def read_segments(root: Path, manifest: Manifest) -> list[tuple[Ids, Vectors]]:
    """(ids, vectors) of every segment, hashes checked."""
    return [read_segment(root, segment) for segment in manifest.segments]


class Archive:
    """An archive for readers: always answers from a whole version, and picks up a newer one by itself."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._stamp = self._manifest_stamp()
        self._snapshot = open_snapshot(root)

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let the catalogue go."""
        self._snapshot.close()

    @property
    def snapshot(self) -> Snapshot:
        """The newest published version; a query holds on to the one it began with."""
        with self._lock:
            stamp = self._manifest_stamp()
            if stamp is not None and stamp != self._stamp:
                self._snapshot, self._stamp = open_snapshot(self.root), stamp
            return self._snapshot

    def _manifest_stamp(self) -> tuple[int, int] | None:
        try:
            facts = (self.root / NAME).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return facts.st_ino, facts.st_mtime_ns
