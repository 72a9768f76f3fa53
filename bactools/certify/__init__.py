"""Reference answers: whether bactools gives the numbers that were published."""

from bactools.certify.case import CaseError
from bactools.certify.run import Certificate, certify

__all__ = ["CaseError", "Certificate", "certify"]
