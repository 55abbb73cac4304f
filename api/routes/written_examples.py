"""Examples of what people write, for OpenAPI; a test holds each against its schema."""

from typing import Any

from api.routes.examples import ANSWER, AUDITED, PATIENT, QUERY
from api.schemas import NOTICE

AT = "2026-11-20T10:05:00+00:00"
WHO = "a.mueller"
AUDIT: dict[str, Any] = {"notice": NOTICE, "entries": [AUDITED]}
JUDGED: dict[str, Any] = {"kind": "similar", "query": QUERY, "film": 17, "note": "same zone, same margin"}
JUDGEMENT: dict[str, Any] = {
    "entry": 7,
    "at": AT,
    "who": WHO,
    "kind": "similar",
    "query": QUERY,
    "film": 17,
    "film_sha256": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "patient": PATIENT,
    "film_entity": "osteochondroma",
    "entity": None,
    "proof": None,
    "note": "same zone, same margin",
}
FEEDBACK: dict[str, Any] = {"notice": NOTICE, "entries": [JUDGEMENT], "you": WHO}
PAIRS = (
    "query,film,film_sha256,patient,similar,query_entity,film_entity,who,at\n"
    f"{QUERY},17,{JUDGEMENT['film_sha256']},{PATIENT},true,,osteochondroma,{WHO},{AT}\n"
)
NEW_CASE: dict[str, Any] = {"title": "Distal femur, 14 years", "day": "2026-11-30", "patient": None}
HEAD: dict[str, Any] = {
    "case": 3,
    "title": "Distal femur, 14 years",
    "day": "2026-11-30",
    "position": 1,
    "patient": "P5a0c6e21b7d94f38",
    "revision": 1,
    "made_at": AT,
    "made_by": WHO,
    "changed_at": AT,
    "changed_by": WHO,
    "films": 1,
    "precedents": 1,
    "decided": True,
}
CHANGE = NEW_CASE | {"revision": 1, "position": 2}
WRITTEN: dict[str, Any] = {"text": "Pain at night for six weeks.", "revision": 0}
_TEXT: dict[str, Any] = {
    "section": "history",
    "text": "Pain at night for six weeks.",
    "revision": 1,
    "at": AT,
    "who": WHO,
}
_EMPTY: dict[str, Any] = {"text": "", "revision": 0, "at": None, "who": None}
SECTION = _TEXT
TEXTS: dict[str, Any] = {"notice": NOTICE, "texts": [_TEXT]}
DECISION: dict[str, Any] = {
    "text": "Biopsy at the centre.",
    "revision": 1,
    "dated": "2026-11-30",
    "at": AT,
    "who": WHO,
    "version": None,
}
DECIDED: dict[str, Any] = {
    "notice": NOTICE,
    "decision": DECISION,
    "recorded": False,
    "reason": "the archive holds no patient 'P5a0c6e21b7d94f38'; the case keeps the decision",
    "code": "unknown patient",
}
CASE: dict[str, Any] = {
    "notice": NOTICE,
    "case": HEAD,
    "sections": [
        _TEXT,
        *({"section": name, **_EMPTY} for name in ("diagnosis", "question", "finding")),
        {"section": "decision", "text": "Biopsy at the centre.", "revision": 1, "at": AT, "who": WHO},
    ],
    "films": [
        {
            "film": 5,
            "sha256": QUERY,
            "rows": 2048,
            "columns": 1536,
            "region": [512, 700, 900, 1160],
            "region_origin": "drawn",
            "side": "L",
            "view": "frontal",
            "body_part": "knee",
            "taken": "2026-11-18",
            "spacing_mm": [0.15, 0.15],
            "identity": "P5a0c6e21b7d94f38",
            "at": AT,
            "who": WHO,
        }
    ],
    "precedents": [{"film": 17, "patient": PATIENT, "at": AT, "who": WHO}],
    "decision": DECISION,
    "answer": {"answer": ANSWER, "films": [QUERY], "at": AT, "who": WHO},
}
CASES: dict[str, Any] = {"notice": NOTICE, "cases": [HEAD]}
AGENDA: dict[str, Any] = {"notice": NOTICE, "day": "2026-11-30", "cases": [HEAD]}
MADE: dict[str, Any] = {"revision": 1, "dated": "2026-11-30"}
REMOVED: dict[str, Any] = {"notice": NOTICE, "removed": "case 3"}
DRAFT_ID = "0f8e1d2c3b4a59687786958493a2b1c0"
TYPED: dict[str, Any] = {"case": 3, "section": "finding", "text": "Lytic, no soft", "revision": 0}
DRAFT: dict[str, Any] = TYPED | {"draft": DRAFT_ID, "title": HEAD["title"], "at": AT, "who": WHO}
DRAFTS: dict[str, Any] = {"notice": NOTICE, "drafts": [DRAFT]}
NO_DRAFT: dict[str, Any] = {
    "type": "/problems/query",
    "title": "The question has no answer as asked",
    "status": 422,
    "detail": "'first' names no draft; choose 32 hex digits and keep to them",
    "instance": "/v1/board/drafts/first",
}
UNKNOWN_CASE = 999_999
_FIFTH = {"case": str(UNKNOWN_CASE), "number": "5"}


