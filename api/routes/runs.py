"""Stored evaluations, one by one or two side by side."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.routes import examined_examples as examples
from api.routes.common import NO_STORE, ServiceOf, answers
from api.routes.examples import only_get
from api.schemas import NOTICE, RunDifference, RunFacts, RunList, StoredRun, TwoRuns
from indexer.runs import Run, differences, list_runs, read_run

router = APIRouter(tags=["evaluations"])
SAME = ("protocol", "n_archive_films", "n_archive_patients", "ks", "where", "query_where", "queries")
RunName = Annotated[str, Path(description="An evaluation's name, as the list gives it.", examples=["no-such-run"])]


@router.get(
    "/v1/runs",
    response_model=RunList,
    summary="The stored evaluations",
    responses=answers(examples.RUNS, only_get("/v1/runs"), of_archive=False),
)
def runs(response: Response, service: ServiceOf) -> RunList:
    """Those of the folder `CASELINK_RUNS`, newest first; without it there are none."""
    response.headers["Cache-Control"] = NO_STORE
    return RunList(NOTICE, tuple(_facts(run) for run in list_runs(service.settings.runs)))


@router.get(
    "/v1/runs/{run}",
    response_model=StoredRun,
    summary="One evaluation",
    responses=answers(examples.RUN, examples.no_run("/v1/runs/no-such-run"), of_archive=False),
)
def run(run: RunName, response: Response, service: ServiceOf) -> StoredRun:
    """As it was written: figures by group with intervals, reliability, risk-coverage, confusion matrix."""
    response.headers["Cache-Control"] = NO_STORE
    return _told(read_run(service.settings.runs, run))


@router.get(
    "/v1/runs/{run}/beside/{other}",
    response_model=TwoRuns,
    summary="Two evaluations side by side",
    responses=answers(examples.TWO, examples.no_run("/v1/runs/no-such-run/beside/no-such-run"), of_archive=False),
)
def beside(run: RunName, other: RunName, response: Response, service: ServiceOf) -> TwoRuns:
    """Both as they were written, whether they asked alike, and the difference of every figure that both have."""
    response.headers["Cache-Control"] = NO_STORE
    one, two = (read_run(service.settings.runs, name) for name in (run, other))
    alike = all(one.manifest.get(name) == two.manifest.get(name) for name in SAME)
    alike = alike and all(one.whole[name] == two.whole[name] for name in ("n_films", "n_patients"))
    found = tuple(RunDifference(**row) for row in differences(one, two))
    return TwoRuns(NOTICE, _told(one), _told(two), alike, found)


def _told(run: Run) -> StoredRun:
    return StoredRun(NOTICE, _facts(run), run.evaluation)


def _facts(run: Run) -> RunFacts:
    told = {
        name: None if value is None else str(value)[:200]
        for name, value in (
            ("model", run.manifest.get("recipe") or run.manifest.get("model")),
            ("protocol", run.manifest.get("protocol")),
            ("archive", run.manifest.get("archive") or run.manifest.get("source")),
        )
    }
    groups = tuple(name for name in run.evaluation["groups"] if name != "all")
    synthetic = bool(run.manifest.get("synthetic"))
    films, patients = run.whole["n_films"], run.whole["n_patients"]
    return RunFacts(run.name, run.written, **told, synthetic=synthetic, films=films, patients=patients, groups=groups)
