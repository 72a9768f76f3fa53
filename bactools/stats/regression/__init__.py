"""Regression of one measurement on another, with standard errors that know of women."""

from bactools.stats.regression.model import Regression, regression

__all__ = ["Regression", "regression"]
