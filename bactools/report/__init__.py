"""The report: a study's findings as one self-contained HTML file, or as PDF."""

from bactools.report.assembly import html_report, write_report
from bactools.report.parts import ReportError

__all__ = ["ReportError", "html_report", "write_report"]
