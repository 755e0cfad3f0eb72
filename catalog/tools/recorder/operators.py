"""Operators of ATen in terms of the operation vocabulary. Those on the left stand for the same operation."""
import torch
from torch.utils._pytree import tree_leaves


class Unknown(Exception):
    pass


IGNORED = {"bernoulli_", "fill_", "zero_", "normal_", "uniform_", "random_", "_local_scalar_dense", "is_same_size",
           "resolve_conj", "resolve_neg", "lift_fresh", "sym_size", "sym_numel", "is_pinned", "_assert_async", "_assert_scalar",
           "scatter_", "masked_fill_", "index_put_", "index_fill_", "clamp_min_", "trunc_normal_", "erfinv_", "floor_", "gt_", "scatter_add_"}
OPERATORS = {}


def tensors(args):
    return [t for t in tree_leaves(args) if isinstance(t, torch.Tensor) and t.device.type == "meta"]


def operator(*names):
    def register(function):
        for name in names:
            OPERATORS[name] = function
        return function
    return register


def name_of(dtype):
    return str(dtype)[6:]


def floating(out):
    return out.is_floating_point() or out.is_complex()


def derive(r, func, args, out):
    """A result that autograd does not follow."""
    for result in [t for t in tree_leaves(out) if isinstance(t, torch.Tensor)]:
        name = func._schema.name.split("::")[1]
        r.emit("derive", [t for t in tensors(args)], [name, list(result.shape), name_of(result.dtype)], [result])


BINARY = {"add": "add", "sub": "sub", "mul": "mul", "div": "div"}


def binary(kind):
    def translate(r, func, args, kwargs, out):
        a, b = args[0], args[1]
        in_place = func._schema.name.endswith("_")
        if not floating(out):
            return None if in_place else derive(r, func, args, out)
        inputs = tensors((a, b))
        suffix = "InPlace" if in_place else ""
        if len(inputs) == 2:
            r.emit(kind + suffix, inputs, [], [out])
        else:
            scalar = "addScalar" if kind in ("add", "sub") else "mulScalar"
            r.emit(scalar + suffix, inputs, [], [out])
    return translate


for name, kind in BINARY.items():
    OPERATORS[name] = OPERATORS[name + "_"] = binary(kind)
OPERATORS["rsub"] = lambda r, f, a, k, out: r.emit("unary", tensors(a)[:1], ["neg"], [out]) if len(tensors(a)) == 1 else r.emit("sub", [a[1], a[0]], [], [out])

# both gradients are as large as the input, that of the weight before it is summed: as for a product
OPERATORS["_prelu_kernel"] = lambda r, f, a, k, out: r.emit("mul", list(a[:2]), [], [out])

UNARY = {name: name for name in (
    "neg", "rsqrt", "sqrt", "exp", "log", "cos", "sin", "tanh", "sigmoid", "gelu", "silu", "relu", "hardswish", "hardsigmoid",
    "leaky_relu", "elu", "mish", "softplus", "abs", "erf", "log1p", "reciprocal", "log2", "exp2", "floor", "ceil", "round", "sign",
    "selu", "celu", "log_sigmoid", "expm1", "square", "atan", "acos", "asin", "tan", "logit")}
UNARY |= {"hardtanh": "hardtanh", "relu6": "hardtanh", "clamp": "clamp", "clamp_min": "clamp", "clamp_max": "clamp"}


def unary(kind):
    def translate(r, func, args, kwargs, out):
        in_place = func._schema.name.endswith("_")
        if not floating(out):
            return None if in_place else derive(r, func, args, out)
        r.emit("unaryInPlace" if in_place else "unary", tensors(args)[:1], [kind], [out])
    return translate


for name, kind in UNARY.items():
    OPERATORS[name] = OPERATORS[name + "_"] = unary(kind)


@operator("pow")
def power(r, func, args, kwargs, out):
    inputs = tensors(args)
    if len(inputs) == 1 and isinstance(args[0], torch.Tensor):
        r.emit("pow", inputs, [float(args[1])], [out])
    else:
        r.emit("powTensor", inputs, [], [out])


