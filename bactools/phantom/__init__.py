"""Synthetic women whose mammograms are made, and of whom everything is known."""

from bactools.phantom.cohorts import make_cohort
from bactools.phantom.view import View, render
from bactools.phantom.woman import Woman, draw_woman

__all__ = ["View", "Woman", "draw_woman", "make_cohort", "render"]
