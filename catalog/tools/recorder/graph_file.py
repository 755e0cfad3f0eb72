"""A graph as it is written: recordings at two sizes compared step by step, sizes as expressions, equal parts once."""
from symbols import NoExpression, expression


class NotAlike(Exception):
    pass


def modules_of(model):
    """[path, own parameters, own buffers] of each module in the order of its constructor; a tied parameter is a number."""
    numbers = {id(p): i for i, p in enumerate(model.parameters())}
    seen, modules = set(), []
    for path, module in model.named_modules():
        parameters = []
        for name, parameter in module._parameters.items():
            if parameter is None:
                continue
            if id(parameter) in seen:
                parameters.append([name, numbers[id(parameter)]])
            else:
                seen.add(id(parameter))
                parameters.append([name, list(parameter.shape)])
        buffers = [[name, list(b.shape), str(b.dtype)[6:]] for name, b in module._buffers.items() if b is not None]
        modules.append([path, parameters, buffers])
    return modules


class Expressions:
    def __init__(self):
        self.table, self.numbers = [], {}

    def number(self, found):
        key = repr(found)
        if key not in self.numbers:
            self.numbers[key] = len(self.table)
            self.table.append([found["a"], found["c"], found["b"], found["r"], found["v"]])
        return f"#{self.numbers[key]}"


def merged(a, b, variables, expressions, free=False):
    """Attributes of two recordings as one; `free`: one size may be left to be worked out (-1)."""
    if isinstance(a, (list, tuple)):
        if not isinstance(b, (list, tuple)) or len(a) != len(b):
            raise NotAlike(f"attributes {a} and {b}")
        return merged_list(a, b, variables, expressions, free)
    if isinstance(a, bool) or isinstance(a, str) or a is None or isinstance(a, float):
        if a != b:
            if {a, b} == {"float32", "bfloat16"}:
                return "weights"
            raise NotAlike(f"attributes {a} and {b}")
        return a
    found = expression((a, b), variables)
    return found if isinstance(found, int) else expressions.number(found)


def merged_list(a, b, variables, expressions, free):
    result, left = [], None
    for i, (x, y) in enumerate(zip(a, b)):
        try:
            result.append(merged(x, y, variables, expressions, free))
        except NoExpression:
            if not free or left is not None:
                raise
            left = i
            result.append(-1)
    return result


FREE = {"view", "reshape"}


def variables_of(step, other, globals_):
    variables = {}
    for i, (x, y) in enumerate(zip(step.shapes, other.shapes)):
        if x is not None and y is not None:
            for d, (p, q) in enumerate(zip(x, y)):
                variables[f"{i}.{d}"] = (p, q)
    return {**variables, **globals_}


def inputs_of(first, second, globals_, expressions):
    """[shape, type] of each tensor of the batch."""
    return [[merged(list(a.shape), list(b.shape), globals_, expressions), merged(name_of(a), name_of(b), {}, expressions)]
            for a, b in zip(first, second)]


def name_of(tensor):
    return str(tensor.dtype)[6:]


def graph_of(first, second, inputs=None):
    model, recording, results, sizes = first
    other_model, other, other_results, other_sizes = second
    globals_ = {name: (sizes[name], other_sizes[name]) for name in sizes}
    steps, others = recording.steps, other.steps
    if [s.name for s in steps] != [s.name for s in others]:
        at = next((i for i, (a, b) in enumerate(zip(steps, others)) if a.name != b.name), min(len(steps), len(others)))
        near = [s.name for s in steps[max(0, at - 2):at + 3]], [s.name for s in others[max(0, at - 2):at + 3]]
        raise NotAlike(f"steps differ at {at} of {len(steps)} and {len(others)}: {near}")
    expressions = Expressions()
    operations, numbers, written = [], {}, []
    for step, twin in zip(steps, others):
        same = all(a == b or a in recording.converted or b in other.converted for a, b in zip(step.inputs, twin.inputs))
        if not same or len(step.inputs) != len(twin.inputs) or step.outputs != twin.outputs:
            raise NotAlike(f"{step.name} of {step.inputs} and {twin.inputs}")
        variables = variables_of(step, twin, globals_)
        try:
            attributes = merged(step.attributes, twin.attributes, variables, expressions, step.name in FREE)
        except NoExpression as error:
            raise NotAlike(f"{step.name}: {error}") from error
        key = repr((step.name, attributes))
        if key not in numbers:
            numbers[key] = len(operations)
            operations.append([step.name, *attributes])
        written.append([numbers[key], twin.inputs, step.outputs, twin.dead])
    modules = merged_modules(modules_of(model), modules_of(other_model), {n: globals_[n] for n in "HWK"}, expressions)
    if len(results) != len(other_results):
        raise NotAlike("results")
    batch = {} if inputs is None else {"inputs": inputs_of(*inputs, globals_, expressions)}
    return {**batch, "modules": modules, "expressions": expressions.table, "operations": operations, "steps": written,
            "firstDead": other.first_dead, "results": other_results,
            "frozen": [i for i, p in enumerate(model.parameters()) if not p.requires_grad],
            "unfollowed": [pair for pair in other.unfollowed if pair[0] != pair[1]]}


def merged_modules(modules, others, variables, expressions):
    if [m[0] for m in modules] != [m[0] for m in others]:
        raise NotAlike("modules")
    try:
        return [[path, [[n, merged(s, t, variables, expressions)] for (n, s), (_, t) in zip(own, own2)],
                 [[n, merged(s, t, variables, expressions), d if d not in ("float32", "bfloat16") or d == d2 else "weights"]
                  for (n, s, d), (_, t, d2) in zip(buffers, buffers2)]]
                for (path, own, buffers), (_, own2, buffers2) in zip(modules, others)]
    except NoExpression as error:
        raise NotAlike(f"parameters: {error}") from error
