"""Looking into a study from outside: which women, which images, read-only and quick."""

from bactools.explore.cohort import LONGEST, Cohort, CohortError
from bactools.explore.controls import Control, controls
from bactools.explore.meant import read_cohort
from bactools.explore.question import Found
from bactools.explore.source import Source
from bactools.query import QueryError

__all__ = [
    "LONGEST",
    "Cohort",
    "CohortError",
    "Control",
    "Found",
    "QueryError",
    "Source",
    "controls",
    "read_cohort",
]
