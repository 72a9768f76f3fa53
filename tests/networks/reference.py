"""SCU-Net written a second time, straight from the layer table, as functions on a checkpoint's tensors.

Nothing here uses bactools: it is what the package is held against, in float64.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

State = dict[str, Tensor]


def read_state(path: Path) -> State:
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    return {key.removeprefix("module."): value for key, value in checkpoint["model_state_dict"].items()}


def norm(s: State, name: str, x: Tensor, eps: float) -> Tensor:
    return F.batch_norm(
        x,
        s[f"{name}.running_mean"],
        s[f"{name}.running_var"],
        s[f"{name}.weight"],
        s[f"{name}.bias"],
        training=False,
        eps=eps,
    )


def conv_block(s: State, name: str, x: Tensor, stride: int) -> Tensor:
    x = F.conv2d(x, s[f"{name}.conv.weight"], stride=stride, padding=1)
    return F.prelu(norm(s, f"{name}.bn", x, 1e-3), s[f"{name}.act.weight"])


def inject(s: State, name: str, x: Tensor) -> Tensor:
    return F.prelu(norm(s, f"{name}.bn", x, 1e-3), s[f"{name}.act.weight"])


def context_down(s: State, name: str, x: Tensor, dilation: int) -> Tensor:
    x = conv_block(s, f"{name}.conv1x1", x, 2)
    n = x.shape[1]
    local = F.conv2d(x, s[f"{name}.F_loc.conv.weight"], padding=1, groups=n)
    around = F.conv2d(x, s[f"{name}.F_sur.conv.weight"], padding=dilation, dilation=dilation, groups=n)
    joint = torch.cat([local, around], 1)
    joint = F.prelu(norm(s, f"{name}.bn", joint, 1e-3), s[f"{name}.act.weight"])
    joint = F.conv2d(joint, s[f"{name}.reduce.conv.weight"])
    gate = joint.mean((2, 3))
    gate = F.relu(F.linear(gate, s[f"{name}.F_glo.fc.0.weight"], s[f"{name}.F_glo.fc.0.bias"]))
    gate = torch.sigmoid(F.linear(gate, s[f"{name}.F_glo.fc.2.weight"], s[f"{name}.F_glo.fc.2.bias"]))
    return joint * gate[:, :, None, None]


def up(s: State, name: str, x: Tensor, skip: Tensor) -> Tensor:
    x = torch.cat([skip, F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)], 1)
    for conv, bn, act in ((0, 1, 2), (3, 4, 5)):
        prefix = f"{name}.conv.conv"
        x = F.conv2d(x, s[f"{prefix}.{conv}.weight"], s[f"{prefix}.{conv}.bias"], padding=1)
        x = F.prelu(norm(s, f"{prefix}.{bn}", x, 1e-5), s[f"{prefix}.{act}.weight"])
    return x


def scunet(s: State, x: Tensor) -> Tensor:
    half = F.avg_pool2d(x, 3, 2, 1)
    quarter = F.avg_pool2d(half, 3, 2, 1)
    e0 = conv_block(s, "level1_2", conv_block(s, "level1_1", conv_block(s, "level1_0", x, 2), 1), 1)
    e1 = context_down(s, "level2_0", inject(s, "b1", torch.cat([e0, half], 1)), 2)
    e2 = context_down(s, "level3_0", inject(s, "b2", torch.cat([e1, quarter], 1)), 4)
    x = up(s, "up4", up(s, "up3", e2, e1), e0)
    x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
    return F.conv2d(x, s["outc.conv.weight"], s["outc.conv.bias"])


def published_map(state: State, smoothed: np.ndarray, *, logit: bool) -> np.ndarray:
    """The authors' loop over windows on a median-filtered 8-bit image, float64, maximum onto zeros."""
    height, width = smoothed.shape
    canvas = np.zeros((height, width))
    for top in dict.fromkeys([*range(0, height - 511, 480), height - 512]):
        for left in dict.fromkeys([*range(0, width - 511, 480), width - 512]):
            crop = smoothed[top : top + 512, left : left + 512]
            if crop.mean() <= 20 or crop.std() <= 10:
                continue
            grey = (crop.astype(np.float32) / np.float32(255) - np.float32(0.2813)) / np.float32(0.1256)
            x = torch.from_numpy(grey.astype(np.float64))[None, None].repeat(1, 3, 1, 1)
            raw = scunet(state, x)[0, 0]
            out = (torch.sigmoid(raw) if logit else raw).numpy()
            place = canvas[top : top + 512, left : left + 512]
            np.maximum(place, out, out=place)
    return canvas
