"""Training by the paper's protocol: patches, split by woman, augmentation, loop, weights."""

from bactools.training.augment import Augmentation
from bactools.training.checks import ConfigError
from bactools.training.config import TrainingConfig
from bactools.training.finetune import finetune
from bactools.training.loop import train
from bactools.training.patches import PatchError, PatchSet, cut_patches, open_patches
from bactools.training.result import Trained

__all__ = [
    "Augmentation",
    "ConfigError",
    "PatchError",
    "PatchSet",
    "Trained",
    "TrainingConfig",
    "cut_patches",
    "finetune",
    "open_patches",
    "train",
]
