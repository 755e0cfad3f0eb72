"""Functions that are recorded as one step, by their name in torch."""

import torch
import torch.nn.functional as F


class Handler:
    def __init__(self, record, takes=None):
        self._record, self._takes = record, takes

    def takes(self, recorder, func, args, kwargs):
        tensors = [t for t in list(args) + list(kwargs.values()) if isinstance(t, torch.Tensor)]
        for t in args:
            if isinstance(t, (list, tuple)):
                tensors += [x for x in t if isinstance(x, torch.Tensor)]
        return any(map(recorder.on_device, tensors)) and (self._takes is None or self._takes(*args, **kwargs))

    def record(self, recorder, args, kwargs, out):
        if "input" in kwargs:
            kwargs = dict(kwargs)
            args = (kwargs.pop("input"), *args)
        self._record(recorder, out, *args, **kwargs)


def listed(value, n):
    return [value] * n if isinstance(value, int) else (list(value) * n if len(value) == 1 and n > 1 else list(value))


def convolution(dims, transposed=False):
    def plain(r, out, x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        note(r, out, x, weight, bias, stride, padding, dilation, groups, 0)

    def up(r, out, x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        note(r, out, x, weight, bias, stride, padding, dilation, groups, output_padding)

    def note(r, out, x, weight, bias, stride, padding, dilation, groups, output_padding):
        if padding == "same":
            padding = [(k - 1) * d // 2 for k, d in zip(weight.shape[2:], listed(dilation, dims))]
        elif padding == "valid":
            padding = 0
        attributes = [listed(stride, dims), listed(padding, dims), listed(dilation, dims), groups]
        name = "convolutionTranspose" if transposed else "convolution"
        r.emit(name, [x, weight, bias], attributes + ([listed(output_padding, dims)] if transposed else []), [out])
    return Handler(up if transposed else plain)


def linear(r, out, x, weight, bias=None):
    r.emit("linear", [x, weight, bias], [], [out])


def batch_norm(r, out, x, running_mean=None, running_var=None, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    r.emit("batchNorm", [x, weight, bias], [bool(training)], [out])


def layer_norm(r, out, x, normalized_shape, weight=None, bias=None, eps=1e-5, *rest):
    r.emit("layerNorm", [x, weight, bias], [len(normalized_shape)], [out])


def rms_norm(r, out, x, normalized_shape, weight=None, eps=None):
    r.emit("rmsNorm", [x, weight], [len(normalized_shape)], [out])


def group_norm(r, out, x, groups, weight=None, bias=None, eps=1e-5, *rest):
    r.emit("groupNorm", [x, weight, bias], [groups], [out])


def attention(r, out, query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    r.emit("scaledDotProductAttention", [query, key, value, attn_mask], [bool(is_causal), dropout_p, bool(enable_gqa)], [out])


def dropout(r, out, x, p=0.5, training=True, inplace=False):
    if training and p > 0:
        r.emit("dropoutInPlace" if inplace else "dropout", [x], [p], [out])


def torch_dropout(r, out, x, p, train):
    dropout(r, out, x, p, train)


def matmul(r, out, a, b):
    r.emit("matmul", [a, b], [], [out])


def batched(a, b, **kwargs):
    return a.dim() >= 3 and b.dim() >= 3


def reshape(r, out, x, *shape, **kwargs):
    r.emit("reshape", [x], [list(out.shape)], [out])


def adaptive_average(dims):
    def note(r, out, x, size):
        r.emit("adaptiveAveragePool", [x], [list(out.shape[-dims:]) if size is None or (isinstance(size, (list, tuple)) and None in size) else listed(size, dims)], [out])

    def fits(x, size, **kwargs):
        return x.dim() == dims + 2
    return Handler(note, fits)


def asks_for_type(args, kwargs):
    """`.to(device)` does not; `.float()` and the like have no arguments."""
    given = [*args, *kwargs.values()]
    return not given or any(isinstance(a, (torch.dtype, torch.Tensor)) for a in given)


def to(r, out, x, *args, **kwargs):
    if out is x and not asks_for_type(args, kwargs):
        return
    if isinstance(out, torch.Tensor) and out.is_floating_point() and x.is_floating_point() and out.device == x.device:
        like = [a for a in args if isinstance(a, torch.Tensor)] or r.like(out.dtype)
        r.emit("to", [x, *like], [str(out.dtype)[6:]], [out])
    elif r.on_device(out) and out is not x:
        r.emit("derive", [x], ["to_copy", list(out.shape), str(out.dtype)[6:]], [out])


def cross_entropy(r, out, x, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0):
    r.emit("crossEntropy", [x, target], [reduction, label_smoothing > 0], [out])


def contiguous(r, out, x, *args, **kwargs):
    if out is not x:
        r.emit("contiguous", [x], [], [out])


FUNCTIONS = {
    "linear": Handler(linear),
    "conv1d": convolution(1), "conv2d": convolution(2), "conv3d": convolution(3),
    "conv_transpose1d": convolution(1, True), "conv_transpose2d": convolution(2, True), "conv_transpose3d": convolution(3, True),
    "batch_norm": Handler(batch_norm, lambda x, running_mean=None, running_var=None, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5, *a: not a),
    "layer_norm": Handler(layer_norm), "rms_norm": Handler(rms_norm), "group_norm": Handler(group_norm),
    "scaled_dot_product_attention": Handler(attention),
    "dropout": Handler(dropout),
    "matmul": Handler(matmul, batched), "__matmul__": Handler(matmul, batched),
    "reshape": Handler(reshape), "flatten": Handler(reshape), "reshape_as": Handler(reshape),
    "adaptive_avg_pool2d": adaptive_average(2), "adaptive_avg_pool3d": adaptive_average(3), "adaptive_avg_pool1d": adaptive_average(1),
    "to": Handler(to), "float": Handler(to), "type_as": Handler(to), "half": Handler(to), "bfloat16": Handler(to), "double": Handler(to),
    "contiguous": Handler(contiguous), "cross_entropy": Handler(cross_entropy),
}
