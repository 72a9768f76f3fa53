"""The pages, in the order of the menu."""

from __future__ import annotations

from dashboards.base import Page
from dashboards.pages.agreement import AgreementPage
from dashboards.pages.cohort import CohortPage
from dashboards.pages.images import ImagesPage
from dashboards.pages.models import ModelsPage
from dashboards.pages.quality import QualityPage
from dashboards.pages.regression import RegressionPage
from dashboards.pages.risk import RiskPage
from dashboards.pages.thresholds import ThresholdsPage
from dashboards.pages.trajectories import TrajectoriesPage

PAGES: tuple[type[Page], ...] = (
    CohortPage,
    RegressionPage,
    AgreementPage,
    TrajectoriesPage,
    ThresholdsPage,
    ImagesPage,
    ModelsPage,
    RiskPage,
    QualityPage,
)