def no_case(path: str) -> dict[str, Any]:
    """The refusal where the board has no such case. path: below the case, with its slash."""
    return {
        "type": "/problems/not-found",
        "title": "Nothing is known by that name",
        "status": 404,
        "detail": f"the board has no case {UNKNOWN_CASE}; take its number from the list of cases",
        "code": "no_case",
        "values": {"case": str(UNKNOWN_CASE)},
        "instance": f"/v1/board/cases/{UNKNOWN_CASE}{path}",
    }


def no_case_film(path: str) -> dict[str, Any]:
    """The refusal where a case has no film 5. path: below the film, with its slash."""
    told = {"detail": f"case {UNKNOWN_CASE} has no film 5; take its number from the case", "code": "no_case_film"}
    return no_case(f"/films/5{path}") | told | {"values": _FIFTH}


def no_precedent() -> dict[str, Any]:
    """The refusal where a case has no precedent with film 5."""
    told = f"case {UNKNOWN_CASE} has no precedent with film 5; take its number from the case"
    return no_case("/precedents/5") | {"detail": told, "code": "no_precedent", "values": _FIFTH}


def bad_limit(path: str) -> dict[str, Any]:
    """The refusal of a route that lists: more than may be asked for, `?limit=5000`."""
    return {
        "type": "/problems/query",
        "title": "The question has no answer as asked",
        "status": 422,
        "detail": "limit = 5000 is outside 1 to 1000; ask for a number within",
        "instance": path,
        "code": "limit_outside",
        "values": {"limit": 5000, "most": 1000},
    }


NO_TITLE: dict[str, Any] = {
    "type": "/problems/query",
    "title": "The question has no answer as asked",
    "status": 422,
    "detail": "the title is empty; write something, up to 120 characters",
    "instance": "/v1/board/cases",
    "code": "text_empty",
    "values": {"name": {"text": "the title", "code": "a_title", "values": {}, "parts": []}, "most": 120},
}
NO_DAY = NO_TITLE | {
    "detail": "'tomorrow' is no day; write it as 2026-11-30",
    "instance": "/v1/board/agenda/tomorrow",
    "code": "no_day",
    "values": {"value": "tomorrow"},
}
NO_NEIGHBOUR: dict[str, Any] = {
    "type": "/problems/not-found",
    "title": "Nothing is known by that name",
    "status": 404,
    "detail": "the archive has no film 999999; take its number from an answer",
    "instance": "/v1/feedback",
    "code": "no_archived_film",
    "values": {"number": "999999"},
}
NO_FORMAT: dict[str, Any] = {
    "type": "/problems/query",
    "title": "The question has no answer as asked",
    "status": 422,
    "detail": "format 'xlsx' is not written; ask for csv or jsonl",
    "instance": "/v1/feedback/pairs",
}
