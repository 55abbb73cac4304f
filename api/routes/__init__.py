"""The HTTP routes, one module for each thing they speak of."""

from api.routes import about, explain, films, patients, region, search

ROUTERS = (search.router, region.router, explain.router, patients.router, films.router, about.router)

__all__ = ["ROUTERS"]
