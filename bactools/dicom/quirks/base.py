"""What a quirk is: when it applies, and what it knows better than the standard's attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bactools.dicom.headers import Header


@dataclass(frozen=True, repr=False)
class Corrections:
    """What a quirk reads from a header; empty values change nothing.

    Attributes
    ----------
    patient : str
        The woman's identifier, instead of Patient ID.
    view, laterality : str
        ``CC``, ``MLO`` … and ``L``, ``R``; used after the standard attributes.
    synthesized : bool
        The image was computed from a tomosynthesis series.
    """

    patient: str = ""
    view: str = ""
    laterality: str = ""
    synthesized: bool = False


class Quirk(Protocol):
    """One vendor's or collection's habit."""

    @property
    def name(self) -> str:
        """Short name."""

    def matches(self, header: Header) -> bool:
        """Whether the file is of this kind."""

    def correct(self, header: Header) -> Corrections:
        """Return what the file really says."""


@dataclass(frozen=True)
class NamedSynthesis:
    """A vendor that names its synthesized 2D images only in a description.

    Attributes
    ----------
    name : str
        Vendor.
    product_names : tuple of str
        Names, in capitals, that stand in Series Description or Image Type.
    """

    name: str
    product_names: tuple[str, ...]

    def matches(self, header: Header) -> bool:
        """Whether one of the product names is in the header; Manufacturer is often overwritten."""
        said = " ".join((header.word("SeriesDescription"), *header.values("ImageType"))).upper()
        return any(product in said for product in self.product_names)

    def correct(self, header: Header) -> Corrections:
        """Call the image synthesized."""
        return Corrections(synthesized=True)
