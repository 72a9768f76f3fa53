"""Image and network in, probability map out: in one pass or by windows."""

from bactools.inference.one_pass import one_pass
from bactools.inference.predict import Predictor, load_predictor, predict
from bactools.inference.windows import by_windows

__all__ = ["Predictor", "by_windows", "load_predictor", "one_pass", "predict"]
