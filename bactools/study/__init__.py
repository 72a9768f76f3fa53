"""The folder that a run fills: index, journal of finished images, maps, cube, provenance."""

from bactools.study.opening import create_study, open_study
from bactools.study.study import Study, StudyError

__all__ = ["Study", "StudyError", "create_study", "open_study"]
