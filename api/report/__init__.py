"""A case of the tumour board as a document to file: one to three A4 pages as PDF, and the same as DOCX."""

from api.report.content import Gathered, Report, report_of
from api.report.docx import as_docx
from api.report.gather import gather
from api.report.pdf import as_pdf
from api.words import LANGUAGES

WRITERS = {"pdf": as_pdf, "docx": as_docx}

__all__ = ["LANGUAGES", "WRITERS", "Gathered", "Report", "as_docx", "as_pdf", "gather", "report_of"]
