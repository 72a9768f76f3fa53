"""Which breast and which projection: the sources, in the order in which they are believed.

View: View Code Sequence, View Position, a quirk, Patient Orientation. Laterality: Image
Laterality, Laterality, a quirk, Patient Orientation. Later sources that disagree are flagged. Which
side of the picture the breast lies on proves nothing and is never looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bactools.dicom.headers import Code, Header

STANDARD = ("CC", "MLO")

# DICOM PS3.16 CID 4014 "View for Mammography": SCT code, SRT / SNM3 code, our word (PS3.3 C.8.11.7).
_VIEW_ROWS: tuple[tuple[str, str, str], ...] = (
    ("399162004", "R-10242", "CC"),
    ("399368009", "R-10226", "MLO"),
    ("399260004", "R-10224", "ML"),
    ("399352003", "R-10228", "LM"),
    ("399099002", "R-10230", "LMO"),
    ("399196006", "R-10244", "FB"),
    ("399188001", "R-102D0", "SIO"),
    ("441555000", "R-40AAA", "ISO"),
    ("399192008", "R-1024A", "XCCL"),
    ("399192008", "Y-X1770", "XCCL"),
    ("399101009", "R-1024B", "XCCM"),
    ("399101009", "Y-X1771", "XCCM"),
    ("127457009", "G-8310", "SPECIMEN"),
)
# DICOM PS3.16 CID 4015 "View Modifier for Mammography".
_MODIFIER_ROWS: tuple[tuple[str, str, str], ...] = (
    ("399163009", "R-102D6", "magnification"),
    ("399055006", "R-102D7", "spot"),
    ("399209000", "R-102D5", "implant_displaced"),
    ("399161006", "R-102D2", "cleavage"),
    ("399011000", "R-102D1", "axillary_tail"),
    ("442580003", "R-40AB2", "axillary_tissue"),
    ("399197002", "R-102D3", "rolled_lateral"),
    ("399226006", "R-102D4", "rolled_medial"),
    ("414493004", "R-102CA", "rolled_inferior"),
    ("415670009", "R-102C9", "rolled_superior"),
    ("399110001", "R-102C2", "tangential"),
    ("441752004", "P2-00161", "anterior_compression"),
    ("442593008", "R-40ABE", "infra_mammary_fold"),
    ("442581004", "R-40AB3", "nipple_in_profile"),
)
_SCHEMES = {"SCT": 0, "SRT": 1, "SNM3": 1}  # "99..." schemes are private to a vendor and skipped

VIEW_POSITIONS = frozenset(
    {"CC", "MLO", "ML", "LM", "LMO", "FB", "SIO", "ISO", "XCC", "XCCL", "XCCM", "AT", "CV", "TAN"}
    | {"SPECIMEN", "FLATFIELD"}
)
"""Words of View Position (0018,5101) that are understood. Any other word ends the search: the view is
unknown, rather than guessed from Patient Orientation."""


def _lookup(rows: tuple[tuple[str, str, str], ...]) -> dict[tuple[int, str], str]:
    return {(column, row[column]): row[2] for row in rows for column in (0, 1)}


_VIEWS = _lookup(_VIEW_ROWS)
_MODIFIERS = _lookup(_MODIFIER_ROWS)


@dataclass(frozen=True)
class Position:
    """Projection and side of one image.

    Attributes
    ----------
    view : str
        ``CC``, ``MLO``, another word of ours, or ``""``.
    laterality : str
        ``L``, ``R`` or ``""``.
    modifiers : tuple of str
        Words of CID 4015.
    flags : tuple of str
        ``view_contradiction``, ``laterality_contradiction``, ``laterality_from_orientation``.
    """

    view: str
    laterality: str
    modifiers: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


def position(header: Header, *, view: str = "", laterality: str = "") -> Position:
    """Find view and laterality.

    Parameters
    ----------
    header : Header
        The header.
    view, laterality : str
        What a quirk reads from this collection's files; ``""`` when it knows nothing.

    Returns
    -------
    Position
        The first source in the stated order wins.

    References
    ----------
    DICOM PS3.3 C.8.11.7 (Mammography Image), PS3.16 CID 4014 and CID 4015, PS3.3 C.7.6.1.1.1
    (Patient Orientation).
    """
    word = header.word("ViewPosition")
    implied_view, implied_side = orientation(header.values("PatientOrientation"))
    code = next(iter(_known(header.view_codes, _VIEWS)), "")
    views = [value for value in (code, word if word in VIEW_POSITIONS else "", view) if value]
    sides = [_side(header, "ImageLaterality"), _side(header, "Laterality"), laterality]
    sides = [value for value in sides if value]
    flags = []
    # Patient Orientation knows only CC and MLO, and the side of a CC only under an assumption.
    if len({*views, *([implied_view] if implied_view and set(views) <= set(STANDARD) else [])}) > 1:
        flags.append("view_contradiction")
    if len({*sides, *([implied_side] if implied_view == "MLO" else [])}) > 1:
        flags.append("laterality_contradiction")
    if implied_side and not sides:
        flags.append("laterality_from_orientation")
    if not views and not word:
        views = [implied_view]
    modifiers = tuple(dict.fromkeys(_known(header.modifier_codes, _MODIFIERS)))
    return Position(next(iter(views), ""), next(iter(sides), implied_side), modifiers, tuple(flags))


def orientation(values: tuple[str, ...]) -> tuple[str, str]:
    """Return the (view, laterality) that Patient Orientation implies, ``""`` for what it does not.

    The second value is the direction of the columns. Foot and right, or head and left, is a left
    MLO; foot and left, or head and right, a right MLO. Exactly left or right is a CC, of the right
    or left breast if its lateral side is at the top.
    """
    column = values[1].upper() if len(values) == 2 else ""
    if column in ("L", "R"):
        return "CC", "L" if column == "R" else "R"
    vertical, side = set(column) & {"F", "H"}, set(column) & {"L", "R"}
    if len(vertical) == 1 and len(side) == 1:
        return "MLO", "L" if (vertical, side) in (({"F"}, {"R"}), ({"H"}, {"L"})) else "R"
    return "", ""


def _known(codes: tuple[Code, ...], table: Mapping[tuple[int, str], str]) -> list[str]:
    keys = [(_SCHEMES[scheme], value) for scheme, value in codes if scheme in _SCHEMES]
    return [table[key] for key in keys if key in table]


def _side(header: Header, keyword: str) -> str:
    value = header.word(keyword)
    return value if value in ("L", "R") else ""
