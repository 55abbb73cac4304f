"""Collects what the document of a case needs from journal and archive."""

from datetime import UTC, date, datetime

from api.archived import find, original, thumbnail
from api.report.content import Gathered, Past
from api.report.labelled import Film
from api.schemas import BoardCase, CaseFilm, Precedent
from engine.errors import NotFound
from engine.readers import read
from indexer.archive import Snapshot
from indexer.facts import archive_facts
from indexer.journal import Journal, film_picture
from indexer.patients import patient_history
from indexer.records import EventKind

SHOWN = 1024
"""Long side in pixels that is enough on paper."""
DONE = (EventKind.therapy, EventKind.surgery)


def gather(snapshot: Snapshot, journal: Journal, board: BoardCase, who: str) -> Gathered:
    """All that the document of a case says. who: prints it.

    Raises:
        NotFound: a film was taken out of the case meanwhile.
    """
    facts = archive_facts(snapshot)
    films = tuple(_film(journal, board.case.case, film) for film in board.films)
    past = tuple(_past(snapshot, one) for one in board.precedents)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return Gathered(board, films, past, facts["model"], facts, who, at)


def _film(journal: Journal, case: int, film: CaseFilm) -> Film:
    picture = read(film_picture(journal, case, film.film), name=f"film {film.film}", at_least=SHOWN)
    taken = date.fromisoformat(film.taken) if film.taken else None
    return Film(picture.pixels, (film.rows, film.columns), film.region, film.side, taken, film.identity)


def _past(snapshot: Snapshot, one: Precedent) -> Past:
    row = snapshot.row_of_film(one.film)
    if row is None:
        return Past(None, one.patient, None, None, None, None, None)
    facts = snapshot.films.slice(row, 1).to_pylist()[0]
    entity, proof, site, age = (facts[name] for name in ("entity", "proof", "site", "age"))
    film = _archived(snapshot, one, facts["side"], facts["taken"])
    return Past(film, one.patient, entity, proof, site, age, snapshot.outcomes.get(one.patient), _done(snapshot, one))


def _done(snapshot: Snapshot, one: Precedent) -> tuple[tuple[date | None, str], ...]:
    events = patient_history(snapshot, one.patient)["events"]
    return tuple(
        (date.fromisoformat(event["dated"]) if event["dated"] else None, event["text"])
        for event in events
        if event["kind"] in DONE
    )


def _archived(snapshot: Snapshot, one: Precedent, side: str | None, taken: date | None) -> Film | None:
    found = find(snapshot, one.film)
    try:
        picture = original(found, SHOWN) or thumbnail(snapshot.root, found)
    except NotFound:
        return None
    x0, y0, x1, y1 = found.region.box
    return Film(picture.pixels, found.shape, (x0, y0, x1, y1), side, taken, one.patient)
