"""Dots drawn on noise, and a network that is just large enough to tell them apart."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import Dataset


def spots(centres, size, width=1.5):
    """A bright spot on each centre `(n, 2)`, `(n, size, size)`."""
    cells = torch.arange(size).float()
    along = [torch.exp(-((cells - centres[:, axis : axis + 1]) ** 2) / (2 * width**2)) for axis in (1, 0)]
    return along[0].unsqueeze(2) * along[1].unsqueeze(1)


class Dots(Dataset):
    """Images `(1, size, size)` with one instance of two points: a bright dot and a dark one."""

    names = ("bright", "dark")

    def __init__(self, count=16, size=24, seed=0):
        random = torch.Generator().manual_seed(seed)
        self.keypoints = 3 + torch.rand(count, 1, 2, 2, generator=random) * (size - 6)
        self.image = 0.1 * torch.randn(count, 1, size, size, generator=random)
        self.image[:, 0] += spots(self.keypoints[:, 0, 0], size) - spots(self.keypoints[:, 0, 1], size)

    def __len__(self):
        return len(self.image)

    def __getitem__(self, index):
        return {"image": self.image[index], "keypoints": self.keypoints[index], "filename": f"{index}.tif"}


class Pairs(Dataset):
    """Images in which the point is the middle of a bright dot with a dark one to its right, among other dots."""

    names = ("middle",)

    def __init__(self, count=64, size=48, seed=0):
        random = torch.Generator().manual_seed(seed)
        self.keypoints = 8 + torch.rand(count, 1, 1, 2, generator=random) * (size - 16)
        self.image = 0.15 * torch.randn(count, 1, size, size, generator=random)
        self._add(self.keypoints[:, 0, 0], torch.zeros(count, 1))
        for _ in range(2):
            angle = 1 + 4 * torch.rand(count, 1, generator=random)
            self._add(torch.rand(count, 2, generator=random) * size, angle)
            self.image[:, 0] += spots(torch.rand(count, 2, generator=random) * size, size)

    def _add(self, centres, angle):
        half = 3 * torch.cat([angle.cos(), angle.sin()], 1)
        size = self.image.shape[-1]
        self.image[:, 0] += spots(centres - half, size) - spots(centres + half, size)

    __len__ = Dots.__len__
    __getitem__ = Dots.__getitem__


class TinyUNet(nn.Module):
    """Two steps down and as many up as the stride leaves; layers begin as PyTorch's do."""

    def __init__(self, maps, width=8, stride=1):
        super().__init__()
        self.stride = stride
        self.fine, self.middle, self.coarse = (
            _two(inputs, outputs) for inputs, outputs in ((1, width), (width, 2 * width), (2 * width, 4 * width))
        )
        self.up, self.out = _two(6 * width, 2 * width), _two(3 * width, width)
        self.head = nn.Conv2d(width if stride == 1 else 2 * width, maps, 1)

    def forward(self, x):
        fine = self.fine(x)
        middle = self.middle(F.max_pool2d(fine, 2))
        coarse = self.coarse(F.max_pool2d(middle, 2))
        up = self.up(torch.cat([_double(coarse), middle], 1))
        return self.head(up if self.stride == 2 else self.out(torch.cat([_double(up), fine], 1)))


def begin_as_glorot(network):
    """Let the layers begin as those of Keras do."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)


def _two(inputs, outputs):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU()
    )


def _double(x):
    return F.interpolate(x, scale_factor=2, mode="bilinear")
