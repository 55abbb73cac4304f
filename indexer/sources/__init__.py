"""The registry of sources: layouts of films and records on disk."""

from pathlib import Path

from engine.errors import SourceError
from indexer.sources.base import Listing, Source, SourceOptions
from indexer.sources.btxrd import BtxrdSource
from indexer.sources.dicom import DicomSource
from indexer.sources.folder import FolderSource
from indexer.sources.fracatlas import FracAtlasSource
from indexer.sources.place import LocalFolder, Place, open_place

SOURCES: dict[str, Source] = {
    "btxrd": BtxrdSource(),
    "fracatlas": FracAtlasSource(),
    "dicom": DicomSource(),
    "folder": FolderSource(),
}
"""Name to layout, in the order in which `auto` tries them."""


def open_source(root: Path, layout: str = "auto", options: SourceOptions | None = None) -> Listing:
    """List the films of a folder under a layout; `auto` takes the first that recognises it.

    Raises:
        SourceError: no such folder or layout, or a table that cannot be understood.
    """
    if not root.is_dir():
        raise SourceError(f"{root} is no folder; give the folder that holds the films")
    if layout != "auto" and layout not in SOURCES:
        raise SourceError(f"there is no layout {layout!r}; choose auto, {', '.join(SOURCES)}")
    names = [name for name, source in SOURCES.items() if source.recognises(root)] if layout == "auto" else [layout]
    return SOURCES[names[0]].list(root, options or SourceOptions())


__all__ = ["SOURCES", "Listing", "LocalFolder", "Place", "Source", "SourceOptions", "open_place", "open_source"]
