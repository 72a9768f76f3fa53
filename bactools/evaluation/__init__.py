"""How well a study's masks agree with drawn ones."""

from bactools.evaluation.compare import evaluate
from bactools.evaluation.match import EvaluationError
from bactools.evaluation.result import Evaluation

__all__ = ["Evaluation", "EvaluationError", "evaluate"]
