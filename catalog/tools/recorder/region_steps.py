"""Counts and shapes of what detectors do with values: how many regions are sampled, and regions over feature levels."""
import torch

PROPOSALS, POSITIVES = 512, 128      # sampled for each image by the two-stage configurations, and those with a mask


def rearranged(name, inputs, shape):
    """A compiled operator as one step of the recorder that is at work."""
    from recorder import ACTIVE
    recorder = ACTIVE[0]
    recorder.suspended += 1
    out = inputs[0].new_empty(shape)
    recorder.suspended -= 1
    recorder.settle()
    recorder.emit("rearranged", list(inputs), [name, list(shape), False], [out])
    return out


def pooled_over_levels(pool, features, rois):
    """Regions spread evenly over the levels; how they spread depends on values. `pool(level, feature, rois)`."""
    if len(features) == 1:
        return pool(0, features[0], rois)
    count = rois.size(0) // len(features)
    return torch.cat([pool(i, f, rois[i * count:(i + 1) * count] if i + 1 < len(features) else rois[i * count:]) for i, f in enumerate(features)])


class unrecorded:
    """What is made in here appears as constants: grids and anchors, whose making takes no memory worth telling."""

    def __enter__(self):
        from recorder import ACTIVE
        ACTIVE[0].suspended += 1

    def __exit__(self, *exception):
        from recorder import ACTIVE
        ACTIVE[0].suspended -= 1


def constant(shape, like):
    """A tensor of values that only have a shape here."""
    with unrecorded():
        return torch.zeros(*shape, dtype=like.dtype, device=like.device)


def given(name, like, shape, dtype):
    """A tensor whose values depend on others and whose shape follows `like`; autograd does not follow it."""
    from recorder import ACTIVE
    recorder = ACTIVE[0]
    with unrecorded():
        made = torch.zeros(*shape, dtype=dtype, device=like.device)
    recorder.settle()
    recorder.emit("derive", [like], [name, list(shape), str(dtype)[6:]], [made])
    return made


def priors(feature, count, width=4):
    """Anchors or points of one level: `count` for each location, in the type of the weights whatever autocast does."""
    from recorder import ACTIVE
    return given("priors", feature, [count * feature.size(-2) * feature.size(-1), width], ACTIVE[0].weights)
