"""What is inside an archive: the map of its vectors, near-duplicates, and what was left out."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.routes import examined_examples as examples
from api.routes.common import NO_STORE, ServiceOf, answers, on_cpu
from api.routes.examples import only_get
from api.schemas import NOTICE, ArchiveMap, LeftOut, MapPoint, NearPair, NearPairs, OutOfArchive
from api.service import Service
from indexer.embedding_map import METHOD
from indexer.facts import left_out_facts, near_pairs
from indexer.journal import limits

router = APIRouter(tags=["archive"])
TOLD = ("entity", "malignancy", "site", "side", "taken", "patient")
"""What the map tells of each film, in the order of `MapPoint`."""


@router.get(
    "/v1/archive/map",
    response_model=ArchiveMap,
    summary="The archive's films on a plane",
    responses=answers(examples.MAP, only_get("/v1/archive/map")),
)
async def map_of_films(response: Response, service: ServiceOf) -> ArchiveMap:
    """The vectors' two widest directions (PCA), computed once a version; of large archives some thousand films."""
    response.headers["Cache-Control"] = NO_STORE
    return await on_cpu(service, lambda: _map(service))


def _map(service: Service) -> ArchiveMap:
    snapshot, found = service.map()
    columns = snapshot.films.select(["film", *TOLD]).to_pydict()
    known = dict(zip(columns.pop("film"), zip(*columns.values(), strict=True), strict=True))
    points = tuple(
        MapPoint(film, round(x, 4), round(y, 4), *known[film])
        for film, (x, y) in zip(found.film.tolist(), found.xy.tolist(), strict=True)
    )
    first, second = (round(share, 4) for share in found.explained)
    return ArchiveMap(NOTICE, snapshot.manifest.version, METHOD, found.films, (first, second), points)


@router.get(
    "/v1/archive/left-out",
    response_model=OutOfArchive,
    summary="What was left out, and why",
    responses=answers(examples.LEFT_OUT, only_get("/v1/archive/left-out")),
)
def left_out(response: Response, service: ServiceOf) -> OutOfArchive:
    """Duplicates too. Files are counted, not named: a name may be a patient's."""
    response.headers["Cache-Control"] = NO_STORE
    found = left_out_facts(service.current().snapshot)
    return OutOfArchive(NOTICE, tuple(LeftOut(**row) for row in found))


@router.get(
    "/v1/archive/near-duplicates",
    response_model=NearPairs,
    summary="Films that are one exposure",
    responses=answers(examples.NEAR, examples.BAD_LIMIT),
)
def near_duplicates(
    response: Response,
    service: ServiceOf,
    first: Annotated[int, Query(ge=0, le=2**31, description="Pairs passed over, to page on.")] = 0,
    limit: Annotated[int, Query(description="Most pairs, 1 to 1000.")] = 100,
) -> NearPairs:
    """Likest first."""
    response.headers["Cache-Control"] = NO_STORE
    found = near_pairs(service.current().snapshot, first, limits.page(limit))
    return NearPairs(NOTICE, tuple(NearPair(**row) for row in found))
