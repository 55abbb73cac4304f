"""What the routes share: the archive and its encoder, open as long as the server runs."""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from api.settings import Settings
from engine.embeddings import Embedder
from engine.encoders import load_exported
from engine.errors import ArchiveError, CaselinkError
from engine.said import Said
from engine.segmentation import Segmenter
from indexer.archive import Archive, Snapshot
from indexer.embedding_map import EmbeddingMap, embedding_map
from indexer.facts import archive_facts
from indexer.journal import Journal
from indexer.manifest import NAME as MANIFEST
from indexer.manifest import no_archive
from indexer.regions import open_segmenter

ENCODER = "encoder"
RETRY_S = 1.0
"""An archive that could not be opened is tried again at most this often."""
AT_ONCE = 2
"""Requests that decode or embed at the same time; bounds memory, since a film may have 400 MB of pixels."""


@dataclass(frozen=True)
class Opened:
    """One version of the archive, the encoder that made its vectors, and its segmenter where it has one."""

    snapshot: Snapshot
    embedder: Embedder
    segmenter: Segmenter | None = None


class Service:
    """Opens the archive at first need, follows its new versions, and tries again where it could not be opened."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self.root, self.settings = root, settings
        self.cpu = anyio.CapacityLimiter(AT_ONCE)
        self._lock = threading.Lock()
        self._archive: Archive | None = None
        self._embedder: Embedder | None = None
        self._segmenter: Segmenter | None = None
        self._mapping = threading.Lock()
        self._map: tuple[int, EmbeddingMap] | None = None
        self._facts: tuple[int, dict[str, Any]] | None = None
        self._failure: tuple[float, CaselinkError] | None = None

    def warm(self) -> CaselinkError | None:
        """Open everything; the reason where that cannot be done now."""
        try:
            self.current()
        except CaselinkError as error:
            return error
        return None

    def prepare(self) -> None:
        """Count and map the newest version before anybody asks; what cannot be done now is told to who asks."""
        with suppress(CaselinkError):
            self.facts()
            self.map()

    def current(self) -> Opened:
        """The newest published version, ready to be asked.

        Raises:
            ArchiveError, EncoderError: where it cannot be opened, or its encoder is of another model.
        """
        with self._lock:
            if self._failure is not None and time.monotonic() - self._failure[0] < RETRY_S:
                raise self._failure[1].with_traceback(None)
            try:
                opened = self._open()
            except CaselinkError as error:
                told = self.without_place(error)
                self._failure = time.monotonic(), told
                raise told from None
            self._failure = None
            return opened

    def map(self) -> tuple[Snapshot, EmbeddingMap]:
        """The newest version and its films on a plane, computed once a version.

        Raises:
            ArchiveError, EncoderError: see `current`.
        """
        snapshot = self.current().snapshot
        version = snapshot.manifest.version
        with self._mapping:
            if self._map is None or self._map[0] != version:
                self._map = version, embedding_map(snapshot)
            return snapshot, self._map[1]

    def facts(self) -> dict[str, Any]:
        """What the newest version holds, see `archive_facts`; counted once a version, for that takes long.

        Raises:
            ArchiveError, EncoderError: see `current`.
        """
        snapshot = self.current().snapshot
        version = snapshot.manifest.version
        with self._mapping:
            if self._facts is None or self._facts[0] != version:
                self._facts = version, archive_facts(snapshot)
            return self._facts[1]

    def journal(self) -> Journal:
        """The archive's journal; usable also where the archive itself cannot be asked now.

        Raises:
            ArchiveError: there is no archive.
        """
        if not (self.root / MANIFEST).exists():
            raise self.without_place(no_archive(self.root))
        return Journal(self.settings.journal_of(self.root))

    def _open(self) -> Opened:
        try:
            if self._archive is None:
                self._archive = Archive(self.root)
            snapshot = self._archive.snapshot
            if self._embedder is None or self._embedder.card.fingerprint != snapshot.manifest.card.fingerprint:
                self._embedder = load_exported(self.root / ENCODER, threads=self.settings.threads)
            snapshot.manifest.card.require(self._embedder.card)
            held = None if self._segmenter is None else self._segmenter.card.fingerprint
            if held != snapshot.manifest.segmenter:
                self._segmenter = open_segmenter(self.root, snapshot.manifest)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            told = "the archive cannot be read ({said}); see to its files and permissions"
            raise ArchiveError(Said("archive_unread", told, said=reason)) from None
        return Opened(snapshot, self._embedder, self._segmenter)

    def without_place(self, error: CaselinkError) -> CaselinkError:
        """The same error with the archive's folder by its bare name: where it lies is no caller's business."""
        said = error.said
        for place in (self.root.resolve(), self.root.absolute(), self.root):
            if len(place.parts) > 1:
                said = said.replaced(str(place), place.name)
        return type(error)(said)

    def close(self) -> None:
        """Let the archive go."""
        with self._lock:
            if self._archive is not None:
                self._archive.close()
            self._archive = self._embedder = self._segmenter = None
