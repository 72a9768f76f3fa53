"""How far a measurement repeats itself: error within women, and the smallest change beyond it."""

from bactools.stats.reliability.measurement import MeasurementError, measurement_error

__all__ = ["MeasurementError", "measurement_error"]
