"""A graph as it is written: recordings at two sizes compared step by step, sizes as expressions, equal parts once."""
import itertools

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


def merged(parts, variables, expressions, free=False):
    """Attributes of several recordings as one; `free`: one size may be left to be worked out (-1)."""
    first = parts[0]
    if isinstance(first, (list, tuple)):
        if any(not isinstance(p, (list, tuple)) or len(p) != len(first) for p in parts):
            raise NotAlike(f"attributes {parts}")
        return merged_list(parts, variables, expressions, free)
    if isinstance(first, bool) or isinstance(first, str) or first is None or isinstance(first, float):
        if any(p != first for p in parts):
            if set(parts) == {"float32", "bfloat16"}:
                return "weights"
            raise NotAlike(f"attributes {parts}")
        return first
    found = expression(tuple(parts), variables)
    return found if isinstance(found, int) else expressions.number(found)


def merged_list(parts, variables, expressions, free):
    result, left = [], None
    for i, sizes in enumerate(zip(*parts)):
        try:
            result.append(merged(sizes, variables, expressions, free))
        except NoExpression:
            if not free or left is not None:
                raise
            left = i
            result.append(-1)
    return result


FREE = {"view", "reshape"}


def variables_of(steps, globals_):
    variables = {}
    for i, shapes in enumerate(zip(*[s.shapes for s in steps])):
        if all(shape is not None for shape in shapes):
            for d, sizes in enumerate(zip(*shapes)):
                variables[f"{i}.{d}"] = sizes
    return {**variables, **globals_}


def inputs_of(batches, globals_, expressions):
    """[shape, type] of each tensor of the batch."""
    return [[merged([list(t.shape) for t in tensors], globals_, expressions), merged([name_of(t) for t in tensors], {}, expressions)]
            for tensors in zip(*batches)]


def name_of(tensor):
    return str(tensor.dtype)[6:]


def attributes_of(steps, variables, expressions):
    """Where a slice begins does not matter, only how much it takes."""
    name, attributes = steps[0].name, [s.attributes for s in steps]
    if name == "slice" and len({a[1] for a in attributes}) > 1:
        attributes = [[a[0], 0, a[2]] for a in attributes]
    return merged(attributes, variables, expressions, name in FREE)


CREATIONS = {"create", "createLike"}


def telling(steps):
    """In fp32 a type that is asked for may be that of any tensor: there the recordings in 16 bit tell."""
    if steps[0].name == "to" and steps[0].inputs and steps[0].inputs[0] is None:      # conversions.py
        return steps[1:]
    asks = {s.name for s in steps} <= CREATIONS | {"to"}
    differs = any(s.name != steps[0].name or len(s.inputs) != len(steps[0].inputs) for s in steps)
    return steps[1:] if asks and differs and len(steps) > 2 else steps


def settle_creation(step, twin):
    """What takes over a tensor's type in one of two recordings only has a type of its own, which happened to be the same."""
    for one, two in ((step, twin), (twin, step)):
        if one.name == two.name == "to" and len(one.inputs) > len(two.inputs):
            one.inputs, one.shapes = one.inputs[:1], one.shapes[:1]
        if one.name == "createLike" and two.name == "create":
            one.name, one.inputs, one.shapes = "create", [], []
            one.attributes = [*one.attributes[:2], two.attributes[2]]


def unlike(recordings):
    names = [[s.name for s in r.steps] for r in recordings]
    first = names[0]
    for other in names[1:]:
        if not all(a == b or {a, b} <= CREATIONS for a, b in itertools.zip_longest(first, other)):
            at = next((i for i, (a, b) in enumerate(zip(first, other)) if a != b and not {a, b} <= CREATIONS), min(len(first), len(other)))
            near = first[max(0, at - 2):at + 3], other[max(0, at - 2):at + 3]
            raise NotAlike(f"steps differ at {at} of {len(first)} and {len(other)}: {near}")


def same_inputs(steps, recordings):
    """A conversion to the type that a tensor has is the tensor itself: there the numbers may differ."""
    for step, recording in zip(steps[1:], recordings[1:]):
        if len(step.inputs) != len(steps[0].inputs) or step.outputs != steps[0].outputs:
            return False
        if not all(a == b or a in recordings[0].converted or b in recording.converted for a, b in zip(steps[0].inputs, step.inputs)):
            return False
    return True


