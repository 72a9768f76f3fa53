"""Image and network in, probability map out: in one pass or by windows."""

from bactools.inference.onepass import one_pass
from bactools.inference.predict import Predictor, gpu_count, load_predictor, predict, use_threads
from bactools.inference.windows import by_windows

__all__ = ["Predictor", "by_windows", "gpu_count", "load_predictor", "one_pass", "predict", "use_threads"]