@operator("view", "_unsafe_view", "alias", "_reshape_alias", "squeeze", "unsqueeze", "view_as")
def view(r, func, args, kwargs, out):
    r.emit("view", [args[0]], [list(out.shape)], [out])


@operator("detach")
def detach(r, func, args, kwargs, out):
    r.emit("detach", [args[0]], [], [out], detached=True)


@operator("transpose")
def transpose(r, func, args, kwargs, out):
    n = args[0].dim()
    r.emit("transpose", [args[0]], [args[1] % n, args[2] % n], [out])


@operator("t")
def matrix_transpose(r, func, args, kwargs, out):
    r.emit("transpose", [args[0]], [0, 1], [out])


@operator("permute")
def permute(r, func, args, kwargs, out):
    n = args[0].dim()
    r.emit("permute", [args[0]], [[d % n for d in args[1]]], [out])


@operator("slice")
def slice_(r, func, args, kwargs, out):
    x = args[0]
    dim = (args[1] if len(args) > 1 else 0) % x.dim()
    step = args[4] if len(args) > 4 else 1
    size = x.shape[dim]
    start = (args[2] if len(args) > 2 else 0) or 0
    start = max(0, start + size if start < 0 else min(start, size))
    if step != 1:
        r.emit("everyNth", [x], [dim, start, step, out.shape[dim]], [out])
    else:
        r.emit("slice", [x], [dim, start, out.shape[dim]], [out])


@operator("select")
def select(r, func, args, kwargs, out):
    r.emit("select", [args[0]], [args[1] % args[0].dim()], [out])


@operator("split", "split_with_sizes", "chunk", "unsafe_split", "unsafe_split_with_sizes", "unsafe_chunk")
def split(r, func, args, kwargs, out):
    dim = (args[2] if len(args) > 2 else kwargs.get("dim", 0)) % args[0].dim()
    r.emit("split", [args[0]], [[o.shape[dim] for o in out], dim], list(out))


@operator("unbind")
def unbind(r, func, args, kwargs, out):
    r.emit("unbind", [args[0]], [(args[1] if len(args) > 1 else 0) % args[0].dim()], list(out))


@operator("expand")
def expand(r, func, args, kwargs, out):
    r.emit("expand", [args[0]], [list(out.shape)], [out])


@operator("cat")
def cat(r, func, args, kwargs, out):
    parts = [t for t in args[0] if t.numel() > 0 or t.dim() == out.dim()]
    dim = (args[1] if len(args) > 1 else kwargs.get("dim", 0)) % out.dim()
    if floating(out) and len(parts) > 1 and all(p is parts[0] for p in parts):      # however often: the batch may say so
        r.emit("rearranged", parts[:1], ["repeat", list(out.shape), False], [out])
    elif floating(out):
        r.emit("cat", parts, [dim], [out])
    else:
        derive(r, func, args, out)


@operator("stack")
def stack(r, func, args, kwargs, out):
    if not floating(out):
        return derive(r, func, args, out)
    r.emit("stack", list(args[0]), [(args[1] if len(args) > 1 else 0) % out.dim()], [out])


@operator("clone")
def clone(r, func, args, kwargs, out):
    contiguous = kwargs.get("memory_format") == torch.contiguous_format
    r.emit("contiguous" if contiguous and not args[0].is_contiguous() else "clone", [args[0]], [], [out])


@operator("_to_copy")
def to_copy(r, func, args, kwargs, out):
    if not floating(out):
        return derive(r, func, args, out)
    if floating(args[0]):
        r.emit("to", [args[0]], [name_of(out.dtype)], [out])
    else:
        derive(r, func, args, out)


@operator("copy_")
def copy(r, func, args, kwargs, out):
    """Written into a part of a tensor, a value's gradient goes on from there."""
    base = args[0]._base
    if base is not None and floating(args[1]) and base.shape != args[0].shape and not r.without_gradient:
        r.emit("assign", [base, args[1]], [], [base])


@operator("constant_pad_nd")
def pad(r, func, args, kwargs, out):
    r.emit("pad", [args[0]], [list(args[1])], [out])


@operator("reflection_pad2d", "replication_pad2d", "reflection_pad1d", "replication_pad1d")
def pad_saving(r, func, args, kwargs, out):
    r.emit("padSaving", [args[0]], [func._schema.name.split("::")[1], list(args[1])], [out])


