"""The HTTP routes, one module for each thing they speak of."""

from api.routes import (
    about,
    archive,
    audit,
    board,
    board_drafts,
    board_export,
    board_holdings,
    explain,
    feedback,
    films,
    patients,
    region,
    runs,
    search,
)

ROUTERS = (
    *(search.router, region.router, explain.router, patients.router, films.router),
    *(
        board.router,
        board_holdings.router,
        board_drafts.router,
        board_export.router,
        feedback.router,
        audit.router,
        archive.router,
        runs.router,
        about.router,
    ),
)

__all__ = ["ROUTERS"]
