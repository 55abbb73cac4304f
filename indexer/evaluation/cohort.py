"""Films with what is known of them, as plain columns."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.embeddings import lengths_fit
from engine.errors import QueryError

REGIONS = ("whole", "mask", "drawn", "segmented")
_TEXT = ("patient", "group", "entity", "sex", "site", "centre", "view", "region")
_ALWAYS_KNOWN = ("patient", "group", "region")
UNKNOWN = "unknown"

Column = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Cohort:
    """Films of an archive or of a set of queries; row i of every column is film i.

    vectors: float32 (n, d), rows as in `Embeddings`. film: int64 (n,), ids. The rest are columns of length n; text
    columns become object arrays of str, with None (or "") where unknown.
    patient, group: pseudonyms, always known; group is the split group, or the patient where a source has none.
    entity: the diagnosis of the film's lesion. age: years, nan where unknown. site: several are joined by ';'.
    region: what was embedded, one of REGIONS. extra: further columns by name, for reports by them.
    Raises QueryError where columns disagree in length or a value is none of those allowed.
    """

    vectors: npt.NDArray[np.float32]
    film: npt.NDArray[np.int64]
    patient: Column
    group: Column
    entity: Column
    age: npt.NDArray[np.float64]
    sex: Column
    site: Column
    centre: Column
    view: Column
    region: Column
    extra: Mapping[str, Column] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._set("vectors", _checked_vectors(self.vectors))
        self._set("film", np.asarray(self.film, dtype=np.int64))
        self._set("age", np.asarray(self.age, dtype=np.float64))
        for name in _TEXT:
            self._set(name, _text(name, getattr(self, name)))
        self._set("extra", {name: np.asarray(values, dtype=object) for name, values in self.extra.items()})
        self._check()

    def __len__(self) -> int:
        return len(self.film)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names that `column` accepts."""
        return (*_TEXT, "age", *self.extra)

    def column(self, name: str) -> Column:
        """The values of one column, shape (n,); raises QueryError for a name that is none of `columns`."""
        if name not in self.columns:
            raise QueryError(f"There is no column {name!r} to report by; choose one of {', '.join(self.columns)}.")
        values: Column = self.extra[name] if name in self.extra else getattr(self, name)
        return values

    def take(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "Cohort":
        """The films that a boolean mask or an index array selects, in that order."""
        names = [f.name for f in fields(self) if f.name != "extra"]
        chosen: dict[str, Any] = {name: getattr(self, name)[rows] for name in names}
        return replace(self, **chosen, extra={name: values[rows] for name, values in self.extra.items()})

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _check(self) -> None:
        for name in ("film", *self.columns):
            values = getattr(self, name) if name == "film" else self.column(name)
            if values.shape != (len(self.vectors),):
                raise QueryError(
                    f"Column {name!r} has shape {values.shape}; give one value for each of {len(self.vectors)} films."
                )
        for name in _ALWAYS_KNOWN:
            if any(value is None for value in getattr(self, name)):
                raise QueryError(f"Column {name!r} has films without a value; give every film one.")
        strange = sorted(set(self.region) - set(REGIONS))
        if strange:
            raise QueryError(f"Region origin {strange[0]!r} is unknown; use one of {', '.join(REGIONS)}.")
        if bool(np.isinf(self.age).any()) or bool((self.age < 0).any()):
            raise QueryError("An age is negative or infinite; give years, or nan where unknown.")
        clash = set(self.extra) & {*_TEXT, "age", "film", "vectors"}
        if clash:
            raise QueryError(f"The extra column {min(clash)!r} has the name of a fixed one; rename it.")


def _checked_vectors(vectors: npt.ArrayLike) -> npt.NDArray[np.float32]:
    array: npt.NDArray[np.float32] = np.ascontiguousarray(vectors, dtype=np.float32)
    if array.ndim != 2:
        raise QueryError(f"Vectors have shape {array.shape}; give one row per film, (n, d).")
    wrong = ~lengths_fit(array)  # nan is wrong too
    if bool(wrong.any()):
        row = int(np.argmax(wrong))
        raise QueryError(
            f"The vector of row {row} has length {np.linalg.norm(array[row]):.4g}, outside 0 to 1; normalise vectors "
            "to unit length."
        )
    return array


def _text(name: str, values: Sequence[object] | Column) -> Column:
    column = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        if not (value is None or isinstance(value, str)):
            raise QueryError(f"Column {name!r} holds {value!r} at row {row}; give text, or None where unknown.")
        column[row] = str(value) if value else None
    return column


def numbered(names: npt.NDArray[np.object_]) -> tuple[list[str], npt.NDArray[np.int64]]:
    """The different names in the order of their first appearance, and each row's place among them.

    Pseudonyms change with the archive's key and film order does not: so the same seed gives the same numbers over the
    same films in any archive.
    """
    coded = pa.array([str(name) for name in names.tolist()], type=pa.string()).dictionary_encode()
    return coded.dictionary.to_pylist(), coded.indices.to_numpy().astype(np.int64)


def named(value: Any) -> str:
    """A value of any column as a group's name; UNKNOWN for None, "" and nan."""
    if isinstance(value, float):
        return UNKNOWN if math.isnan(value) else f"{value:.12g}"
    return UNKNOWN if value is None or value == "" else str(value)


def natural(name: str) -> tuple[bool, float, str]:
    """Sorts names as people do: numbers by size, UNKNOWN last."""
    try:
        return name == UNKNOWN, float(name), name
    except ValueError:
        return name == UNKNOWN, float("inf"), name
