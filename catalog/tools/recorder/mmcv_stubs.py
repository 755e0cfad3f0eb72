"""mmcv's compiled operators by their shapes, for mmcv-lite, which has none. Import before any OpenMMLab package."""
import sys
import types

import torch
from torch import nn

from recorder import ACTIVE
from region_steps import rearranged as compiled


class Missing(Exception):
    pass


class Absent(nn.Module):
    """A compiled operator that is not described here: models that run it are not recorded."""

    def __init__(self, *args, **kwargs):
        super().__init__()

    def forward(self, *args, **kwargs):
        raise Missing(type(self).__name__)


class _Module(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name[0].isupper():
            kind = type(name, (Absent,), {})
            setattr(self, name, kind)
            return kind

        def absent(*args, **kwargs):
            raise Missing(name)
        absent.__name__ = name
        setattr(self, name, absent)
        return absent


OPS = _Module("mmcv.ops")
OPS.__path__ = []
sys.modules["mmcv.ops"] = OPS
for child in ("merge_cells", "carafe_naive","modulated_deform_conv", "deform_conv", "carafe", "point_sample", "nms", "multi_scale_deform_attn", "roi_align", "focal_loss",
              "nms_rotated", "cc_attention", "psa_mask", "active_rotated_filter", "corner_pool", "masked_conv", "sync_bn", "three_interpolate"):
    module = _Module(f"mmcv.ops.{child}")
    sys.modules[f"mmcv.ops.{child}"] = module
    setattr(OPS, child, module)


def point_sample(input, points, align_corners=False, **kwargs):
    """As mmcv has it, on PyTorch's own grid_sample."""
    add_dim = points.dim() == 3
    if add_dim:
        points = points.unsqueeze(2)
    output = torch.nn.functional.grid_sample(input, points * 2.0 - 1.0, align_corners=align_corners, **kwargs)
    return output.squeeze(3) if add_dim else output


OPS.point_sample = point_sample
sys.modules["mmcv.ops.point_sample"].point_sample = point_sample


class RoIAlign(nn.Module):
    def __init__(self, output_size, spatial_scale=1.0, sampling_ratio=0, pool_mode="avg", aligned=True, use_torchvision=False):
        super().__init__()
        self.output_size = (output_size, output_size) if isinstance(output_size, int) else tuple(output_size)
        self.spatial_scale = spatial_scale

    def forward(self, input, rois):
        return compiled("roi_align", [input, rois], [rois.size(0), input.size(1), *self.output_size])


class DeformConv2dPack(nn.Module):
    """A convolution whose kernel points are moved by what another convolution predicts."""
    values = 2

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, deform_groups=1, bias=True, **kwargs):
        super().__init__()
        pair = lambda v: (v, v) if isinstance(v, int) else tuple(v)
        self.kernel_size, self.stride, self.padding, self.dilation, self.groups = map(pair, (kernel_size, stride, padding, dilation, 1))
        self.in_channels, self.out_channels, self.transposed, self.output_padding = in_channels, out_channels, False, (0, 0)
        k = self.kernel_size
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels // groups, *k))
        self.bias = nn.Parameter(torch.empty(out_channels)) if bias and self.values == 3 else None
        self.conv_offset = nn.Conv2d(in_channels, deform_groups * self.values * k[0] * k[1], k, self.stride, self.padding, self.dilation)

    def forward(self, x):
        moved = self.conv_offset(x)
        inputs = [x, moved, self.weight]
        if self.values == 3:
            first, second, mask = torch.chunk(moved, 3, dim=1)
            inputs = [x, torch.cat((first, second), dim=1), torch.sigmoid(mask), self.weight]
        return compiled("deform_conv", inputs, [x.size(0), self.out_channels, *moved.shape[2:]])


class ModulatedDeformConv2dPack(DeformConv2dPack):
    values = 3


