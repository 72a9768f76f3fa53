"""What is raised when covariates cannot be taken in."""

from __future__ import annotations


class CovariatesError(ValueError):
    """A file of covariates that cannot be used as asked; it names rows by number, never by content."""
