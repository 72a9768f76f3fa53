"""What is known of the women beside their images: taken in from files, checked, kept, put into the cube."""

from bactools.study.covariates.errors import CovariatesError
from bactools.study.covariates.kept import with_covariates
from bactools.study.covariates.report import CovariatesReport
from bactools.study.covariates.study import Described

__all__ = ["CovariatesError", "CovariatesReport", "Described", "with_covariates"]
