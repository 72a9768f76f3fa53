"""Grades of burden: none, mild, moderate, severe."""

from bactools.stats.grades.grade import Grades, grades

__all__ = ["Grades", "grades"]