class DeformConv2d(nn.Module):
    """As above with the offsets given."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, deform_groups=1, bias=False, **kwargs):
        super().__init__()
        k = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels // groups, *k))

    def forward(self, x, offset, mask=None):
        inputs = [x, offset, self.weight] if mask is None else [x, offset, mask, self.weight]
        return compiled("deform_conv", inputs, [x.size(0), self.weight.size(0), *offset.shape[2:]])


class ModulatedDeformConv2d(DeformConv2d):
    pass


def deform_conv2d(input, offset, weight, *args, **kwargs):
    return compiled("deform_conv", [input, offset, weight], [input.size(0), weight.size(0), *offset.shape[2:]])


class SwitchableAtrousConv2d(nn.Conv2d):
    """A convolution at two dilations with one standardised weight, between which a switch chooses for each place."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, use_deform=False):
        super().__init__(in_channels, out_channels, kernel_size, stride=stride, padding=padding, dilation=dilation, groups=groups, bias=bias)
        self.use_deform = use_deform
        self.register_buffer("weight_gamma", torch.ones(out_channels, 1, 1, 1))
        self.register_buffer("weight_beta", torch.zeros(out_channels, 1, 1, 1))
        self.switch = nn.Conv2d(in_channels, 1, 1, stride=stride)
        self.weight_diff = nn.Parameter(torch.empty(self.weight.size()))
        self.pre_context, self.post_context = nn.Conv2d(in_channels, in_channels, 1), nn.Conv2d(out_channels, out_channels, 1)
        if use_deform:
            self.offset_s = nn.Conv2d(in_channels, 18, 3, padding=1, stride=stride)
            self.offset_l = nn.Conv2d(in_channels, 18, 3, padding=1, stride=stride)

    def standardised(self, weight):
        rows = weight.view(weight.size(0), -1)
        weight = weight - rows.mean(dim=1).view(-1, 1, 1, 1)
        spread = torch.sqrt(weight.view(weight.size(0), -1).var(dim=1) + 1e-5).view(-1, 1, 1, 1)
        return self.weight_gamma * (weight / spread) + self.weight_beta

    def convolved(self, x, around, weight, offset, reach):
        padding, dilation = [reach * p for p in self.padding], [reach * d for d in self.dilation]
        if not self.use_deform:
            return nn.functional.conv2d(x, weight, self.bias, self.stride, padding, dilation, self.groups)
        moved = offset(around)
        return compiled("deform_conv", [x, moved, weight], [x.size(0), self.out_channels, *moved.shape[2:]])

    def forward(self, x):
        x = x + self.pre_context(nn.functional.adaptive_avg_pool2d(x, 1)).expand_as(x)
        around = nn.functional.avg_pool2d(nn.functional.pad(x, (2, 2, 2, 2), mode="reflect"), kernel_size=5, stride=1, padding=0)
        switch = self.switch(around)
        weight = self.standardised(self.weight)
        near = self.convolved(x, around, weight, getattr(self, "offset_s", None), 1)
        weight = weight + self.weight_diff
        far = self.convolved(x, around, weight, getattr(self, "offset_l", None), 3)
        out = switch * near + (1 - switch) * far
        return out + self.post_context(nn.functional.adaptive_avg_pool2d(out, 1)).expand_as(out)


class CornerPool(nn.Module):
    def __init__(self, mode):
        super().__init__()

    def forward(self, x):
        return compiled("corner_pool", [x], list(x.shape))


class PSAMask(nn.Module):
    """Spreads the scores of a window around every place over all places."""

    def __init__(self, psa_type, mask_size=None):
        super().__init__()

    def forward(self, x):
        return compiled("psamask", [x], [x.size(0), x.size(2) * x.size(3), x.size(2), x.size(3)])


