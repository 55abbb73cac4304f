"""The typed client's calls about what people write, and what an archive and its evaluations look like."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Unpack
from urllib.parse import quote

from api.asking import Asked, question
from api.boxes import Box, Whole
from api.schemas import (
    Agenda,
    ArchivedFilm,
    ArchiveMap,
    AuditLog,
    BoardCase,
    CaseList,
    DecisionKept,
    FeedbackEntry,
    FeedbackKind,
    FeedbackList,
    KeptDraft,
    NearPairs,
    OutOfArchive,
    Removed,
    RunList,
    SectionHistory,
    SectionText,
    StoredRun,
    TwoRuns,
)
from api.transport import File, Transport
from api.written import DraftList

CASES = "/v1/board/cases"
DRAFTS = "/v1/board/drafts"


class WrittenClient(Transport):
    """What people write, and what an archive and its evaluations look like.

    Every call raises `ApiProblem` and `ApiUnreachable`.
    """

    def audit(
        self, who: str | None = None, patient: str | None = None, before: int | None = None, limit: int = 100
    ) -> AuditLog:
        """Who opened which past patient, newest first. who, patient: only theirs. before: older than this entry."""
        asked = _told(who=who, patient=patient, before=before, limit=limit)
        return self._json(AuditLog, "GET", "/v1/audit", params=asked)

    def judge(self, query: str, film: int, *, similar: bool, note: str = "") -> FeedbackEntry:
        """Say whether an archived film is similar to a query film. query: sha256, as the answer's `queries` give it."""
        kind = FeedbackKind.similar if similar else FeedbackKind.not_similar
        said = {"kind": kind.value, "query": query, "film": film, "note": note}
        return self._json(FeedbackEntry, "POST", "/v1/feedback", json=said)

    def turned_out(self, query: str, entity: str, proof: str | None = None, note: str = "") -> FeedbackEntry:
        """Say what a past query's lesion turned out to be, and how that is known."""
        said = {"kind": FeedbackKind.histology.value, "query": query, "entity": entity, "proof": proof, "note": note}
        return self._json(FeedbackEntry, "POST", "/v1/feedback", json=said)

    def feedback(self, query: str | None = None, before: int | None = None, limit: int = 100) -> FeedbackList:
        """What was said of answers, newest first. query: only of this film."""
        return self._json(FeedbackList, "GET", "/v1/feedback", params=_told(query=query, before=before, limit=limit))

    def feedback_pairs(self, format: str = "csv") -> str:
        """Judged pairs to train on. format: csv | jsonl."""
        return self._send("GET", "/v1/feedback/pairs", params={"format": format}).text

    def make_case(self, title: str, day: date | None = None, patient: str | None = None) -> BoardCase:
        """A new case of the board."""
        said = {"title": title, "day": day and day.isoformat(), "patient": patient}
        return self._json(BoardCase, "POST", CASES, json=said)

    def cases(self, before: int | None = None, limit: int = 100, undated: bool = False) -> CaseList:
        """The board's cases, newest first. before: older than this case, to page on. undated: only without a day."""
        return self._json(CaseList, "GET", CASES, params=_told(before=before, limit=limit, undated=undated))

    def agenda(self, day: date) -> Agenda:
        """The cases of a day, in their order."""
        return self._json(Agenda, "GET", f"/v1/board/agenda/{day.isoformat()}")

    def case(self, case: int) -> BoardCase:
        """A case with all that it holds."""
        return self._json(BoardCase, "GET", f"{CASES}/{case}")

    def change_case(
        self, case: int, revision: int, *, title: str, day: date | None, position: int, patient: str | None
    ) -> BoardCase:
        """Set a case's head; `ApiConflict` where somebody changed it since `revision`."""
        said = {"title": title, "day": day and day.isoformat(), "position": position, "patient": patient}
        return self._json(BoardCase, "PUT", f"{CASES}/{case}", json=said | {"revision": revision})

    def remove_case(self, case: int) -> Removed:
        """Take a case away, with all that it holds."""
        return self._json(Removed, "DELETE", f"{CASES}/{case}")

    def write_section(self, case: int, section: str, text: str, revision: int, draft: str | None = None) -> SectionText:
        """Write a section; `ApiConflict` carries both texts where somebody wrote since `revision`.

        draft: what this saves, see `keep_draft`; it is gone then.
        """
        said = {"text": text, "revision": revision, "draft": draft}
        return self._json(SectionText, "PUT", f"{CASES}/{case}/sections/{section}", json=said)

    def section_history(self, case: int, section: str) -> SectionHistory:
        """All that a section ever said, the latest first."""
        return self._json(SectionHistory, "GET", f"{CASES}/{case}/sections/{section}")

    def keep_draft(self, draft: str, case: int, section: str, text: str, revision: int) -> KeptDraft:
        """Keep what is being typed, for nobody else. draft: 32 hex digits, one for each time a section is opened."""
        said = {"case": case, "section": section, "text": text, "revision": revision}
        return self._json(KeptDraft, "PUT", f"{DRAFTS}/{quote(draft, safe='')}", json=said)

    def drafts(self, case: int | None = None, limit: int = 100) -> DraftList:
        """What you typed and did not save, the oldest first. case: only there."""
        return self._json(DraftList, "GET", DRAFTS, params=_told(case=case, limit=limit))

    def drop_draft(self, draft: str) -> Removed:
        """Throw away what you typed; nothing where it is not there."""
        return self._json(Removed, "DELETE", f"{DRAFTS}/{quote(draft, safe='')}")

    def add_films(
        self, case: int, files: Sequence[File], roi: Sequence[Box | Whole | None] | None = None, **asked: Unpack[Asked]
    ) -> BoardCase:
        """Add films to a case and ask the archive about them. roi, asked: as in `search`."""
        fields, parts = question(files, roi, **asked)
        return self._json(BoardCase, "POST", f"{CASES}/{case}/films", data=fields, files=parts)

    def remove_film(self, case: int, film: int) -> BoardCase:
        """Take a film out of a case. film: its number within the board."""
        return self._json(BoardCase, "DELETE", f"{CASES}/{case}/films/{film}")

    def case_film(self, case: int, film: int, **view: object) -> bytes:
        """PNG of a case's film. view: center, width, invert and size, as in `preview`."""
        shown = {name: str(value).lower() for name, value in view.items() if value is not None}
        return self._send("GET", f"{CASES}/{case}/films/{film}/preview", params=shown).content

    def add_precedent(self, case: int, film: int) -> BoardCase:
        """Set an archived film beside a case's films."""
        return self._json(BoardCase, "POST", f"{CASES}/{case}/precedents", json={"film": film})

    def remove_precedent(self, case: int, film: int) -> BoardCase:
        """Take a precedent away."""
        return self._json(BoardCase, "DELETE", f"{CASES}/{case}/precedents/{film}")

    def export(self, case: int, format: str = "pdf", language: str = "en") -> bytes:
        """A case as a document to file. format: pdf | docx. language: en | de."""
        asked = {"format": format, "language": language}
        return self._send("GET", f"{CASES}/{case}/export", params=asked).content

    def decide(self, case: int, revision: int, dated: date) -> DecisionKept:
        """Make the section `decision` the board's decision, and an event of the patient where the archive has them."""
        said = {"revision": revision, "dated": dated.isoformat()}
        return self._json(DecisionKept, "POST", f"{CASES}/{case}/decision", json=said)

    def archive_map(self) -> ArchiveMap:
        """The archive's films on a plane."""
        return self._json(ArchiveMap, "GET", "/v1/archive/map")

    def film(self, film: int) -> ArchivedFilm:
        """What the archive knows of a film and its lesion."""
        return self._json(ArchivedFilm, "GET", f"/v1/films/{film}")

    def left_out(self) -> OutOfArchive:
        """What was left out of the archive, and why."""
        return self._json(OutOfArchive, "GET", "/v1/archive/left-out")

    def near_duplicates(self, first: int = 0, limit: int = 100) -> NearPairs:
        """Films that are one exposure, likest first. first: pairs passed over."""
        asked = {"first": first, "limit": limit}
        return self._json(NearPairs, "GET", "/v1/archive/near-duplicates", params=asked)

    def runs(self) -> RunList:
        """The stored evaluations, newest first."""
        return self._json(RunList, "GET", "/v1/runs")

    def run(self, run: str) -> StoredRun:
        """One evaluation."""
        return self._json(StoredRun, "GET", f"/v1/runs/{quote(run, safe='')}")

    def two_runs(self, run: str, other: str) -> TwoRuns:
        """Two evaluations side by side."""
        path = f"/v1/runs/{quote(run, safe='')}/beside/{quote(other, safe='')}"
        return self._json(TwoRuns, "GET", path)


def _told(**given: object) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}
