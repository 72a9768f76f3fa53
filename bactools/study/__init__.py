"""The folder that a run fills: index, journal of finished images, maps, cube, provenance."""

from bactools.study.study import Study, StudyError, create_study, open_study

__all__ = ["Study", "StudyError", "create_study", "open_study"]