@operator("roll", "flip", "rot90")
def roll(r, func, args, kwargs, out):
    r.emit("roll", [args[0]], [], [out]) if floating(out) else derive(r, func, args, out)


@operator("mm")
def mm(r, func, args, kwargs, out):
    r.emit("mm", [args[0], args[1]], [], [out])


@operator("mv")
def mv(r, func, args, kwargs, out):
    """A matrix and a vector, as a matrix of one column."""
    r.suspended += 1
    column, product = args[1].unsqueeze(1), torch.empty(out.size(0), 1, dtype=out.dtype, device=out.device)
    r.suspended -= 1
    r.emit("view", [args[1]], [list(column.shape)], [column])
    r.emit("mm", [args[0], column], [], [product])
    r.emit("view", [product], [list(out.shape)], [out])


@operator("_weight_norm_interface")
def weight_norm(r, func, args, kwargs, out):
    """Direction times length; the norms that are kept beside are a number for each row."""
    r.emit("mul", [args[0], args[1]], [], [out[0]])
    r.emit("create", [], ["norms", list(out[1].shape), name_of(out[1].dtype)], [out[1]])


@operator("addcmul", "addcmul_")
def addcmul(r, func, args, kwargs, out):
    """A product to which the first is added where it lies."""
    r.emit("mul", [args[1], args[2]], [], [out])
    r.emit("addInPlace", [out, args[0]], [], [out])


@operator("addmm")
def addmm(r, func, args, kwargs, out):
    r.emit("addmm", [args[0], args[1], args[2]], [], [out])


@operator("bmm")
def bmm(r, func, args, kwargs, out):
    r.emit("bmm", [args[0], args[1]], [], [out])


@operator("baddbmm")
def baddbmm(r, func, args, kwargs, out):
    r.emit("baddbmm", [args[0], args[1], args[2]], [], [out])


def dims_of(args, n):
    dims = args[1] if len(args) > 1 else None
    dims = [dims] if isinstance(dims, int) else dims
    return [d % n for d in dims] if dims else list(range(n))


def reduction(kind):
    def translate(r, func, args, kwargs, out):
        keep = args[2] if len(args) > 2 else kwargs.get("keepdim", False)
        if not floating(out):
            return derive(r, func, args, out)
        r.emit(kind, [args[0]], [dims_of(args, args[0].dim()), bool(keep)], [out])
    return translate


OPERATORS["mean"] = reduction("mean")
OPERATORS["sum"] = reduction("sum")
OPERATORS["amax"] = OPERATORS["amin"] = reduction("extreme")
OPERATORS["var"] = OPERATORS["std"] = reduction("variance")


@operator("linalg_vector_norm", "norm")
def norm(r, func, args, kwargs, out):
    dims = args[2] if len(args) > 2 else None
    n = args[0].dim()
    dims = list(range(n)) if dims is None else [d % n for d in ([dims] if isinstance(dims, int) else dims)]
    keep = args[3] if len(args) > 3 else kwargs.get("keepdim", False)
    r.emit("norm", [args[0]], [dims, bool(keep)], [out])


@operator("max", "min")
def maximum_along(r, func, args, kwargs, out):
    if isinstance(out, torch.Tensor):
        if len(tensors(args)) == 2:
            return r.emit("maximum", tensors(args), [], [out])
        return r.emit("extreme", [args[0]], [list(range(args[0].dim())), False], [out])
    dims = [args[1] % args[0].dim()]
    keep = args[2] if len(args) > 2 else kwargs.get("keepdim", False)
    r.emit("maxAlong", [args[0]], [dims, bool(keep)], list(out))


@operator("maximum", "minimum")
def maximum(r, func, args, kwargs, out):
    r.emit("maximum", tensors(args), [], [out]) if floating(out) else derive(r, func, args, out)


@operator("var_mean")
def var_mean(r, func, args, kwargs, out):
    r.emit("varMean", [args[0]], [dims_of(args, args[0].dim()), bool(kwargs.get("keepdim", False))], list(out))


