"""SCU-Net, the Simple Context U-Net, as the authors' code and checkpoints have it.

The paper's figure and the published code differ in places (see the docs of `SCUNet`); what is built
here is what the checkpoints were trained as, so that they load strictly.

References
----------
Guo X, O'Neill WC, Vey B, et al. Med Phys 2021;48:5851-5861. doi:10.1101/2021.07.30.21261406
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

ENCODER_EPS = 1e-3


class ConvNormAct(nn.Module):
    """3 x 3 convolution without bias, batch norm, one PReLU slope per channel."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=ENCODER_EPS)
        self.act = nn.PReLU(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, outputs, height / stride, width / stride)."""
        y: Tensor = self.act(self.bn(self.conv(x)))
        return y


class Inject(nn.Module):
    """Features and the shrunken image side by side; batch norm, PReLU, dropout."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels, eps=ENCODER_EPS)
        self.act = nn.PReLU(channels)
        self.dropout = nn.Dropout(0.5)

    def forward(self, features: Tensor, image: Tensor) -> Tensor:
        """Return the fused tensor, features first."""
        y: Tensor = self.dropout(self.act(self.bn(torch.cat([features, image], dim=1))))
        return y


class Depthwise(nn.Module):
    """Depthwise 3 x 3 convolution with a dilation."""

    def __init__(self, channels: int, *, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            channels, channels, 3, padding=dilation, dilation=dilation, groups=channels, bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the same shape."""
        y: Tensor = self.conv(x)
        return y


class Pointwise(nn.Module):
    """1 x 1 convolution."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, outputs, height, width)."""
        y: Tensor = self.conv(x)
        return y


class Gate(nn.Module):
    """Channel weights from the mean over the whole window (the network's global context)."""

    def __init__(self, channels: int, *, reduction: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(channels, channels // reduction),
            nn.ReLU(),
            nn.Linear(channels // reduction, channels),
            nn.Sigmoid(),
        )

    def weights(self, mean: Tensor) -> Tensor:
        """Return gate weights (..., channels) for channel means (..., channels)."""
        y: Tensor = self.fc(mean)
        return y

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with every channel weighted."""
        return x * self.weights(x.mean(dim=(2, 3)))[:, :, None, None]


class ContextDown(nn.Module):
    """Context-guided down block: halve the size, join local and dilated context, gate the channels."""

    def __init__(self, inputs: int, outputs: int, *, dilation: int, reduction: int) -> None:
        super().__init__()
        self.conv1x1 = ConvNormAct(inputs, outputs, stride=2)
        self.F_loc = Depthwise(outputs)
        self.F_sur = Depthwise(outputs, dilation=dilation)
        self.bn = nn.BatchNorm2d(2 * outputs, eps=ENCODER_EPS)
        self.act = nn.PReLU(2 * outputs)
        self.reduce = Pointwise(2 * outputs, outputs)
        self.F_glo = Gate(outputs, reduction=reduction)

    def context(self, x: Tensor) -> Tensor:
        """Return local and surrounding context joined, from the halved features, before the gate."""
        y: Tensor = self.reduce(self.act(self.bn(torch.cat([self.F_loc(x), self.F_sur(x)], dim=1))))
        return y

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, outputs, height / 2, width / 2)."""
        y: Tensor = self.F_glo(self.context(self.conv1x1(x)))
        return y


class DoubleConv(nn.Module):
    """Two 3 x 3 convolutions with bias, each with batch norm and one shared PReLU slope."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.PReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.PReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, outputs, height, width)."""
        y: Tensor = self.conv(x)
        return y


class Up(nn.Module):
    """Double the size, put the encoder's features in front, convolve twice."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = DoubleConv(inputs, outputs)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Return (batch, outputs, height, width) of `skip`."""
        y: Tensor = self.conv(torch.cat([skip, double(x, align_corners=True)], dim=1))
        return y


def double(x: Tensor, *, align_corners: bool) -> Tensor:
    """Return `x` at twice its height and width, bilinear."""
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=align_corners)


def shrink(image: Tensor) -> Tensor:
    """Return the image at half size: 3 x 3 mean, stride 2, the zero padding counted in the mean."""
    return functional.avg_pool2d(image, 3, stride=2, padding=1)


class SCUNet(nn.Module):
    """Simple Context U-Net: 169,711 parameters, all of them used.

    Input (batch, 3, height, width), the normalised grey image three times; height and width
    divisible by 8. Output (batch, 1, height, width), the raw last convolution. Attribute names
    follow the published checkpoints' keys.

    Notes
    -----
    As in the published code, and unlike the paper's text: no sigmoid at the end; one 1 x 1 convolution
    as head after a plain bilinear doubling; interpolation without norm or activation of its own; dropout
    0.5 after both injections. The checkpoints hold three more layers that the code never calls
    (45,152 parameters); they are left out here, see `bactools.networks.weights`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.level1_0 = ConvNormAct(3, 16, stride=2)
        self.level1_1 = ConvNormAct(16, 16)
        self.level1_2 = ConvNormAct(16, 16)
        self.b1 = Inject(19)
        self.level2_0 = ContextDown(19, 32, dilation=2, reduction=8)
        self.b2 = Inject(35)
        self.level3_0 = ContextDown(35, 64, dilation=4, reduction=16)
        self.up3 = Up(96, 64)
        self.up4 = Up(80, 32)
        self.outc = Pointwise(32, 1, bias=True)

    def stem(self, x: Tensor) -> Tensor:
        """Return the first features E0 (batch, 16, height / 2, width / 2)."""
        y: Tensor = self.level1_2(self.level1_1(self.level1_0(x)))
        return y

    def forward(self, x: Tensor) -> Tensor:
        """Return raw scores (batch, 1, height, width)."""
        half = shrink(x)
        e0 = self.stem(x)
        e1 = self.level2_0(self.b1(e0, half))
        e2 = self.level3_0(self.b2(e1, shrink(half)))
        features = self.up4(self.up3(e2, e1), e0)
        y: Tensor = self.outc(double(features, align_corners=True))
        return y
