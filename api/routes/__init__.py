"""The HTTP routes, one module for each thing they speak of."""

from api.routes import (
    about,
    audit,
    board,
    board_export,
    board_holdings,
    explain,
    feedback,
    films,
    patients,
    region,
    search,
)

ROUTERS = (
    *(search.router, region.router, explain.router, patients.router, films.router),
    *(board.router, board_holdings.router, board_export.router, feedback.router, audit.router, about.router),
)

__all__ = ["ROUTERS"]
