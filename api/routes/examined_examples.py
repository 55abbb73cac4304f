"""Examples of what an archive and its evaluations look like, for OpenAPI; a test holds each against its schema."""

from typing import Any

from api.routes.examples import PATIENT
from api.schemas import NOTICE

_LESION = {"malignancy": "benign", "site": "femur", "side": "L", "taken": "2019-03-11", "patient": PATIENT}
MAP: dict[str, Any] = {
    "notice": NOTICE,
    "version": 3,
    "method": "PCA",
    "films": 580,
    "explained": [0.21, 0.12],
    "points": [{"film": 17, "x": 0.412, "y": -0.0831, "entity": "osteochondroma"} | _LESION],
}
FILM: dict[str, Any] = {
    "notice": NOTICE,
    "synthetic": True,
    "film": 17,
    "patient": PATIENT,
    "entity": "osteochondroma",
    "malignancy": "benign",
    "proof": "histology",
    "site": "femur",
    "side": "L",
    "view": "frontal",
    "taken": "2019-03-11",
    "age": 14.0,
    "sex": "F",
    "centre": None,
    "stage": "before treatment",
    "rows": 2140,
    "columns": 1320,
    "region": [412, 890, 860, 1310],
    "region_origin": "mask",
    "spacing_mm": [0.143, 0.143],
}
LEFT_OUT: dict[str, Any] = {
    "notice": NOTICE,
    "reasons": [
        {
            "outcome": "left out",
            "reason": "it ends too early; copy or export it anew",
            "files": 3,
            "remark": {
                "text": "it ends too early; copy or export it anew",
                "code": "film_cut_off",
                "values": {},
                "film": None,
                "parts": [],
            },
        }
    ],
}
NEAR: dict[str, Any] = {
    "notice": NOTICE,
    "pairs": [{"film": 17, "other": 21, "likeness": 0.91, "patient": PATIENT, "other_patient": PATIENT}],
}
BAD_LIMIT: dict[str, Any] = {
    "type": "/problems/query",
    "title": "The question has no answer as asked",
    "status": 422,
    "detail": "limit = 5000 is outside 1 to 1000; ask for a number within",
    "instance": "/v1/archive/near-duplicates",
    "code": "limit_outside",
    "values": {"limit": 5000, "most": 1000},
}
_FACTS: dict[str, Any] = {
    "run": "held-2026",
    "written": "2026-11-20T09:30:00+00:00",
    "model": "default",
    "protocol": "leave one patient out",
    "archive": "SYNTHETIC demo archive",
    "synthetic": True,
    "films": 240,
    "patients": 120,
    "groups": ["centre=1", "centre=2"],
}
RUNS: dict[str, Any] = {"notice": NOTICE, "runs": [_FACTS]}
RUN: dict[str, Any] = {
    "notice": NOTICE,
    "facts": _FACTS,
    "evaluation": {
        "manifest": {"model": "default", "protocol": "leave one patient out"},
        "groups": {"all": {"n_films": 240, "n_patients": 120, "map": {"value": 0.5, "low": 0.4, "high": 0.6}}},
    },
}
TWO: dict[str, Any] = {
    "notice": NOTICE,
    "first": RUN,
    "second": RUN,
    "same_films": True,
    "differences": [
        {"group": "all", "measure": "map", "k": None, "first": 0.5, "second": 0.5, "difference": 0.0}
        | {"low": None, "high": None}
    ],
}


def no_run(path: str) -> dict[str, Any]:
    """The refusal where there is no such evaluation, and no folder of them."""
    return {
        "type": "/problems/not-found",
        "title": "Nothing is known by that name",
        "status": 404,
        "detail": "there is no evaluation 'no-such-run'; no folder of evaluations is set; set CASELINK_RUNS",
        "instance": path,
        "code": "no_runs",
        "values": {"run": "no-such-run"},
    }
