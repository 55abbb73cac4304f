"""A plain folder of films with a CSV of what is known of them; its columns are mapped by options."""

from pathlib import Path

from engine.errors import SourceError
from indexer.records import FilmRecord
from indexer.sources.base import Listing, SourceOptions
from indexer.sources.files import film_files, mask_of
from indexer.sources.history import FILM_FIELDS, film_of, read_histories, rename_columns
from indexer.sources.tables import read_table

OWN_TABLES = {"diagnoses.csv", "events.csv"}
FIELDS = ("file", *FILM_FIELDS)


class FolderSource:
    """Films anywhere under the root; the table names them by relative path or by bare file name."""

    def recognises(self, root: Path) -> bool:
        """See `Source.recognises`."""
        return root.is_dir()

    def list(self, root: Path, options: SourceOptions) -> Listing:
        """See `Source.list`; a film without a row is kept, its facts unknown."""
        table = options.table or _only_table(root)
        rows, unread = self._rows(table, options) if table else ({}, ())
        films: list[FilmRecord] = []
        for path in film_files(root):
            file = path.relative_to(root).as_posix()
            row = rows.pop(file, None) or rows.pop(path.name, {})
            films.append(film_of(row, file, path, mask_of(root, path), f"{table.name if table else ''}, {file}"))
        for file, row in rows.items():
            films.append(film_of(row, file, None, None, f"the table, {file}"))
        return Listing(films, options.issuer or "", root.name, read_histories(root), unread=unread)

    def _rows(self, table: Path, options: SourceOptions) -> tuple[dict[str, dict[str, str]], tuple[str, ...]]:
        """Each film's row under the names of fields, and the columns that are none."""
        column = options.columns.get("file", "file")
        read = read_table(table, [column], cure="name yours with --map file=COLUMN")
        renamed = rename_columns(read, options.columns, FIELDS)
        rows: dict[str, dict[str, str]] = {}
        for row in renamed:
            if row["file"] in rows:
                raise SourceError(f"{table.name} names the film {row['file']} twice; keep one row")
            rows[row["file"]] = row
        mapped = {options.columns.get(field, field) for field in FIELDS}
        return rows, tuple(name for name in (read[0] if read else ()) if name and name not in mapped)


def _only_table(root: Path) -> Path | None:
    tables = [path for path in sorted(root.glob("*.csv")) if path.name not in OWN_TABLES]
    if len(tables) > 1:
        names = ", ".join(path.name for path in tables)
        raise SourceError(f"{root.name} holds the tables {names}; say with --table which one lists the films")
    return tables[0] if tables else None
