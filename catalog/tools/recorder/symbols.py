"""Sizes as functions of batch, image and classes: found by comparing recordings at different sizes."""
import functools
import itertools
import math


PYRAMIDS = (1024, 4096)     # strides of the coarsest level, 32 or 64, squared


class NoExpression(Exception):
    pass


def _scaled(targets, products, offset):
    """(a, c) with target = a * product / c + offset everywhere, or None."""
    moved = [t - offset for t in targets]
    if any(p <= 0 for p in products) or any(m <= 0 for m in moved):
        return None
    g = math.gcd(moved[0], products[0])
    a, c = moved[0] // g, products[0] // g
    return (a, c) if all(m * c == a * p for m, p in zip(moved, products)) else None


def _rounded(targets, values, name):
    for c in range(2, 129):
        if all(t == -(-v // c) for t, v in zip(targets, values)):
            return {"v": [name], "a": 1, "c": c, "b": 0, "r": "ceil"}
        if all(t == -v % c for t, v in zip(targets, values)):
            return {"v": [name], "a": 1, "c": c, "b": 0, "r": "pad"}
        for shift in range(-8, c):
            if all(t == (v + shift) // c for t, v in zip(targets, values)):
                return {"v": [name], "a": 1, "c": c, "b": shift, "r": "floor"}
    return None


def _linear(targets, classes):
    """Channels of heads that predict classes and other things: a * classes + b."""
    if classes is None or classes[1] == classes[0] or (targets[1] - targets[0]) % (classes[1] - classes[0]):
        return None
    a = (targets[1] - targets[0]) // (classes[1] - classes[0])
    if any(a * c - t != a * classes[0] - targets[0] for c, t in zip(classes, targets)):
        return None
    return {"v": ["K"], "a": a, "c": 1, "b": targets[0] - a * classes[0], "r": "exact"} if a > 0 else None


def _straight(targets, values, name):
    """a * size + b, as frames of a video that has so many frames of latents."""
    if values[0] == values[1] or (targets[1] - targets[0]) % (values[1] - values[0]):
        return None
    a = (targets[1] - targets[0]) // (values[1] - values[0])
    b = targets[0] - a * values[0]
    fits = 0 < a <= 64 and abs(b) <= 64 and len(targets) > 2 and all(t == a * v + b for t, v in zip(targets, values))
    return {"v": [name], "a": a, "c": 1, "b": b, "r": "exact"} if fits else None


def _summed(targets, varying, names, added):
    """A product and a size besides, as tokens of an image and of its prompt."""
    moved = [t - v for t, v in zip(targets, varying[added])]
    for size in range(1, 5):
        for subset in itertools.combinations(names, size):
            scale = _scaled(moved, [math.prod(varying[n][i] for n in subset) for i in range(len(targets))], 0)
            if scale is not None and max(scale) <= 4096 and min(scale) == 1:
                return {"v": list(subset), "a": scale[0], "c": scale[1], "b": added, "r": "exact"}
    return None


def expression(targets, variables):
    """An expression over `variables` ({name: values, one for each recording}) that gives `targets`; simplest first."""
    return found(tuple(targets), tuple((name, tuple(values)) for name, values in variables.items()))


@functools.lru_cache(maxsize=200_000)
def found(targets, named):
    variables = dict(named)
    if len(set(targets)) == 1:
        return targets[0]
    varying = {n: v for n, v in variables.items() if len(set(v)) > 1}
    seen, names = set(), []
    for name, values in varying.items():
        if tuple(values) not in seen:
            seen.add(tuple(values))
            names.append(name)
    best = None
    for offset in (0, 1, 2, 4, -1, -2, 3, 5):
        for size in range(1, 5):
            for subset in itertools.combinations_with_replacement(names, size):
                products = [math.prod(varying[n][i] for n in subset) for i in range(len(targets))]
                scale = _scaled(targets, products, offset)
                if scale is None:
                    continue
                cost = (scale[0] + scale[1]) * size
                pyramid = scale[1] in PYRAMIDS and offset == 0          # all locations of a feature pyramid
                if not pyramid and (scale[0] > 4096 or scale[1] > 4096 or (scale[0] > 1 and scale[1] > 1 and scale[0] + scale[1] > 64)):
                    continue
                if best is None or cost < best[0]:
                    best = (cost, {"v": list(subset), "a": scale[0], "c": scale[1], "b": offset, "r": "exact"})
            if best is not None:
                return best[1]
    linear = _linear(targets, varying.get("K"))
    if linear is not None:
        return linear
    for name in names:
        summed = _summed(targets, varying, names, name)
        if summed is not None:
            return summed
    for name in names:
        straight = _straight(targets, varying[name], name)
        if straight is not None:
            return straight
    for name in names:
        more = {t - v for t, v in zip(targets, varying[name])}
        if len(more) == 1:
            return {"v": [name], "a": 1, "c": 1, "b": more.pop(), "r": "exact"}
    for halvings in range(1, 8):                 # maps are halved again and again
        for name in [n for n in names if n not in ("B", "G", "K")]:
            if all(t == -(-v // 2 ** halvings) for t, v in zip(targets, varying[name])):
                return {"v": [name], "a": 1, "c": 2 ** halvings, "b": 0, "r": "ceil"}
    for name in names:
        rounded = _rounded(targets, varying[name], name)
        if rounded is not None:
            return rounded
    for name in names:
        scale = _scaled(targets, varying[name], 0)
        if scale is not None and scale[1] == 1:          # so many for each image, as where a graph is of one size only
            return {"v": [name], "a": scale[0], "c": 1, "b": 0, "r": "exact"}
    truths = varying.get("G")
    if truths is not None and len(truths) == 2:      # so many for each object, and others beside
        slope, left = divmod(targets[1] - targets[0], truths[1] - truths[0])
        if left == 0 and slope > 0:
            return {"v": ["G"], "a": slope, "c": 1, "b": targets[0] - slope * truths[0], "r": "exact"}
    raise NoExpression(f"no expression for {targets} over {varying}")
