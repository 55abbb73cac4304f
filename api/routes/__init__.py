"""The HTTP routes, one module for each thing they speak of."""

from api.routes import about, explain, films, patients, search

ROUTERS = (search.router, explain.router, patients.router, films.router, about.router)

__all__ = ["ROUTERS"]
