"""Agreement of two measurements of the same thing: Bland and Altman's limits and what came after."""

from bactools.stats.agreement.analysis import Agreement, agreement
from bactools.stats.agreement.by_group import AgreementBy, agreement_by

__all__ = ["Agreement", "AgreementBy", "agreement", "agreement_by"]
