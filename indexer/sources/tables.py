"""Reading CSV tables and their values strictly: a wrong column is an error, a wrong value names its row."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from engine.errors import SourceError
from engine.radiograph import Sex
from engine.said import Said

T = TypeVar("T", bound=StrEnum)

SEXES = {"f": Sex.female, "female": Sex.female, "w": Sex.female, "m": Sex.male, "male": Sex.male}


def read_table(
    path: Path, required: Iterable[str], optional: Iterable[str] | None = None, *, cure: str = "mend its first line"
) -> list[dict[str, str]]:
    """The rows of a UTF-8 CSV (comma, semicolon or tab) as stripped text by column name.

    optional: further columns that may be there; None = any. cure: what to do where a required one is missing.

    Raises:
        SourceError: no such file, no rows, missing, doubled or unknown columns, a row of another length, not text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SourceError(f"the table {path.name} is not there; give its place, or another layout") from None
    except UnicodeDecodeError:
        raise SourceError(f"{path.name} is not UTF-8 text; save the table as CSV in UTF-8") from None
    if "\0" in text:
        raise SourceError(f"{path.name} holds zero bytes; save the table as CSV in UTF-8")
    return list(_rows(path.name, text, list(required), None if optional is None else list(optional), cure))


def _rows(name: str, text: str, required: list[str], optional: list[str] | None, cure: str) -> Iterator[dict[str, str]]:
    lines = text.splitlines()
    head = lines[0] if lines else ""
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(lines, delimiter=delimiter)
    columns = [column.strip() for column in next(reader, [])]
    if not any(columns):
        raise SourceError(f"{name} is empty; give a CSV whose first line names its columns")
    _check_columns(name, columns, required, optional, cure)
    try:
        for number, values in enumerate(reader, start=2):
            if not any(value.strip() for value in values):
                continue
            if len(values) != len(columns):
                raise SourceError(f"{name}, row {number}: {len(values)} values under {len(columns)} columns; mend it")
            yield dict(zip(columns, (value.strip() for value in values), strict=True))
    except csv.Error as error:
        raise SourceError(f"{name} is not a CSV table ({error}); save it anew") from None


def _check_columns(name: str, columns: list[str], required: list[str], optional: list[str] | None, cure: str) -> None:
    doubled = sorted(column for column, n in Counter(columns).items() if n > 1)
    if doubled:
        raise SourceError(f"{name} has the column {doubled[0]!r} {columns.count(doubled[0])} times; keep one")
    for column in required:
        if column not in columns:
            close = get_close_matches(column, columns, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise SourceError(f"{name} has no column {column!r}, only {', '.join(columns)}{hint}; {cure}")
    if optional is not None:
        for column in columns:
            if column not in required and column not in optional:
                known = ", ".join([*required, *optional])
                raise SourceError(f"{name} has the unknown column {column!r}; map it or leave it out (known: {known})")


def no_row(table: str) -> Said:
    """Why a file is left out that a table does not name."""
    return Said("no_row", "the table {table} has no row for it", table=table)


def number(value: str, where: str) -> float | None:
    """A number, or None for an empty cell."""
    if not value:
        return None
    try:
        return float(value.replace(",", "."))
    except ValueError:
        raise SourceError(f"{where}: {value!r} is not a number; mend it or leave it empty") from None


def age_of(value: str, where: str) -> float | None:
    """An age in years from 0 to 130, or None for an empty cell."""
    years = number(value, where)
    if years is not None and not 0 <= years <= 130:
        raise SourceError(f"{where}: an age of {value} years is outside 0 to 130; mend it or leave it empty")
    return years


def sex_of(value: str, where: str) -> Sex | None:
    """F or M in the usual spellings, or None for an empty cell or O (other)."""
    if not value or value.lower() in {"o", "other", "u", "unknown"}:
        return None
    if value.lower() not in SEXES:
        raise SourceError(f"{where}: {value!r} is no sex that is understood (F, M, O or empty)")
    return SEXES[value.lower()]


def day_of(value: str, where: str) -> date | None:
    """An ISO date, or None for an empty cell."""
    if not value:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise SourceError(f"{where}: {value!r} is no date; write it as 2024-05-31") from None


def choice(kind: type[T], value: str, where: str) -> T:
    """A member of a closed vocabulary."""
    try:
        return kind(value)
    except ValueError:
        raise SourceError(f"{where}: {value!r} is none of {', '.join(kind)}") from None
