"""A past patient: films, lesions and dated events."""

from typing import Any

from engine.errors import NotFound
from engine.said import Said
from indexer.archive import Snapshot

FILM_FIELDS = (
    "film",
    "study",
    "taken",
    "view",
    "side",
    "body_part",
    "site",
    "age",
    "stage",
    "rows",
    "columns",
    "spacing_row",
    "spacing_column",
    "x0",
    "y0",
    "x1",
    "y1",
    "region",
    "entity",
    "warnings",
)


def patient_history(snapshot: Snapshot, patient: str) -> dict[str, Any]:
    """Everything the archive holds of one patient, by pseudonym; dates as ISO text, None where unknown.

    Raises:
        NotFound: no such pseudonym in this archive.
    """
    if patient not in snapshot.patient_code:
        told = "the archive has no patient {patient!r}; take the pseudonym from an answer"
        raise NotFound(Said("no_patient", told, patient=patient[:40]))
    catalogue = snapshot.catalogue
    person = catalogue.rows("SELECT patient, sex FROM patients WHERE patient = ?", [patient])
    films = ", ".join(f'"{name}"' for name in FILM_FIELDS)
    return {
        "patient": patient,
        "synthetic": snapshot.manifest.synthetic,
        "sex": person[0]["sex"] if person else None,
        "outcome": snapshot.outcomes.get(patient),
        "lesions": _dated(
            catalogue.rows(
                "SELECT entity, malignancy, site, side, dated, proof FROM lesions WHERE patient = ? "
                "AND lesion IN (SELECT lesion FROM films) ORDER BY dated",
                [patient],
            )
        ),
        "events": _dated(
            catalogue.rows(
                "SELECT dated, kind, text, source FROM events WHERE patient = ? ORDER BY dated NULLS FIRST", [patient]
            )
        ),
        "films": _dated(
            catalogue.film_rows(f"SELECT {films} FROM film_view WHERE patient = ? ORDER BY taken, film", [patient])
        ),
    }


def _dated(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for row in rows:
        for name in ("dated", "taken"):
            if row.get(name) is not None:
                row[name] = row[name].isoformat()
    return rows