@operator("topk", "sort")
def topk(r, func, args, kwargs, out):
    sorts = func._schema.name.endswith("sort")
    given = args[1:2] if sorts else args[2:3]
    dim = (given[0] if given else kwargs.get("dim", -1)) % args[0].dim()
    if not floating(out[0]):
        return derive(r, func, args, out)
    r.emit("topK", [args[0]], [out[0].shape[dim], dim], list(out))


@operator("_softmax", "softmax", "_safe_softmax")
def softmax(r, func, args, kwargs, out):
    r.emit("softmax", [args[0]], [], [out])


@operator("_log_softmax")
def log_softmax(r, func, args, kwargs, out):
    r.emit("logSoftmax", [args[0]], [], [out])


def listed(value, n, default):
    value = list(value) if not isinstance(value, int) else [value]
    value = value or default
    return value * n if len(value) == 1 else value


def pool(kind, dims):
    def translate(r, func, args, kwargs, out):
        kernel = listed(args[1], dims, [1])
        stride = listed(args[2] if len(args) > 2 else [], dims, kernel)
        padding = listed(args[3] if len(args) > 3 else 0, dims, [0])
        outs = list(out) if isinstance(out, (tuple, list)) else [out]
        r.emit(kind, [args[0]], [list(outs[0].shape[-dims:]), kernel, stride, padding], outs[:1])
    return translate


def named(kind, dims):
    def translate(r, func, args, kwargs, out):
        given = {a.name: v for a, v in zip(func._schema.arguments, args)} | kwargs
        kernel = listed(given["kernel_size"], dims, [1])
        stride = listed(given.get("stride", []), dims, kernel)
        padding = listed(given.get("padding", 0), dims, [0])
        dilation = listed(given.get("dilation", 1), dims, [1])
        outs = list(out) if isinstance(out, (tuple, list)) else [out]
        r.emit(kind, [args[0]], [kernel, stride, padding, dilation, bool(given.get("ceil_mode", False))], outs[:1])
    return translate


OPERATORS["max_pool2d_with_indices"] = named("maxPool", 2)
OPERATORS["max_pool3d_with_indices"] = named("maxPool", 3)
OPERATORS["max_pool1d"] = named("maxPool", 1)
OPERATORS["avg_pool2d"] = named("averagePool", 2)
OPERATORS["avg_pool3d"] = named("averagePool", 3)
OPERATORS["avg_pool1d"] = named("averagePool", 1)


@operator("prod")
def product(r, func, args, kwargs, out):
    if floating(out) and not r.without_gradient:
        raise Unknown("product under gradients")
    derive(r, func, args, out)


@operator("adaptive_max_pool2d", "adaptive_max_pool1d", "adaptive_max_pool3d")
def adaptive_max(r, func, args, kwargs, out):
    r.emit("adaptiveMaxPool", [args[0]], [list(args[1]) if not isinstance(args[1], int) else [args[1]]], [out[0]])


@operator("_adaptive_avg_pool2d", "_adaptive_avg_pool3d")
def adaptive_average(r, func, args, kwargs, out):
    r.emit("adaptiveAveragePool", [args[0]], [list(args[1])], [out])


@operator("upsample_nearest2d", "upsample_bilinear2d", "upsample_bicubic2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa",
          "upsample_nearest1d", "upsample_linear1d", "upsample_nearest3d", "upsample_trilinear3d", "_upsample_nearest_exact2d")
def upsample(r, func, args, kwargs, out):
    r.emit("upsample", [args[0]], [list(out.shape[2:]), func._schema.name.split("::")[1]], [out])


@operator("embedding")
def embedding(r, func, args, kwargs, out):
    r.emit("embedding", [args[1], args[0]], [], [out])


@operator("index")
def index(r, func, args, kwargs, out):
    if not floating(out):
        return derive(r, func, args, out)
    r.emit("index", [args[0]] + [t for t in args[1] if t is not None], [list(out.shape)], [out])


@operator("index_select")
def index_select(r, func, args, kwargs, out):
    if not floating(out):
        return derive(r, func, args, out)
    r.emit("index", [args[0], args[2]], [list(out.shape)], [out])


@operator("gather")
def gather(r, func, args, kwargs, out):
    r.emit("gather", [args[0], args[2]], [args[1] % args[0].dim()], [out]) if floating(out) else derive(r, func, args, out)