class CrissCrossAttention(nn.Module):
    """Attention of every place to its row and its column, in PyTorch's own products as mmcv has it."""

    def __init__(self, in_channels):
        super().__init__()
        self.query_conv, self.key_conv = nn.Conv2d(in_channels, in_channels // 8, 1), nn.Conv2d(in_channels, in_channels // 8, 1)
        self.value_conv, self.gamma = nn.Conv2d(in_channels, in_channels, 1), nn.Parameter(torch.zeros(1))

    def forward(self, x):
        batch, _, height, width = x.size()
        query, key, value = self.query_conv(x), self.key_conv(x), self.value_conv(x)

        def columns(t):
            return t.permute(0, 3, 2, 1).reshape(batch * width, height, -1)

        def rows(t):
            return t.permute(0, 2, 3, 1).reshape(batch * height, width, -1)
        down = torch.bmm(columns(query), columns(key).transpose(1, 2)).reshape(batch, width, height, height)
        down = (down + torch.zeros(height, height, dtype=x.dtype, device=x.device)).transpose(1, 2)
        across = torch.bmm(rows(query), rows(key).transpose(1, 2)).reshape(batch, height, width, width)
        attention = torch.softmax(torch.cat([down, across], -1), -1)
        from_columns = attention[..., :height].permute(0, 2, 1, 3).reshape(batch * width, height, height)
        out = torch.bmm(from_columns, columns(value)).reshape(batch, width, height, -1).permute(0, 3, 2, 1)
        from_rows = attention[..., height:].reshape(batch * height, width, width)
        out = out + torch.bmm(from_rows, rows(value)).reshape(batch, height, width, -1).permute(0, 3, 1, 2)
        return (out * self.gamma + x).contiguous()


class MaskedConv2d(nn.Conv2d):
    """Without a mask, as in training, a convolution."""

    def forward(self, x, mask=None):
        return super().forward(x)


class MultiScaleDeformableAttention(nn.Module):
    """Attention to a few points of each level, as mmcv has it; the points are sampled by a compiled operator."""

    def __init__(self, embed_dims=256, num_heads=8, num_levels=4, num_points=4, im2col_step=64, dropout=0.1, batch_first=False,
                 norm_cfg=None, init_cfg=None, value_proj_ratio=1.0):
        super().__init__()
        self.embed_dims, self.num_heads, self.num_levels, self.num_points = embed_dims, num_heads, num_levels, num_points
        self.batch_first, self.dropout = batch_first, nn.Dropout(dropout)
        values = int(embed_dims * value_proj_ratio)
        points = num_heads * num_levels * num_points
        self.sampling_offsets, self.attention_weights = nn.Linear(embed_dims, points * 2), nn.Linear(embed_dims, points)
        self.value_proj, self.output_proj = nn.Linear(embed_dims, values), nn.Linear(values, embed_dims)

    def init_weights(self):
        pass

    def forward(self, query, key=None, value=None, identity=None, query_pos=None, key_padding_mask=None, reference_points=None,
                spatial_shapes=None, level_start_index=None, **kwargs):
        value = query if value is None else value
        identity = query if identity is None else identity
        query = query if query_pos is None else query + query_pos
        if not self.batch_first:
            query, value = query.permute(1, 0, 2), value.permute(1, 0, 2)
        batch, queries, _ = query.shape
        value = self.value_proj(value)
        if key_padding_mask is not None:
            value = value.masked_fill(key_padding_mask[..., None], 0.0)
        shape = (batch, queries, self.num_heads, self.num_levels, self.num_points)
        offsets = self.sampling_offsets(query).view(*shape, 2)
        weights = self.attention_weights(query).view(batch, queries, self.num_heads, -1).softmax(-1)
        if isinstance(spatial_shapes, tuple):          # sizes as numbers, see openmmlab_patches.py
            spatial_shapes = offsets.new_zeros((self.num_levels, 2))
        normaliser = torch.stack([spatial_shapes[..., 1], spatial_shapes[..., 0]], -1).to(offsets.dtype)
        locations = reference_points[:, :, None, :, None, :2].to(offsets.dtype) + offsets / normaliser[None, None, None, :, None, :]
        sampled = compiled("ms_deform_attn", [value, locations, weights], [batch, queries, value.size(-1)])
        output = self.output_proj(sampled)
        output = output if self.batch_first else output.permute(1, 0, 2)
        return self.dropout(output) + identity


def sigmoid_focal_loss(input, target, gamma=2.0, alpha=0.25, weight=None, reduction="mean"):
    return torch.nn.functional.softplus(input)


from mmengine.registry import MODELS  # noqa: E402
MODELS.register_module(name="MultiScaleDeformableAttention", module=MultiScaleDeformableAttention)
MODELS.register_module(name="SAC", module=SwitchableAtrousConv2d)
MODELS.register_module(name="DCN", module=DeformConv2dPack)
MODELS.register_module(name="DCNv2", module=ModulatedDeformConv2dPack)
for known in (RoIAlign, DeformConv2d, ModulatedDeformConv2d, deform_conv2d, CornerPool, DeformConv2dPack, ModulatedDeformConv2dPack, MaskedConv2d,
              PSAMask, CrissCrossAttention, MultiScaleDeformableAttention, sigmoid_focal_loss):
    setattr(OPS, known.__name__, known)
OPS.modulated_deform_conv.ModulatedDeformConv2d = ModulatedDeformConv2d
import mmcv  # noqa: E402
mmcv.__version__ = "2.0.1"

for absent in ("mmaction.models.localizers.drn", "mmaction.models.localizers.drn.drn"):      # left out of mmaction2's package
    sys.modules[absent] = _Module(absent)
    sys.modules[absent].__path__ = []

import transformers.modeling_utils as _modeling  # noqa: E402
import transformers.pytorch_utils as _utilities  # noqa: E402
for moved in ("apply_chunking_to_forward", "find_pruneable_heads_and_indices", "prune_linear_layer"):
    setattr(_modeling, moved, getattr(_utilities, moved, None))
from transformers.generation import GenerationMixin  # noqa: E402
_modeling.GenerationMixin = GenerationMixin
