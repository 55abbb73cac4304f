"""The command line: `caselink`."""

import logging
import sys

import typer

from api.cli import (
    archive,
    bench,
    demo,
    evaluate,
    explain,
    feedback,
    index,
    keep,
    query,
    reproduce,
    screens,
    segment,
    serve,
    train,
    tune,
    validate,
)
from engine.errors import CaselinkError

app = typer.Typer(
    name="caselink",
    help="Find the past patients whose radiographs look most like this one. Research use only; not a diagnosis.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("index")(index.index)
app.command("query")(query.query)
app.command("evaluate")(evaluate.evaluate)
app.command("explain")(explain.explain)
app.command("train")(train.train)
app.command("validate")(validate.validate)
app.command("segment-metrics")(segment.segment_metrics)
app.command("report")(archive.report)
app.command("archive")(archive.archive)
app.command("patient")(archive.patient)
app.command("verify")(keep.verify)
app.command("erase")(keep.erase)
app.command("tune")(tune.tune)
app.command("serve")(serve.serve)
app.command("page")(serve.page)
app.command("demo")(demo.demo)
app.add_typer(feedback.app, name="feedback", help="What people said of answers.")
app.command("screens")(screens.screens)
app.add_typer(reproduce.app, name="reproduce", help="Print a paper's table, made with one's own films.")
app.command("bench", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(bench.bench)


def main() -> None:
    """Run a command; a deliberate error becomes one sentence on stderr and exit code 1."""
    logging.captureWarnings(True)  # what a library warns of, such as a torn TIFF, is said in our own sentence
    try:
        app()
    except CaselinkError as error:
        print(f"caselink: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        # whatever a room did not foresee, such as a place without permission: one sentence too
        place = error.filename or "a file"
        print(f"caselink: {place} cannot be used ({error.strerror}); see to it and try again", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("caselink: stopped; everything acknowledged is kept, run the same again to go on", file=sys.stderr)
        sys.exit(130)
