"""How a breast lies on the detector on one day: compression, turn, shift and magnification."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bactools.phantom.noise import stream

SOURCE_TO_DETECTOR = 700.0
"""From the focus to the detector [mm]."""

_COVER = 20.0  # from the breast support to the detector [mm]


@dataclass(frozen=True)
class Position:
    """One view's geometry.

    Attributes
    ----------
    view : {"CC", "MLO"}
    side : {"L", "R"}
    thickness : float
        Of the compressed breast [mm].
    spread : float
        How much wider compression makes the breast.
    angle : float
        Between the plane of projection and the horizontal [radian]; 0 for CC.
    turn : float
        Rotation in the plane of the detector [radian].
    pulled : float
        How much of the breast, from the chest wall on, is outside the field [mm].
    raised : float
        Shift of the nipple from the middle of the detector, upwards [mm].
    roll : float
        How far the upper surface is rolled against the lower [mm].
    """

    view: str
    side: str
    thickness: float
    spread: float
    angle: float
    turn: float
    pulled: float
    raised: float
    roll: float

    @property
    def magnification(self) -> float:
        """Of the middle of the breast."""
        return SOURCE_TO_DETECTOR / (SOURCE_TO_DETECTOR - _COVER - self.thickness / 2)

    def reach(self, half_axes: tuple[float, float, float]) -> float:
        """Return half the width of the uncompressed breast along the direction of compression [mm]."""
        if self.view == "CC":
            return half_axes[2]
        return float(np.hypot(np.cos(self.angle) * half_axes[1], np.sin(self.angle) * half_axes[2]))

    def squeeze(self, half_axes: tuple[float, float, float]) -> float:
        """Return the compressed over the uncompressed thickness."""
        return self.thickness / (2 * self.reach(half_axes))

    def _turned(
        self, lateral: NDArray[np.float64], superior: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what points upwards on the detector, and what along the beam."""
        if self.view == "CC":
            return lateral, superior
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        return cosine * superior + sine * lateral, cosine * lateral - sine * superior

    def rotate(self, offsets: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return offsets within a body that compression does not squash, as seen on the detector.

        Parameters
        ----------
        offsets : float array, shape (point, 3)
            Depth, lateral, superior [mm].

        Returns
        -------
        float64 array, shape (point, 2)
            Outwards and upwards [mm, at the detector].
        """
        upwards, _ = self._turned(offsets[:, 1], offsets[:, 2])
        return np.column_stack([offsets[:, 0], upwards]) * self.magnification

    def project(
        self, points: NDArray[np.floating], half_axes: tuple[float, float, float]
    ) -> NDArray[np.float64]:
        """Return where points of the breast lie under compression.

        Parameters
        ----------
        points : float array, shape (point, 3)
            Depth, lateral, superior in the uncompressed breast [mm].
        half_axes : (float, float, float)
            Of the breast [mm].

        Returns
        -------
        float64 array, shape (point, 3)
            On the detector: distance from the chest wall's edge, upwards from its middle [mm, at the
            detector]; and height above the breast support [mm].
        """
        depth, lateral, superior = np.asarray(points, dtype=np.float64).T
        reach = self.reach(half_axes)
        upwards, through = self._turned(lateral, superior)
        height = (np.clip(through / reach, -1, 1) + 1) / 2 * self.thickness
        out = depth * self.spread - self.pulled
        up = upwards * self.spread + self.roll * (height / self.thickness - 0.5)
        cosine, sine = np.cos(self.turn), np.sin(self.turn)
        out, up = out * cosine - up * sine * 0.3, up * cosine + out * sine
        enlarged = SOURCE_TO_DETECTOR / (SOURCE_TO_DETECTOR - _COVER - height)
        return np.column_stack([out * enlarged, up * enlarged + self.raised, height])


def take(seed: int, exam: int, side: str, view: str, half_axes: tuple[float, float, float]) -> Position:
    """Return how the breast was positioned for one view of one exam.

    Parameters
    ----------
    seed : int
        The woman's.
    exam : int
        Number of the exam.
    side : {"L", "R"}
    view : {"CC", "MLO"}
    half_axes : (float, float, float)
        Of the breast [mm].
    """
    habit = stream(seed, "position", side, view)
    today = stream(seed, "position", side, view, exam)
    usual = np.clip(0.62 * min(half_axes[1], half_axes[2]), 18, 75)
    return Position(
        view=view,
        side=side,
        thickness=float(usual * np.exp(habit.normal(0, 0.06) + today.normal(0, 0.06))),
        spread=float(1.1 + habit.normal(0, 0.03) + today.normal(0, 0.02)),
        angle=float(np.deg2rad(45 + habit.normal(0, 4) + today.normal(0, 3))) if view == "MLO" else 0.0,
        turn=float(np.deg2rad(habit.normal(0, 2) + today.normal(0, 2.5))),
        pulled=float(np.clip(habit.normal(2, 3) + today.normal(0, 3), 0, 0.12 * half_axes[0])),
        raised=float(habit.normal(0, 6) + today.normal(0, 5) + (-8 if view == "MLO" else 0)),
        roll=float(today.normal(0, 3)),
    )
