"""The HTTP routes, one module for each thing they speak of."""

from api.routes import about, films, patients, search

ROUTERS = (search.router, patients.router, films.router, about.router)

__all__ = ["ROUTERS"]
