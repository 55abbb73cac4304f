"""Examples for OpenAPI; a test holds each against its schema."""

from typing import Any

from api.schemas import NOTICE, TIE_RULE

PATIENT = "P0f3a9c51d27e8b46"
QUERY = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_FILM = {
    "film": 17,
    "similarity": 0.931204,
    "view": "frontal",
    "side": "L",
    "taken": "2019-03-11",
    "stage": "before treatment",
    "region": [412, 890, 860, 1310],
    "region_origin": "mask",
    "rows": 2140,
    "columns": 1320,
    "spacing_mm": [0.143, 0.143],
}
_CASE = {
    "rank": 1,
    "patient": PATIENT,
    "similarity": 0.931204,
    "entity": "osteochondroma",
    "malignancy": "benign",
    "proof": "histology",
    "site": "femur",
    "side": "L",
    "age": 14.0,
    "sex": "F",
    "centre": None,
    "films": [_FILM],
    "outcome": "no recurrence after 24 months",
}
_MALIGNANT = _CASE | {
    "rank": 0,
    "patient": "P7c1d20ab94e6f358",
    "similarity": 0.802115,
    "entity": "osteosarcoma",
    "malignancy": "malignant",
    "films": [_FILM | {"film": 203, "similarity": 0.802115}],
    "outcome": None,
}
ANSWER: dict[str, Any] = {
    "cases": [_CASE],
    "vote": {"osteochondroma": 1},
    "tally": [
        {"entity": "osteochondroma", "patients": 1, "share": 1.0, "similarity": 0.931204, "interval": [0.206549, 1.0]}
    ],
    "label": "osteochondroma",
    "reason": None,
    "rule": TIE_RULE,
    "warnings": [],
    "manifest": {
        "notice": NOTICE,
        "synthetic": True,
        "archive": "SYNTHETIC demo archive",
        "version": 3,
        "published": "2026-11-20T09:30:00+00:00",
        "films": 580,
        "patients": 240,
        "model": "default",
        "model_fingerprint": "0a1b2c3d4e5f",
        "index": "exact",
        "k": 1,
        "where": "age between 5 and 20 and sex = 'F'",
        "unknown_to_filter": 0,
        "stages": "before treatment or unknown",
        "include_self": False,
        "asked": "2026-11-20T10:00:00+00:00",
    },
    "abstained": None,
    "shares": {"osteochondroma": 0.71, "enchondroma": 0.18, "osteosarcoma": 0.11},
    "shares_note": "shares weigh up to 30 nearest patients by similarity, calibrated on 240 patients of this archive",
    "prediction_set": {"entities": ["osteochondroma", "enchondroma"], "coverage": 0.9, "patients": 240},
    "likeness": {"similarity": 0.931204, "threshold": 0.64, "quantile": 0.01},
    "unlike": False,
    "malignant": {"share": 0.08, "threshold": 0.18, "above": False, "sensitivity": 0.9, "specificity": 0.8},
    "nearest_malignant": _MALIGNANT,
    "malignant_note": None,
    "queries": [
        {
            "name": "knee.dcm",
            "rows": 2048,
            "columns": 1536,
            "region": [512, 700, 900, 1160],
            "region_origin": "drawn",
            "side": "L",
            "view": "frontal",
            "body_part": "knee",
            "spacing_mm": [0.15, 0.15],
            "warnings": [],
            "confidence": None,
            "sha256": QUERY,
            "taken": "2026-11-02",
        }
    ],
    "remarks": [],
}
AUDITED: dict[str, Any] = {
    "entry": 41,
    "at": "2026-11-20T10:00:00+00:00",
    "who": "a.mueller",
    "what": "opened patient",
    "patient": PATIENT,
}
HISTORY: dict[str, Any] = {
    "audit": AUDITED,
    "notice": NOTICE,
    "synthetic": True,
    "patient": PATIENT,
    "sex": "F",
    "outcome": "no recurrence after 24 months",
    "lesions": [
        {
            "entity": "osteochondroma",
            "malignancy": "benign",
            "site": "femur",
            "side": "L",
            "dated": "2019-04-02",
            "proof": "histology",
        }
    ],
    "events": [
        {
            "dated": "2019-03-11",
            "kind": "presentation",
            "text": "SYNTHETIC: a hard lump above the knee",
            "source": None,
        },
        {"dated": "2021-04-20", "kind": "follow-up", "text": "no recurrence after 24 months", "source": None},
    ],
    "films": [
        {
            "film": 17,
            "study": "S5d1be0c7a29f4e83",
            "taken": "2019-03-11",
            "view": "frontal",
            "side": "L",
            "body_part": "knee",
            "site": "femur",
            "age": 14.0,
            "stage": "before treatment",
            "rows": 2140,
            "columns": 1320,
            "spacing_row": 0.143,
            "spacing_column": 0.143,
            "x0": 412,
            "y0": 890,
            "x1": 860,
            "y1": 1310,
            "region": "mask",
            "entity": "osteochondroma",
            "warnings": None,
        }
    ],
}
ARCHIVE: dict[str, Any] = {
    "notice": NOTICE,
    "synthetic": True,
    "title": "SYNTHETIC demo archive",
    "version": 3,
    "published": "2026-11-20T09:30:00+00:00",
    "films": 580,
    "patients": 240,
    "near_duplicates": {"films": 0, "groups": 0, "patients": 0},
    "index": "exact",
    "model": {"name": "default", "dimension": 1280, "fingerprint": "0a1b2c3d4e5f"},
    "sources": [{"layout": "dicom", "issuer": "", "title": "SYNTHETIC demo archive", "roi": "mask", "synthetic": True}],
    "columns": [{"name": "sex", "type": "text", "values": [{"value": "M", "films": 320}, {"value": None, "films": 4}]}],
    "left_out": [{"outcome": "indexed", "films": 580}],
    "limits": {"max_films": 12, "max_upload_mib": 128},
    "segmenter": None,
    "counts": {
        "entity": [{"value": "osteochondroma", "films": 120, "patients": 52, "histology": 31}],
        "site": [{"value": "femur", "films": 190, "patients": 80, "histology": 44}],
        "centre": [{"value": None, "films": 580, "patients": 240, "histology": 120}],
    },
    "versions": [{"version": 3, "written": "2026-11-20T09:30:00+00:00"}],
}
HEALTH: dict[str, Any] = {"status": "alive", "notice": NOTICE}
READY: dict[str, Any] = {
    "status": "ready",
    "notice": NOTICE,
    "synthetic": True,
    "archive": "SYNTHETIC demo archive",
    "version": 3,
    "films": 580,
    "patients": 240,
}
ASKED: dict[str, Any] = {
    "files": ["(the film's bytes)"],
    "k": 5,
    "where": "age between 5 and 20 and sex = 'F'",
    "roi": ["512,700,900,1160"],
}
SHOWN: dict[str, Any] = {"file": "(the film's bytes)"}
PROBLEM_KIND: dict[str, Any] = {"type": "/problems/filter", "title": "The filter cannot be understood", "status": 422}
BAD_FILTER: dict[str, Any] = {
    "type": "/problems/filter",
    "title": "The filter cannot be understood",
    "status": 422,
    "detail": "unexpected ';' at character 9; a filter is one condition; join several with and, or",
    "instance": "/v1/search",
    "position": 8,
    "code": "filter_refused",
    "values": {
        "problem": {"text": "unexpected ';'", "code": "unexpected", "values": {"piece": "';'"}, "parts": []},
        "place": 9,
        "cure": {
            "text": "a filter is one condition; join several with and, or",
            "code": "one_condition",
            "values": {},
            "parts": [],
        },
    },
}
"""Of the filter `age < 20; drop table films`."""
BAD_FILM: dict[str, Any] = {
    "type": "/problems/unreadable-film",
    "title": "A file is not a whole film",
    "status": 422,
    "detail": "knee.png: the file is a PDF; export the film itself and send DICOM, PNG, JPEG or TIFF",
    "instance": "/v1/preview",
    "code": "film_pdf",
    "values": {},
    "film": "knee.png",
}
_UNKNOWN: dict[str, Any] = {
    "type": "/problems/not-found",
    "title": "Nothing is known by that name",
    "status": 404,
}
NO_PATIENT = _UNKNOWN | {
    "detail": f"the archive has no patient {PATIENT!r}; take the pseudonym from an answer",
    "instance": f"/v1/patients/{PATIENT}",
    "code": "no_patient",
    "values": {"patient": PATIENT},
}
NO_FILM = _UNKNOWN | {
    "detail": "the archive has no film 999999; take its number from an answer",
    "instance": "/v1/films/999999/preview",
    "code": "no_archived_film",
    "values": {"number": "999999"},
}
NO_KIND = _UNKNOWN | {
    "detail": "there is no type of problem 'flat-tyre'; GET /problems lists them",
    "instance": "/problems/flat-tyre",
}


def only_get(path: str) -> dict[str, Any]:
    """The refusal of another method, where a route has no refusal of its own."""
    return {
        "type": "/problems/method-not-allowed",
        "title": "This address does not take that method",
        "status": 405,
        "detail": f"POST {path} is not served here; use GET",
        "instance": path,
        "code": "no_method",
        "values": {"method": "POST", "path": path, "other": "GET"},
    }


def no_archive(path: str) -> dict[str, Any]:
    """The refusal where there is no archive."""
    return {
        "type": "/problems/archive",
        "title": "The archive cannot be asked",
        "status": 503,
        "detail": "archive holds no archive; make one with `caselink index SOURCE --archive archive`",
        "instance": path,
        "code": "no_archive",
        "values": {"archive": "archive"},
    }
