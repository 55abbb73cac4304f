"""The work on one shard; runs in a worker process with an encoder of its own, and knows nothing of Ray."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.encoders import load_exported
from engine.errors import CaselinkError, EncoderError
from indexer.archive import KEY
from indexer.bulk.sealed import Sealer
from indexer.bulk.shards import Shard, write_shard
from indexer.durable import make_folder, room_on_disk
from indexer.manifest import read_manifest
from indexer.prepare import Known, Prepared, Preparer, Roi
from indexer.pseudonym import load_key
from indexer.records import History
from indexer.regions import ENCODER, open_segmenter

TRIES = 3
"""Workers that may die at one shard before the run ends: a film that kills one would kill them all in turn."""
TRIED = ".tried"
HANDFUL = 16
"""Films read before they are embedded; bounds memory."""


@dataclass(frozen=True)
class Kit:
    """What a worker needs besides films; holds no identifier and no key. Both machines must see the archive.

    root: the archive, which carries encoder, segmenter and key. folder: of the shards. source, issuer: see `Sealer`.
    histories: sealed. fetch: see `Preparer`.
    """

    root: Path
    folder: Path
    roi: Roi
    source: str
    issuer: str
    fetch: Callable[[Path], bytes]
    histories: Mapping[str, History] = field(default_factory=dict, repr=False)

    def preparer(self) -> Preparer:
        """One with an encoder on one core; what the ledger knows comes with each shard."""
        segmenter = open_segmenter(self.root, read_manifest(self.root)) if self.roi is Roi.segment else None
        embedder = load_exported(self.root / ENCODER, threads=1)
        seal = Sealer(load_key(self.root / KEY, create=False), self.source, self.issuer)
        return Preparer(embedder, self.roi, {}, segmenter, self.histories, self.fetch, seal)


@dataclass(frozen=True)
class Errand:
    """A shard to be made, its records sealed, and what the ledger knows of its files."""

    shard: Shard
    known: Mapping[str, Known]


class ShardWorker:
    """Makes shards, one after another."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._preparer = kit.preparer()

    def make(self, errand: Errand) -> None:
        """Read, cut and embed a shard's films, and write what became of each.

        Raises:
            DiskFull: the shard is not there. EncoderError: see `Embedder.embed`; or too many workers died at it.
        """
        films = errand.shard.films
        tried = self._try(errand.shard)
        preparer = Preparer(**vars(self._preparer) | {"known": errand.known})
        items: list[Prepared] = []
        for start in range(0, len(films), HANDFUL):
            items += preparer(films[start : start + HANDFUL])
        write_shard(errand.shard.path(self._kit.folder), items)
        tried.unlink()

    def _try(self, shard: Shard) -> Path:
        """Note that a shard is begun, for whoever comes after a worker that did not end it."""
        tried = shard.path(self._kit.folder).with_suffix(TRIED)
        times = tried.stat().st_size if tried.exists() else 0
        if times >= TRIES:
            first, last = shard.films[0].file, shard.films[-1].file
            raise EncoderError(
                f"{times} workers died at the films from {first} to {last}; run it with fewer workers if memory was "
                "short, or without --ray to see which film it is"
            )
        with room_on_disk(tried.parent):
            make_folder(tried.parent)
            with tried.open("ab") as file:
                file.write(b".")
        return tried

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row with an `errand` -> start: the shard's; error, said: the deliberate error that ended it, or ""."""
        start = row["errand"].shard.start
        try:
            self.make(row["errand"])
        except CaselinkError as error:
            return {"start": start, "error": type(error).__name__, "said": str(error)}
        return {"start": start, "error": "", "said": ""}
