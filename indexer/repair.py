"""Mending an archive: what can be made again from what is whole, and a reason for all else."""

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.encoders.files import CARD_FILE
from engine.errors import CaselinkError
from indexer.archive import KEY, load_manifest_key
from indexer.durable import copy_durably, hash_file, write_durably
from indexer.indexes.auto import Limits
from indexer.indexing import build_index
from indexer.manifest import NAME, Manifest, PublishedFile, read_manifest
from indexer.verify import Finding, verify
from indexer.writer import ENCODER, locked, open_writer

NO_COPY = "there is no second copy of it; "
RESTORE = NO_COPY + "restore it from backup or index the films into a new archive"
LATER = "it can be made anew once {} is whole; mend that, then run the same again"
LEAST = 0.01
"""Of a recall that is asked for again."""
FROM_RUN = NO_COPY + "restore it from backup, or copy it from the folder of the encoder that the archive was made with"


@dataclass(frozen=True)
class Repair:
    """What became of a damaged file: text says what was done, or why nothing could be and the cure."""

    path: str
    mended: bool
    text: str


def repair(root: Path) -> tuple[Repair, ...]:
    """Check an archive and mend what can be made again, in the order of its findings; check again afterwards.

    Nothing that is whole is changed. An archive that is damaged beyond the files that can be mended stays as it is
    there.

    Raises:
        ArchiveError: no archive there. ArchiveBusy: another process writes. DiskFull: nothing was mended by halves.
    """
    if not (root / NAME).exists():
        read_manifest(root)  # says so; a lock would make the folder
    with locked(root):
        checked = verify(root)
        if checked.version is None:
            return tuple(Repair(finding.path, False, RESTORE) for finding in checked.findings)
        manifest = read_manifest(root)
        done = [_in_place(root, manifest, finding) for finding in checked.findings]
    made = {file.path: _reindex for file in manifest.index.files}
    if manifest.calibration is not None:
        made[manifest.calibration.path] = _calibrate
    return tuple(made[one.path](root, one.path) if one.path in made and not one.mended else one for one in done)


def _in_place(root: Path, manifest: Manifest, finding: Finding) -> Repair:
    """Mend one file where it lies."""
    path = finding.path
    if finding.kind == "wrong":
        return Repair(path, False, "its bytes are as they were written; index the films into a new archive")
    if path == NAME:
        manifest.save(root)
        return Repair(path, True, "written anew: it could be read whole")
    if path == KEY:
        return _key(root, manifest)
    for file in manifest.files:
        if file.path == path:
            return _file(root, manifest, file)
    return Repair(path, False, RESTORE)


def _key(root: Path, manifest: Manifest) -> Repair:
    """The key in its plain form, where it is still this archive's."""
    try:
        pseudonyms = load_manifest_key(root, manifest)
    except CaselinkError:
        return Repair(KEY, False, NO_COPY + "restore it from backup, or new films will get other pseudonyms")
    write_durably(root / KEY, pseudonyms.key.hex().encode(), mode=0o600)
    return Repair(KEY, True, "written anew: it could be read whole")


def _file(root: Path, manifest: Manifest, file: PublishedFile) -> Repair:
    """A file with the very bytes that the manifest names: a twin's in another version, or the card's."""
    name = Path(file.path).name
    for twin in (root / "versions").glob(f"*/{name}"):
        if hash_file(twin) == file.sha256:
            copy_durably(twin, root / file.path)
            return Repair(file.path, True, f"copied from {twin.relative_to(root).as_posix()}, which has the same bytes")
    card = manifest.card.to_json().encode()
    if name == CARD_FILE and hashlib.sha256(card).hexdigest() == file.sha256:
        write_durably(root / file.path, card)
        return Repair(file.path, True, "written anew from the manifest, which holds the card")
    return Repair(file.path, False, FROM_RUN if file.path.startswith(f"{ENCODER}/") else RESTORE)


def _reindex(root: Path, path: str) -> Repair:
    """Publish a version with the index made anew from the vectors, where these are whole."""
    manifest = read_manifest(root)
    index = manifest.index
    if path not in {file.path for file in index.files}:
        return Repair(path, True, f"made anew with the rest of the index, for version {manifest.version}")
    if others := _others(root, {file.path for file in index.files}):
        return Repair(path, False, LATER.format(others[0]))
    make = partial(build_index, root, name=index.name, limits=Limits(max(index.recall, LEAST)))
    with open_writer(root, manifest.card, root / ENCODER) as writer:
        writer.publish(indexed=make)
        return Repair(path, True, f"made anew from the vectors, as version {writer.manifest.version}")


def _others(root: Path, paths: set[str]) -> list[str]:
    """Damaged files besides these."""
    return [finding.path for finding in verify(root).findings if finding.path not in paths]


def _calibrate(root: Path, path: str) -> Repair:
    """Publish a version with votes calibrated anew, where all that goes into them is whole."""
    if others := _others(root, {path}):
        return Repair(path, False, LATER.format(others[0]))
    with open_writer(root, read_manifest(root).card, root / ENCODER) as writer:
        writer.publish(calibrated=True)
        return Repair(path, True, f"calibrated anew on the archive's patients, as version {writer.manifest.version}")
