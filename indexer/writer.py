"""The one writer of an archive: works on a private catalogue and publishes whole versions by rename.

A version is published by writing segments, packs and the catalogue's copy, and last the manifest. What a killed run
left beyond the last manifest is swept away by the next. Acknowledged means published.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from engine.card import ModelCard
from engine.embeddings import Ids, Vectors
from engine.errors import ArchiveBusy, ArchiveError
from engine.said import Said
from engine.segmentation import SEGMENTER_CARD, SEGMENTER_ONNX, SegmenterFiles, has_segmenter
from indexer.archive import KEY, film_table, load_manifest_key
from indexer.catalogue import Catalogue
from indexer.durable import copy_durably, room_on_disk, sync_folder, write_durably
from indexer.erase import Erased, erase_rows, pictures_held
from indexer.indexing import FOLDER as INDEX_FOLDER
from indexer.indexing import without
from indexer.manifest import (
    NAME,
    IndexFacts,
    Manifest,
    PublishedFile,
    SourceFacts,
    check_file,
    read_file,
    read_manifest,
)
from indexer.packs import FOLDER, PackWriter, Place
from indexer.pseudonym import Pseudonymiser, load_key
from indexer.segments import crowded, keep_vectors, merge_segments, read_joined, write_segment
from indexer.votes.films import CALIBRATION_FILE, SPLIT_FILE, archive_calibration

KEPT_VERSIONS = 3
"""Versions kept on disk, so that a reader in the midst of opening one is seldom robbed of it."""
GRACE_S = 60.0
"""Segments that were merged into another stay this long for readers of the versions that name them."""
ENCODER_FILES = ("encoder.onnx", "card.json")
CLASSIFIER_FILES = ("classifier.safetensors", "classifier.json")
"""A trained encoder's, from which answers are explained; others have none."""
SEGMENTER_FILES = (SEGMENTER_ONNX, SEGMENTER_CARD)
VOTE_FILES = (CALIBRATION_FILE, SPLIT_FILE)
"""A trained encoder's, from which votes are calibrated."""
ENCODER = "encoder"
LOCK = "writer.lock"
WORK = "work"
SHARDS = "bulk"
"""Folder of films that worker processes prepared for a run that may have been stopped."""
OWN = {NAME, SHARDS, LOCK, WORK, FOLDER, "private", "encoder", "versions", "vectors", INDEX_FOLDER}


