"""Tables that any folder of films may carry beside them: diagnoses.csv, events.csv and films.csv."""

from collections import defaultdict
from pathlib import Path

from engine.errors import SourceError
from engine.radiograph import Header, Stage
from indexer.records import Event, EventKind, FilmRecord, History, Lesion, Proof
from indexer.sources.tables import age_of, choice, day_of, read_table, sex_of

DIAGNOSES = ("patient_id", "entity")
DIAGNOSES_MORE = ("lesion", "malignancy", "site", "side", "date", "proof")
EVENTS = ("patient_id", "kind", "text")
EVENTS_MORE = ("date", "source")
FILM_FIELDS = (
    "patient_id",
    "entity",
    "malignancy",
    "site",
    "side",
    "view",
    "age",
    "sex",
    "date",
    "stage",
    "proof",
    "centre",
    "split_group",
    "study",
)
"""Fields that a table of films may give besides `file`."""


def read_histories(root: Path) -> dict[str, History]:
    """Lesions of diagnoses.csv and events of events.csv by patient identifier; empty where neither is there."""
    lesions: dict[str, list[Lesion]] = defaultdict(list)
    events: dict[str, list[Event]] = defaultdict(list)
    if (root / "diagnoses.csv").is_file():
        for row in read_table(root / "diagnoses.csv", DIAGNOSES, DIAGNOSES_MORE):
            if row["entity"]:
                lesions[row["patient_id"]].append(lesion_of(row, "diagnoses.csv"))
    if (root / "events.csv").is_file():
        for row in read_table(root / "events.csv", EVENTS, EVENTS_MORE):
            kind = choice(EventKind, row["kind"], "events.csv, kind")
            day = day_of(row.get("date", ""), "events.csv, date")
            events[row["patient_id"]].append(Event(kind, row["text"], day, row.get("source") or None))
    return {key: History(tuple(lesions[key]), tuple(events[key])) for key in [*lesions, *events]}


def lesion_of(row: dict[str, str], where: str) -> Lesion:
    """A lesion from a table's row with an `entity`."""
    return Lesion(
        row["entity"],
        row.get("malignancy") or None,
        row.get("site") or None,
        row.get("side") or None,
        day_of(row.get("date", ""), f"{where}, date"),
        choice(Proof, row.get("proof") or Proof.unknown, f"{where}, proof"),
    )


def film_of(row: dict[str, str], file: str, path: Path | None, mask: Path | None, where: str) -> FilmRecord:
    """A film from a row whose columns are `FILM_FIELDS`, each of which may be missing or empty."""
    header = Header(
        patient=row.get("patient_id") or None,
        study=row.get("study") or None,
        view=row.get("view") or None,
        side=row.get("side") or None,
        age=age_of(row.get("age", ""), f"{where}, age"),
        sex=sex_of(row.get("sex", ""), f"{where}, sex"),
        taken=day_of(row.get("date", ""), f"{where}, date"),
        stage=choice(Stage, row.get("stage") or Stage.unknown, f"{where}, stage"),
    )
    return FilmRecord(
        file,
        path,
        header,
        lesion_of(row | {"date": ""}, where) if row.get("entity") else None,  # a film's date is not its lesion's
        site=row.get("site") or None,
        centre=row.get("centre") or None,
        group=row.get("split_group") or None,
        mask=mask,
    )


def rename_columns(rows: list[dict[str, str]], columns: dict[str, str], known: tuple[str, ...]) -> list[dict[str, str]]:
    """Rows under caselink's field names: `columns` maps field -> the table's own column; others must be fields.

    Raises:
        SourceError: a field that is not known, or a column that is not there.
    """
    for name, column in columns.items():
        if name not in known:
            raise SourceError(f"{name!r} is no field of a film; the fields are {', '.join(known)}")
        if rows and column not in rows[0]:
            raise SourceError(f"the table has no column {column!r} for {name!r}, only {', '.join(rows[0])}; mend --map")
    fields = {name: columns.get(name, name) for name in known}
    return [{name: row[column] for name, column in fields.items() if column in row} for row in rows]
