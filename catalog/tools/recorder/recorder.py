"""Records a model's forward pass on meta tensors as steps of Plimsoll's operation vocabulary.

Functions that PyTorch treats as one (linear, convolutions, normalisations, attention, ...) are recorded as such; all
else as the operators that they come down to. Recorded without gradients, so that Python alone decides lifetimes."""
import types

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from functions import FUNCTIONS
from operators import IGNORED, OPERATORS, Unknown, derive
from values import Values


class Step:
    __slots__ = ("name", "inputs", "attributes", "outputs", "dead", "shapes")

    def __init__(self, name, inputs, attributes, outputs, shapes):
        self.name, self.inputs, self.attributes, self.outputs, self.shapes = name, inputs, attributes, outputs, shapes
        self.dead = []


class Recorder(TorchDispatchMode):
    def __init__(self, model, inputs):
        super().__init__()
        self.values = Values(model, inputs)
        self.weights = next((p.dtype for p in model.parameters()), torch.float32)
        self.steps = []
        self.first_dead = []
        self.suspended = 0
        self.dtype_of = None           # the tensor whose type the model asked for last
        self.converted = set()         # results of conversions: the same tensor as their input where the type is right
        self.without_gradient = 0      # depth of the model's own `torch.no_grad()`
        self.unfollowed = []           # steps inside of it: [first, behind the last]
        self.given = len(inputs)       # values that there are before the first step
        self.blocks = []               # calls of repeated layers
        self.returned = None           # the one that has just returned: what dies now dies after it
        self.count_of = torch.Tensor.numel     # how many a mask selects, which depends on values

    def on_device(self, tensor):
        return isinstance(tensor, torch.Tensor) and tensor.device.type == "meta"

    def settle(self):
        """What has died since the last step died after it."""
        dead = self.values.take_dead()
        if self.returned is not None:
            self.returned["dead"].extend(dead)
        else:
            (self.steps[-1].dead if self.steps else self.first_dead).extend(dead)

    def reference(self, tensor):
        if tensor is None:
            return None
        number = self.values.reference(tensor)
        if number is None:                     # made before forward and kept in a plain attribute
            self.emit("create", [], ["constant", list(tensor.shape), dtype_name(tensor.dtype)], [tensor])
            self.values.keep.append(tensor)
            number = self.values.reference(tensor)
        return number

    def emit(self, name, inputs, attributes, outputs, detached=False):
        """One step; `inputs` and `outputs` are tensors."""
        shapes = [list(t.shape) if isinstance(t, torch.Tensor) else None for t in inputs]
        references = [t.number if isinstance(t, Known) else self.reference(t) for t in inputs]
        self.settle()
        self.returned = None
        step = Step(name, references, attributes, len(outputs), shapes)
        self.steps.append(step)
        for tensor in outputs:
            number = self.values.add(tensor, detached)
            if name == "to":
                self.converted.add(number)

    def forget_type(self, known):
        """The type that was asked for last is that of what a layer, or its surroundings, alone know."""
        if self.dtype_of is not None and self.dtype_of.number not in known:
            self.dtype_of = None

    def like(self, dtype):
        """The tensor whose type a conversion or creation takes over: the one that the model asked for its type last."""
        tensor = self.dtype_of
        return [tensor] if tensor is not None and dtype == tensor.dtype and dtype.is_floating_point else []

    def __torch_dispatch__(self, func, types_, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = selected(func, args, self.count_of) if depends_on_values(func, args) else func(*args, **kwargs)
        if self.suspended:
            return out
        self.settle()
        leaves = tree_leaves(out)
        if not any(self.on_device(t) for t in leaves + tree_leaves(args)):
            return out
        name = func._schema.name.split("::")[1]
        if name in IGNORED:
            return out
        translate = OPERATORS.get(name) or (derive if self.without_gradient else None)
        if translate is None:
            raise Unknown(f"operator {func}")
        if translate is derive:
            derive(self, func, args, out)
        else:
            translate(self, func, args, kwargs, out)
        return out


def depends_on_values(func, args):
    name = func._schema.name
    if name == "aten::nonzero":
        return args[0].device.type == "meta"
    masks = name == "aten::index" and [i for i in args[1] if i is not None and i.dtype == torch.bool]
    return bool(masks) and masks[0].device.type == "meta"


def selected(func, args, count_of):
    """Where how much is selected depends on values: all of it, or what `count_of` says of a mask."""
    x = args[0]
    if func._schema.name == "aten::nonzero":
        return torch.empty(count_of(x), x.dim(), dtype=torch.int64, device="meta")
    shape, dim = [], 0
    for i in args[1]:
        if i is None:
            shape.append(x.shape[dim])
            dim += 1
        else:
            shape.append(count_of(i) if i.dtype == torch.bool else i.numel())
            dim += i.dim() if i.dtype == torch.bool else 1
    return torch.empty(*shape, *x.shape[dim:], dtype=x.dtype, device="meta")


def dtype_name(dtype):
    return str(dtype)[6:]


class Known:
    """A tensor as an input that only gives its type, without holding it."""

    def __init__(self, number, dtype):
        self.number, self.dtype = number, dtype


DTYPE = torch.Tensor.dtype.__get__


def pooled(function):
    def call(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        return function(x, kernel_size, stride if stride is not None else [], padding, dilation, ceil_mode)
    return call


def adaptively_pooled(function):
    def call(x, output_size, return_indices=False):
        sizes = [output_size] * (x.dim() - 2) if isinstance(output_size, int) else output_size
        size = [own if s is None else s for s, own in zip(sizes, x.shape[-len(sizes):])]
        return function(x, size)[0]
    return call


DISPATCHED = {torch.nn.functional.max_pool1d: pooled(torch.max_pool1d), torch.nn.functional.max_pool2d: pooled(torch.max_pool2d),
              torch.nn.functional.max_pool3d: pooled(torch.max_pool3d),
              torch.nn.functional.adaptive_max_pool1d: adaptively_pooled(torch.adaptive_max_pool1d),
              torch.nn.functional.adaptive_max_pool2d: adaptively_pooled(torch._C._nn.adaptive_max_pool2d),
              torch.nn.functional.adaptive_max_pool3d: adaptively_pooled(torch._C._nn.adaptive_max_pool3d)}


class Functions(TorchFunctionMode):
    """Sees the functions that are recorded as one."""

    def __init__(self, recorder):
        super().__init__()
        self.recorder = recorder
        self.opened = {}

    def __torch_function__(self, func, types_, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        handler = FUNCTIONS.get(name)
        recorder = self.recorder
        if name == "__bool__" and recorder.on_device(args[0]):
            return True                        # whether there is anything to do: there is
        if func == DTYPE and recorder.on_device(args[0]):
            recorder.dtype_of = Known(recorder.reference(args[0]), args[0].dtype)
        if handler is not None and not recorder.suspended and handler.takes(recorder, func, args, kwargs):
            recorder.suspended += 1
            try:
                out = func(*args, **kwargs)
            finally:
                recorder.suspended -= 1
            recorder.settle()
            handler.record(recorder, args, kwargs, out)
            return out
        if name in ("lstm", "gru", "rnn_tanh", "rnn_relu"):
            raise Unknown(f"function {name}")
        if func in DISPATCHED:
            return DISPATCHED[func](*args, **kwargs)
        if isinstance(func, types.FunctionType) and func.__module__ == "torch.nn.functional":
            with self:
                return self.open(func)(*args, **kwargs)
        return func(*args, **kwargs)

    def open(self, func):
        """The function without its question whether somebody overrides it, so that its parts are seen."""
        if func not in self.opened:
            never = {n: (lambda *a: False) for n in ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")}
            self.opened[func] = types.FunctionType(func.__code__, {**func.__globals__, **never}, func.__name__, func.__defaults__, func.__closure__)
            self.opened[func].__kwdefaults__ = func.__kwdefaults__
        return self.opened[func]


ACTIVE = []          # the recorder at work


class NoGradient:
    """Notes the model's own `torch.no_grad()`, which recording without gradients would hide."""

    def __init__(self, recorder):
        self.recorder = recorder

    def __enter__(self):
        recorder, self.own = self.recorder, (torch.no_grad.__enter__, torch.no_grad.__exit__)
        enter, leave = self.own

        def entered(context):
            recorder.without_gradient += 1
            if recorder.without_gradient == 1:
                recorder.unfollowed.append([len(recorder.steps), None])
            return enter(context)

        def left(context, *exception):
            recorder.without_gradient -= 1
            if recorder.without_gradient == 0:
                recorder.unfollowed[-1][1] = len(recorder.steps)
            return leave(context, *exception)
        torch.no_grad.__enter__, torch.no_grad.__exit__ = entered, left

    def __exit__(self, *exception):
        torch.no_grad.__enter__, torch.no_grad.__exit__ = self.own


def mark(recorder, module, path):
    """Notes where each call of a repeated layer begins and ends, what it is given and what it returns."""
    forward = module.forward

    def marked(*args, **kwargs):
        given = [recorder.reference(t) for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        recorder.settle()
        recorder.returned = None
        recorder.forget_type(given)
        start = len(recorder.steps)
        out = forward(*args, **kwargs)
        results = [recorder.reference(t) for t in tree_leaves(out) if isinstance(t, torch.Tensor)]
        recorder.settle()
        recorder.forget_type(results)
        recorder.returned = {"path": path, "from": start, "to": len(recorder.steps), "arguments": given, "results": results, "dead": []}
        recorder.blocks.append(recorder.returned)
        return out
    module.forward = marked


def record(model, inputs, call, blocks=()):
    """Steps of `call(model, inputs)`, and the references of its results; `blocks`: paths of its repeated layers."""
    recorder = Recorder(model, [t for t in inputs if isinstance(t, torch.Tensor)])
    for path in blocks:
        mark(recorder, model.get_submodule(path), path)
    ACTIVE[:] = [recorder]
    with torch.no_grad(), recorder, Functions(recorder), NoGradient(recorder):
        out = call(model, inputs)
        results = [t for t in tree_leaves(out) if isinstance(t, torch.Tensor)]
        recorder.settle()
        references = [recorder.reference(t) for t in results]
        recorder.shapes_of = {n: list(t.shape) for n, t in zip(references, results)}
    return recorder, references
