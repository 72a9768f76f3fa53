"""Looking into a study from outside: which women, which images, read-only and quick."""

from bactools.explore.cohort import Cohort, CohortError
from bactools.explore.controls import Control, controls
from bactools.explore.source import Source

__all__ = ["Cohort", "CohortError", "Control", "Source", "controls"]
