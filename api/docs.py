"""The page that documents the API at /docs, with its scripts served from here: it works without any network."""

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

SCRIPTS = "/docs/static"


def install_docs(app: FastAPI) -> None:
    """Serve /docs over the app's own OpenAPI document; the app must have been made with `docs_url=None`."""

    async def docs(_: Request) -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url=str(app.openapi_url),
            title="caselink API",
            swagger_js_url=f"{SCRIPTS}/swagger-ui-bundle.js",
            swagger_css_url=f"{SCRIPTS}/swagger-ui.css",
            swagger_favicon_url=f"{SCRIPTS}/favicon.png",
        )

    app.mount(SCRIPTS, StaticFiles(packages=[("fastapi_offline", "static")]), name="docs-scripts")
    app.add_route("/docs", docs, include_in_schema=False)