@operator("where")
def where(r, func, args, kwargs, out):
    if not floating(out) or len(args) < 3:
        return derive(r, func, args, out)
    if len(tensors(args)) == 3:
        r.emit("where", list(args), [], [out])
    else:
        r.emit("maskedFill", tensors(args)[::-1], [], [out])


@operator("masked_fill")
def masked_fill(r, func, args, kwargs, out):
    r.emit("maskedFill", [args[0], args[1]], [], [out]) if floating(out) else derive(r, func, args, out)


@operator("tril", "triu")
def triangle(r, func, args, kwargs, out):
    r.emit("roll", [args[0]], [], [out]) if floating(out) else derive(r, func, args, out)


@operator("_fft_r2c", "_fft_c2r", "_fft_c2c", "view_as_complex", "view_as_real")
def fourier(r, func, args, kwargs, out):
    kind = func._schema.name.split("::")[1]
    if kind.startswith("view"):
        r.emit("viewAs", [args[0]], [list(out.shape), name_of(out.dtype)], [out])
    else:
        r.emit("fourier", [args[0]], [list(out.shape), name_of(out.dtype)], [out])


@operator("im2col", "col2im", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "cumsum", "unfold", "grid_sampler_2d", "movedim", "repeat")
def other(r, func, args, kwargs, out):
    if not floating(out):
        return derive(r, func, args, out)
    kind = func._schema.name.split("::")[1]
    saves = kind in ("grid_sampler_2d",)
    r.emit("rearranged", [t for t in tensors(args)], [kind, list(out.shape), saves], [out])


@operator("as_strided", "diagonal")
def as_strided(r, func, args, kwargs, out):
    r.emit("asStrided", [args[0]], [list(out.shape)], [out])


@operator("empty", "zeros", "ones", "full", "arange", "linspace", "rand", "randn", "scalar_tensor", "randperm", "randint", "eye", "empty_strided")
def create(r, func, args, kwargs, out):
    kind = func._schema.name.split("::")[1]
    like = r.like(out.dtype) if kwargs.get("dtype") is not None else []
    if like:
        r.emit("createLike", like, [kind, list(out.shape)], [out])
    else:
        r.emit("create", [], [kind, list(out.shape), name_of(out.dtype)], [out])


@operator("new_empty", "new_zeros", "new_ones", "new_full", "empty_like", "zeros_like", "ones_like", "full_like", "rand_like", "randn_like",
          "new_empty_strided", "bernoulli")
def create_like(r, func, args, kwargs, out):
    kind = func._schema.name.split("::")[1]
    if kwargs.get("dtype") is not None and r.like(out.dtype):
        return r.emit("createLike", r.like(out.dtype), [kind, list(out.shape)], [out])
    if (kwargs.get("dtype") is not None and kwargs["dtype"] != args[0].dtype) or not floating(out):
        return r.emit("create", [], [kind, list(out.shape), name_of(out.dtype)], [out])
    r.emit("createLike", [args[0]], [kind, list(out.shape)], [out])


for name in ("eq", "ne", "lt", "gt", "le", "ge", "logical_and", "logical_or", "logical_not", "bitwise_and", "bitwise_or", "bitwise_not",
             "bitwise_xor", "isnan", "isfinite", "isinf", "argmax", "argmin", "floor_divide", "remainder", "fmod", "any", "all", "one_hot", "argsort", "bucketize",
             "nonzero", "scatter", "repeat_interleave", "searchsorted", "_unique2", "histc", "isin"):
    OPERATORS[name] = lambda r, func, args, kwargs, out: derive(r, func, args, out)


@operator("binary_cross_entropy_with_logits")
def binary_cross_entropy(r, func, args, kwargs, out):
    """Keeps its input and allocates one gradient, as softplus does."""
    reduction = args[4] if len(args) > 4 else kwargs.get("reduction", 1)
    if reduction == 0:
        return r.emit("unary", [args[0]], ["softplus"], [out])
    r.suspended += 1
    rows = torch.empty_like(args[0])
    r.suspended -= 1
    r.emit("unary", [args[0]], ["softplus"], [rows])
    r.emit("mean" if reduction == 1 else "sum", [rows], [list(range(rows.dim())), False], [out])
