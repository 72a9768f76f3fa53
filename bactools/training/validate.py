"""How well a network segments the validation patches."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from bactools.inference import Predictor
from bactools.metrics.segmentation import Scores, segmentation_scores
from bactools.training.losses import Criterion


@torch.no_grad()
def validate(
    predictor: Predictor, batches: Iterable[tuple[Tensor, Tensor]], criterion: Criterion
) -> dict[str, float]:
    """Score patches as inference would segment them.

    Parameters
    ----------
    predictor : Predictor
        Put into evaluation mode.
    batches : iterable of (grey, label)
        Both (batch, 1, y, x), grey 0 to 255.
    criterion : callable
        From `build_loss`.

    Returns
    -------
    dict
        ``validation_loss``; ``dice``, ``recall`` and ``precision`` of all pixels pooled; ``patch_dice``,
        the mean over patches with calcium; ``false_area_negative``, the falsely found area per patch
        without calcium [pixel]. NaN where there is nothing to divide by.
    """
    predictor.network.eval()
    pooled, dices, false_areas = Scores(0, 0, 0, 0), list[float](), list[int]()
    loss, count = 0.0, 0
    for grey, label in batches:
        raw = predictor.network(as_input(predictor, grey))
        found = (predictor.finish(raw) > predictor.recipe.cut).cpu().numpy()
        loss += float(criterion(raw, label.to(predictor.device))) * len(grey)
        count += len(grey)
        for mine, truth in zip(found[:, 0], label[:, 0].numpy() > 0, strict=True):
            scores = segmentation_scores(mine, truth)
            pooled += scores
            if scores.tp + scores.fn:
                dices.append(scores.f1)
            else:
                false_areas.append(scores.fp)
    return {
        "validation_loss": loss / count if count else math.nan,
        "dice": pooled.f1,
        "patch_dice": float(np.mean(dices)) if dices else math.nan,
        "recall": pooled.recall,
        "precision": pooled.precision,
        "false_area_negative": float(np.mean(false_areas)) if false_areas else math.nan,
    }


def as_input(predictor: Predictor, grey: Tensor) -> Tensor:
    """Return grey values (batch, 1, y, x) as the recipe shows them to the network, (batch, 3, y, x)."""
    return predictor.normalise(grey.to(predictor.device)).expand(-1, 3, -1, -1)
