"""The transformer blocks of a plain vision transformer (arXiv 2010.11929), pre-normalised."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.models.layers.prompts import DeepPrompts
from isthmus.models.layers.xavier import XavierLinear


class DropPath(nn.Module):
    """Stochastic depth (arXiv 1603.09382): in training, a residual branch is left out for some samples of the batch.

    Args:
        rate: the probability that a sample loses the branch; the others are scaled up to keep the expectation.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Float[Tensor, "batch *rest"]) -> Float[Tensor, "batch *rest"]:
        """Drop the branch `x` for some samples."""
        if not self.training or self.rate == 0.0:
            return x
        keep = 1.0 - self.rate
        kept = torch.empty(x.shape[0], *(1,) * (x.ndim - 1), dtype=x.dtype, device=x.device).bernoulli_(keep)
        return x * kept / keep

    def extra_repr(self) -> str:
        """The rate, for `print(module)`."""
        return f"rate={self.rate:g}"


def growing_rates(last: float, depth: int) -> list[float]:
    """The rates of stochastic depth of `depth` blocks: they grow linearly from zero at the first to `last`."""
    return [last * index / max(depth - 1, 1) for index in range(depth)]


class Attention(nn.Module):
    """Multi-head self-attention.

    Args:
        channels: the size of a token.
        num_heads: how many heads the channels are divided among.
        bias: whether the linear layers have biases.
    """

    def __init__(self, channels: int, num_heads: int, bias: bool = True) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = XavierLinear(channels, 3 * channels, bias=bias)
        self.proj = XavierLinear(channels, channels, bias=bias)

    def forward(self, x: Float[Tensor, "batch tokens channels"]) -> Float[Tensor, "batch tokens channels"]:
        """Let every token attend to every token."""
        batch, tokens, channels = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.num_heads, channels // self.num_heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        attended = F.scaled_dot_product_attention(query, key, value)
        mixed: Tensor = self.proj(attended.transpose(1, 2).reshape(batch, tokens, channels))
        return mixed


class FeedForward(nn.Module):
    """Two linear layers with a GELU between them.

    Args:
        channels: the size of a token.
        hidden: the size between the layers.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = XavierLinear(channels, hidden)
        self.fc2 = XavierLinear(hidden, channels)

    def forward(self, x: Float[Tensor, "*batch channels"]) -> Float[Tensor, "*batch channels"]:
        """Apply the layers to every token by itself."""
        out: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return out


class GatedFeedForward(nn.Module):
    """Two linear layers, of which the first is multiplied by a gate: SwiGLU (arXiv 2002.05202).

    Args:
        channels: the size of a token.
        hidden: the size between the layers.
        bias: whether the layers have biases.
    """

    def __init__(self, channels: int, hidden: int, bias: bool = True) -> None:
        super().__init__()
        self.fc1 = XavierLinear(channels, hidden, bias=bias)
        self.fc2 = XavierLinear(hidden, channels, bias=bias)
        self.fc3 = XavierLinear(channels, hidden, bias=bias)

    def forward(self, x: Float[Tensor, "*batch channels"]) -> Float[Tensor, "*batch channels"]:
        """Apply the layers to every token by itself."""
        out: Tensor = self.fc2(F.silu(self.fc1(x)) * self.fc3(x))
        return out


class TransformerBlock(nn.Module):
    """Self-attention and a feed-forward network, each normalised before and added to what came in.

    Args:
        channels: the size of a token.
        num_heads: the heads of the attention.
        mlp_ratio: the hidden size of the feed-forward network, in multiples of `channels`.
        drop_path: the rate of stochastic depth of both branches.
        norm_eps: the epsilon of the layer normalisations.
        norm: makes a normalisation for so many channels, where it is to be another one.
        gated: whether the feed-forward network is gated, with two thirds of the hidden size, and there are no biases.
        attention_bias: whether the linear layers of the attention have biases.
    """

    def __init__(
        self,
        channels: int,
        num_heads: int,
        mlp_ratio: float = 4.0,
        drop_path: float = 0.0,
        norm_eps: float = 1e-5,
        *,
        norm: Callable[[int], nn.Module] | None = None,
        gated: bool = False,
        attention_bias: bool = True,
    ) -> None:
        super().__init__()
        new_norm = norm or partial(nn.LayerNorm, eps=norm_eps)
        self.norm1 = new_norm(channels)
        self.attn = Attention(channels, num_heads, bias=attention_bias and not gated)
        self.norm2 = new_norm(channels)
        self.mlp = (
            GatedFeedForward(channels, int(channels * mlp_ratio * 2 / 3), bias=False)
            if gated
            else FeedForward(channels, int(channels * mlp_ratio))
        )
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Float[Tensor, "batch tokens channels"]) -> Float[Tensor, "batch tokens channels"]:
        """Pass tokens through the block."""
        x = x + self.drop_path(self.attn(self.norm1(x)))
        out: Tensor = x + self.drop_path(self.mlp(self.norm2(x)))
        return out


def pass_through(
    blocks: nn.ModuleList,
    indices: Iterable[int],
    tokens: Float[Tensor, "batch tokens channels"],
    prompts: DeepPrompts | None = None,
) -> Float[Tensor, "batch tokens channels"]:
    """Pass tokens through the blocks at `indices`, each of which sees its own prompts beside them."""
    for index in indices:
        tokens = blocks[index](tokens) if prompts is None else prompts.pass_block(blocks[index], index, tokens)
    return tokens


def run_blocks(
    blocks: nn.ModuleList,
    norm: nn.Module,
    tokens: Float[Tensor, "batch tokens channels"],
    indices: Sequence[int],
    prompts: DeepPrompts | None = None,
) -> list[Float[Tensor, "batch tokens channels"]]:
    """Pass tokens through blocks, and keep what leaves those at `indices`; what leaves the last block is normalised.

    With `prompts` each block sees its own beside the tokens; they are in no feature.
    """
    features: dict[int, Tensor] = {}
    last = len(blocks) - 1
    for index in range(max(indices) + 1):
        tokens = pass_through(blocks, [index], tokens, prompts)
        if index in indices:
            features[index] = norm(tokens) if index == last else tokens
    return [features[index] for index in indices]
