"""`milvus.json`: what a saved Milvus index is, so that it can be found and checked again."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt, ValidationError

from engine.errors import ArchiveCorrupt, IndexUnsupported
from indexer.indexes.milvus_server import DATABASE, Capabilities

FILE = "milvus.json"


class Saved(BaseModel):
    """collection: its name. rows: held when it was saved. bits: of a signature, None = none.

    address: the server's, None = the database lies beside this file. written_by: name and version of what wrote it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    collection: str
    dimension: PositiveInt
    rows: NonNegativeInt
    index_type: str
    bits: PositiveInt | None
    address: str | None
    written_by: str

    def write(self, folder: Path) -> None:
        """Write the file into a folder that is there."""
        (folder / FILE).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path, dimension: int) -> Self:
        """What `write` wrote.

        Raises:
            ArchiveCorrupt: no such file, another format, another dimension, or no database beside it.
        """
        try:
            saved = cls.model_validate_json((folder / FILE).read_bytes())
        except (OSError, ValidationError) as error:
            raise ArchiveCorrupt(f"{FILE} is missing or not of format 1; build the index anew") from error
        if saved.dimension != dimension:
            raise ArchiveCorrupt(f"{FILE} is of {saved.dimension} numbers a vector, not {dimension}; build it anew")
        if saved.address is None and not (folder / DATABASE).exists():
            raise ArchiveCorrupt(f"{DATABASE} is not beside {FILE}; build the index anew")
        return saved

    def check(self, rows: int, capabilities: Capabilities) -> None:
        """Nothing where the collection that was opened holds as many rows as were saved.

        Raises:
            ArchiveCorrupt: it holds others.
        """
        if rows != self.rows:
            raise ArchiveCorrupt(f"{capabilities.server} holds {rows} rows of {self.rows} saved; build the index anew")

    def check_version(self, server: str) -> None:
        """Nothing where a database that this says was `written_by` can be opened by `server`.

        Raises:
            IndexUnsupported: another generation of Milvus Lite, whose files are of another kind.
        """
        if self.address is None and self.written_by.split(".")[0] != server.split(".")[0]:
            raise IndexUnsupported(f"the index was saved by {self.written_by}, this is {server}; build it anew")