class ArchiveWriter:
    """Adds films to an archive; `open_writer` gives one."""

    def __init__(
        self, root: Path, manifest: Manifest, catalogue: Catalogue, pseudonyms: Pseudonymiser, pictures: PackWriter
    ) -> None:
        self.root = root
        self.manifest = manifest
        self.catalogue = catalogue
        self.pseudonyms = pseudonyms
        self._pictures = pictures
        self._next_film, self._next_lesion = manifest.next_film, manifest.next_lesion
        self._next_vector = manifest.next_vector
        self._vectors: list[Vectors] = []
        self._ids: list[int] = []
        self._retired: list[tuple[float, Path]] = []

    def declare_source(self, name: str, facts: SourceFacts) -> None:
        """Note what a source is."""
        self.manifest = self.manifest.with_source(name, facts)

    def new_film(self) -> int:
        """A film id never used before."""
        self._next_film += 1
        return self._next_film - 1

    def new_lesion(self) -> int:
        """A lesion id never used before."""
        self._next_lesion += 1
        return self._next_lesion - 1

    def add_vector(self, vector: Vectors) -> int:
        """Keep a vector (d,) for the next version; gives its id."""
        self._vectors.append(vector)
        self._ids.append(self._next_vector)
        self._next_vector += 1
        return self._ids[-1]

    def add_thumbnail(self, picture: bytes) -> Place:
        """Keep a film's small picture for the next version; gives its place.

        Raises:
            DiskFull: nothing more may be published by this writer.
        """
        return self._pictures.add(picture)

    def publish(
        self,
        rows: Callable[[], None] = lambda: None,
        *,
        calibrated: bool = False,
        indexed: Callable[[Manifest, int, Ids], IndexFacts] | None = None,
    ) -> None:
        """Make everything so far a version that readers see; when this returns, no kill can lose it.

        rows: writes what is still missing in the catalogue; vectors and pictures go to the disk meanwhile.
        calibrated: calibrate the votes anew on what is there now; else the calibration of the version before stays.
        indexed: makes the index anew, given a manifest with the new segments, the new version's number and the vectors
        that it is to hold (see `indexer.indexing`); None: the index stays, and readers add to it what is new.

        Raises:
            DiskFull: the version before stays.
        """
        version = self.manifest.version + 1
        with ThreadPoolExecutor(1, thread_name_prefix="publish") as beside:
            vectors, pictures = beside.submit(self._segments, version), beside.submit(self._pictures.sync)
            rows()
            with room_on_disk(self.root):
                self.catalogue.checkpoint()
            path = f"versions/{version:06d}/catalogue.duckdb"
            digest = copy_durably(self.catalogue.path, self.root / path)
            (segments, merged), packs = vectors.result(), pictures.result()
        calibration = self._calibration(version, segments, anew=calibrated)
        index = self.manifest.index
        if indexed is not None:
            index = indexed(replace(self.manifest, segments=segments), version, self._held())
        self.manifest = replace(
            self.manifest,
            version=version,
            created=_now(),
            catalogue=PublishedFile(path, digest),
            segments=segments,
            packs=packs,
            index=index,
            calibration=calibration,
            next_film=self._next_film,
            next_vector=self._next_vector,
            next_lesion=self._next_lesion,
        )
        self.manifest.save(self.root)
        self._vectors.clear()
        self._ids.clear()
        self._retired += [(time.monotonic(), self.root / segment.path) for segment in merged]
        self._sweep()

    def erase(self, patient: str) -> Erased:
        """Take a patient out of the archive, by pseudonym, and publish; nothing of them is left in any of its files.

        Vectors and pictures that films withdrawn earlier left behind go as well, since nobody can tell whose they
        were. Votes are calibrated anew without the patient. A kill leaves the version before, or the new one and what
        the next writer sweeps away.

        Raises:
            NotFound: nothing is held of them. ValueError: films that are not published yet.
            DiskFull, ArchiveCorrupt: the version before stays, and this writer may publish no more.
        """
        if self._ids or self._next_film != self.manifest.next_film:
            raise ValueError("films were added and not published; publish them before erasing a patient")
        version, catalogue = self.manifest.version + 1, self.catalogue
        done = erase_rows(catalogue, patient, self.root / ENCODER)
        catalogue.move_pictures(self._pictures.keep_only(pictures_held(catalogue)))
        with room_on_disk(self.root):
            catalogue.compact()
        prefix = f"vectors/{self.manifest.card.fingerprint}/{version:06d}-erased"
        segments = keep_vectors(self.root, prefix, self.manifest.segments, self._held())
        self.manifest = replace(self.manifest, segments=segments, oldest=version)
        shutil.rmtree(self.root / SHARDS, ignore_errors=True)  # nobody can tell whose films they hold
        sync_folder(self.root)
        self.publish(calibrated=True, indexed=partial(without, self.root))
        self._pictures.sweep(self.manifest.packs)
        _sweep_leftovers(self.root, self.manifest)
        return done

    def _held(self) -> Ids:
        """Ids of the vectors that films point to, ascending."""
        found = self.catalogue.columns("SELECT DISTINCT vector FROM films ORDER BY vector")["vector"]
        return np.asarray(found, np.int64)

    def _segments(self, version: int) -> tuple[tuple[PublishedFile, ...], tuple[PublishedFile, ...]]:
        """The segments of the version to come, the new vectors in the last; and those that were merged into it."""
        held, folder = self.manifest.segments, f"vectors/{self.manifest.card.fingerprint}"
        if self._ids:
            ids = np.array(self._ids, dtype=np.int64)
            held += (write_segment(self.root, f"{folder}/{version:06d}.safetensors", ids, np.stack(self._vectors)),)
        merged = crowded(held)
        if not merged:
            return held, ()
        one = merge_segments(self.root, f"{folder}/{version:06d}-merged.safetensors", merged)
        return (*held[: -len(merged)], one), merged

    def _calibration(self, version: int, segments: tuple[PublishedFile, ...], *, anew: bool) -> PublishedFile | None:
        """The calibration of the version to come; beside its catalogue, for versions before are swept away."""
        path = f"versions/{version:06d}/{CALIBRATION_FILE}"
        if not anew:
            held = self.manifest.calibration
            return held and PublishedFile(path, write_durably(self.root / path, read_file(self.root, held)))
        table = film_table(self.catalogue)
        ids, vectors = read_joined(self.root, segments, self.manifest.card.dimension)
        found = archive_calibration(table, ids, vectors, self.root / ENCODER, self.manifest.card.fingerprint)
        if found is None:
            return None
        return PublishedFile(path, write_durably(self.root / path, found.to_json().encode()))

    def _sweep(self) -> None:
        """Take away versions and merged segments that no reader should need any more."""
        oldest = max(self.manifest.oldest, self.manifest.version - KEPT_VERSIONS + 1)
        for number, folder in _versions(self.root):
            if number < oldest:
                shutil.rmtree(folder)
        for number, folder in _versions(self.root, INDEX_FOLDER):
            if number < oldest and not _indexes(self.manifest, folder):
                shutil.rmtree(folder)
        expired = [(since, path) for since, path in self._retired if time.monotonic() - since > GRACE_S]
        for one in expired:
            self._retired.remove(one)
            one[1].unlink(missing_ok=True)