def graph_of(*runs, inputs=None):
    """The graph of two or more recordings; lifetimes are those of the second, in which types differ."""
    models, recordings, results, sizes = zip(*runs)
    globals_ = {name: tuple(s[name] for s in sizes) for name in sizes[0]}
    unlike(recordings)
    expressions = Expressions()
    operations, numbers, written = [], {}, []
    for all_steps in zip(*[r.steps for r in recordings]):
        if len(all_steps) == 2:
            settle_creation(*all_steps)
        twin, steps = all_steps[1], telling(all_steps)
        step, left_out = steps[0], len(all_steps) - len(steps)
        if not same_inputs(steps, recordings[left_out:]):
            raise NotAlike(f"{step.name} of {[s.inputs for s in steps]}")
        try:
            known = {name: values[left_out:] for name, values in globals_.items()}
            attributes = attributes_of(steps, variables_of(steps, known), expressions)
        except NoExpression as error:
            raise NotAlike(f"{step.name}: {error}") from error
        key = repr((step.name, attributes))
        if key not in numbers:
            numbers[key] = len(operations)
            operations.append([step.name, *attributes])
        written.append([numbers[key], twin.inputs, step.outputs, twin.dead])
    own = {n: globals_[n] for n in "HWK" if n in globals_}
    modules = merged_modules([modules_of(m) for m in models], own, expressions)
    if len({len(r) for r in results}) > 1:
        raise NotAlike("results")
    batch = {} if inputs is None else {"inputs": inputs_of(inputs, globals_, expressions)}
    other = recordings[1]
    blocks = blocks_of(recordings, written)
    shapes = [merged(s, globals_, expressions) for s in zip(*[[r.shapes_of[n] for n in ns] for r, ns in zip(recordings, results)])]
    return {**batch, "modules": modules, "expressions": expressions.table, "operations": operations, "steps": written,
            "firstDead": other.first_dead, "results": results[1],
            "resultShapes": shapes,
            "frozen": [i for i, p in enumerate(models[0].parameters()) if not p.requires_grad],
            "unfollowed": [pair for pair in other.unfollowed if pair[0] != pair[1]], **({"blocks": blocks} if blocks else {})}


def blocks_of(recordings, written):
    """[first step, behind the last, path, arguments, results, kind, what dies after it] of each repeated layer; those of a kind do the same."""
    marks = [[(b["from"], b["to"], b["path"]) for b in r.blocks] for r in recordings]
    if any(m != marks[0] for m in marks):
        raise NotAlike(f"blocks {marks}")
    made, steps = numbers_made(recordings[1], written), recordings[1].steps
    kinds, blocks = {}, []
    for mark in recordings[1].blocks:
        inside = range(mark["from"], mark["to"])
        own = {n for i in inside for n in made[i]}
        arguments = list(dict.fromkeys([a for a in mark["arguments"] if a is not None and a >= 0] + [r for i in inside for r in held(steps[i]) if r is not None and r >= 0 and r not in own]))
        escaped = own - set(mark["results"])
        if any(r in escaped for i, step in enumerate(written) if i not in inside for r in step[1]) or any(a in escaped for m in recordings[1].blocks for a in m["arguments"]):
            raise NotAlike(f"something takes what {mark['path']} does not return")
        signature = signature_of(written, mark, arguments, made)
        kinds.setdefault(signature, len(kinds))
        outer = [d for i in inside for d in written[i][3] if d not in own]
        for i in inside:
            written[i][3] = [d for d in written[i][3] if d in own]
        blocks.append([mark["from"], mark["to"], mark["path"], arguments, mark["results"], kinds[signature], outer + mark["dead"]])
    return blocks


def held(step):
    """What a step works on; of others it takes the type alone."""
    return [] if step.name == "createLike" else step.inputs[:1] if step.name == "to" else step.inputs


def numbers_made(recording, written):
    """The numbers of the values that each step makes."""
    at, made = recording.given, []
    for _, _, outputs, _ in written:
        made.append(range(at, at + outputs))
        at += outputs
    return made


def signature_of(written, mark, arguments, made):
    """What a block does, with its own values, arguments and weights counted from its first."""
    inside = range(mark["from"], mark["to"])
    start = made[mark["from"]].start
    own = [r for i in inside for r in written[i][1] if r is not None and r < 0]
    first = {parity: max((r for r in own if r % 2 == parity), default=0) for parity in (0, 1)}

    def relative(r):
        if r is None:
            return None
        if r < 0:
            return ("weight", r % 2, first[r % 2] - r)
        return ("argument", arguments.index(r)) if r in arguments else ("own", r - start) if r >= start else ("type", 0)
    steps = [(written[i][0], tuple(map(relative, written[i][1])), tuple(map(relative, [d for d in written[i][3] if d >= start]))) for i in inside]
    return repr((steps, [relative(r) for r in mark["results"]]))


def merged_modules(listings, variables, expressions):
    """Types of buffers follow the weights where the recordings' do."""
    first = listings[0]
    if any([m[0] for m in listing] != [m[0] for m in first] for listing in listings):
        raise NotAlike("modules")
    try:
        return [[modules[0][0], [[p[0][0], shape_of([q[1] for q in p], variables, expressions)] for p in zip(*[m[1] for m in modules])],
                 [[b[0][0], merged([c[1] for c in b], variables, expressions), type_of([c[2] for c in b])] for b in zip(*[m[2] for m in modules])]]
                for modules in zip(*listings)]
    except NoExpression as error:
        raise NotAlike(f"parameters: {error}") from error


def shape_of(shapes, variables, expressions):
    """Of a parameter; the number of an earlier one that it is tied to stays."""
    return shapes[0] if isinstance(shapes[0], int) else merged(shapes, variables, expressions)


def type_of(types):
    return "weights" if {"float32", "bfloat16"} == set(types) else types[0]