@contextmanager
def open_writer(root: Path, card: ModelCard, encoder: Path) -> Iterator[ArchiveWriter]:
    """Open an archive for writing, making it where there is none; one writer at a time.

    card: of the encoder whose vectors will be added. encoder: folder with its files, copied into a new archive so
    that it can be queried on its own.

    Raises:
        ArchiveBusy: another process writes. ModelMismatch: the archive holds another model's vectors.
        ArchiveError: the place is taken by something else.
    """
    with locked(root):
        with room_on_disk(root):
            manifest = _manifest_or_new(root, card, encoder)
            manifest.card.require(card)
            pseudonyms = load_manifest_key(root, manifest)
            for segment in manifest.segments:
                check_file(root, segment)
            shutil.rmtree(root / WORK, ignore_errors=True)
            _sweep_leftovers(root, manifest)
        with PackWriter(root, manifest.packs) as pictures, _working(root, manifest) as catalogue:
            yield ArchiveWriter(root, manifest, catalogue, pseudonyms, pictures)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """The place for an archive, locked against other writers.

    Raises:
        ArchiveBusy, ArchiveError: see `open_writer`.
    """
    _check_place(root)
    lock = FileLock(root / LOCK)
    try:
        with room_on_disk(root):
            root.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
    except Timeout:
        told = "another process is writing {archive}; wait until it has ended, then run the same again"
        raise ArchiveBusy(Said("archive_busy", told, archive=str(root))) from None
    except OSError as error:
        told = "{archive} cannot be written ({said}); choose another place"
        raise ArchiveError(Said("archive_unwritten", told, archive=str(root), said=str(error.strerror))) from None
    try:
        yield
    finally:
        lock.release()


def _check_place(root: Path) -> None:
    if root.exists() and not root.is_dir():
        raise ArchiveError(f"{root} is a file; give a folder for the archive")
    if root.is_dir() and not (root / NAME).exists():
        strangers = sorted(p.name for p in root.iterdir() if p.name not in OWN and not p.name.startswith("."))
        if strangers:
            raise ArchiveError(f"{root} is no archive and not empty ({strangers[0]}); give a new or empty folder")


def _manifest_or_new(root: Path, card: ModelCard, encoder: Path) -> Manifest:
    if (root / NAME).exists():
        return read_manifest(root)
    segmenter = SegmenterFiles.read(encoder).card.fingerprint if has_segmenter(encoder) else None
    beside = [name for name in (*CLASSIFIER_FILES, *VOTE_FILES) if (encoder / name).is_file()]
    copied = tuple(
        PublishedFile(f"{ENCODER}/{name}", copy_durably(encoder / name, root / ENCODER / name))
        for name in (*ENCODER_FILES, *beside, *(SEGMENTER_FILES if segmenter else ()))
    )
    for stranger in set((root / ENCODER).glob("*.*")) - {root / file.path for file in copied}:
        stranger.unlink()  # of a run with another encoder, killed before it published
    pseudonyms = load_key(root / KEY, create=True)
    work = root / WORK / "catalogue.duckdb"
    shutil.rmtree(work.parent, ignore_errors=True)
    work.parent.mkdir(parents=True)
    new = Catalogue.create(work)
    new.checkpoint()
    new.close()
    path = "versions/000000/catalogue.duckdb"
    published = PublishedFile(path, copy_durably(work, root / path))
    manifest = Manifest(0, _now(), card, pseudonyms.fingerprint, published, segmenter=segmenter, encoder_files=copied)
    manifest.save(root)
    return manifest


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _versions(root: Path, top: str = "versions") -> list[tuple[int, Path]]:
    """The versions on disk by their numbers, or their indexes."""
    return sorted((int(path.name), path) for path in (root / top).glob("*") if path.name.isdecimal())


def _indexes(manifest: Manifest, folder: Path) -> bool:
    """Whether it is the folder of a manifest's index."""
    return any(file.path.startswith(f"{INDEX_FOLDER}/{folder.name}/") for file in manifest.index.files)


def _sweep_leftovers(root: Path, manifest: Manifest) -> None:
    """Take away what no reader may need: versions past the manifest or older than an erasure, segments in no manifest.

    Folders are synced, so that what held an erased patient does not come back with a power cut.
    """
    for number, folder in _versions(root):
        if not manifest.oldest <= number <= manifest.version:
            shutil.rmtree(folder)
    published = {root / segment.path for segment in manifest.segments}
    for segment in (root / "vectors").rglob("*"):
        if segment.is_file() and segment not in published:
            segment.unlink()
    for number, folder in _versions(root, INDEX_FOLDER):
        if not (manifest.oldest <= number <= manifest.version or _indexes(manifest, folder)):
            shutil.rmtree(folder)
    for folder in (root / "versions", *(root / "vectors").glob("*/"), *root.glob(INDEX_FOLDER)):
        sync_folder(folder)


@contextmanager
def _working(root: Path, manifest: Manifest) -> Iterator[Catalogue]:
    """A copy of the published catalogue to write on."""
    work = root / WORK / "catalogue.duckdb"
    with room_on_disk(root):
        copy_durably(check_file(root, manifest.catalogue), work)
        catalogue = Catalogue(work, writable=True)
    try:
        yield catalogue
    finally:
        catalogue.close()
        shutil.rmtree(work.parent, ignore_errors=True)
