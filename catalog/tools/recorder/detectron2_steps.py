"""A training step of detectron2's models by shapes: what depends on values (matching, sampling, suppression) is answered
by counts, all else is detectron2's own code."""
import sys
import types

import torch
import torch.nn.functional as F

from recorder import ACTIVE
from region_steps import POSITIVES, PROPOSALS, constant, given, pooled_over_levels, priors, rearranged


class Compiled(types.ModuleType):
    """detectron2's compiled operators, which are not there."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)

        def absent(*args, **kwargs):
            raise NotImplementedError(name)
        return absent


def install():
    """Puts shapes where detectron2 has compiled operators or reads values. Before detectron2 is imported."""
    sys.modules["detectron2._C"] = Compiled("detectron2._C")
    linspace = torch.linspace
    torch.linspace = lambda *args, **kwargs: linspace(*args, **{**kwargs, "device": "cpu"})      # rates of dropped paths are read
    import detectron2
    detectron2._C = sys.modules["detectron2._C"]
    from detectron2.layers import FrozenBatchNorm2d, ROIAlign
    from detectron2.layers import deform_conv
    from detectron2.modeling import poolers
    from detectron2.structures import boxes

    def align(self, input, rois):
        return rearranged("roi_align", [input, rois], [rois.size(0), input.size(1), *self.output_size])
    ROIAlign.forward = align

    def pool(self, features, lists):
        rois = torch.cat([b.tensor for b in lists])
        return pooled_over_levels(lambda i, f, r: self.level_poolers[i](f, r), features, rois)
    poolers.ROIPooler.forward = pool

    def frozen(self, x):
        """Under gradients the statistics are multiplied out and the result is new twice; where nothing below is trained, batch_norm."""
        if not getattr(self, "below_trained", True):
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps)
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        bias = self.bias - self.running_mean * scale
        return x * scale.reshape(1, -1, 1, 1).to(x.dtype) + bias.reshape(1, -1, 1, 1).to(x.dtype)
    FrozenBatchNorm2d.forward = frozen

    def deform(input, offset, weight, *rest):
        return rearranged("deform_conv", [input, offset, weight], [input.size(0), weight.size(0), *offset.shape[2:]])

    def modulated(input, offset, mask, weight, *rest):
        return rearranged("deform_conv", [input, offset, mask, weight], [input.size(0), weight.size(0), *offset.shape[2:]])
    deform_conv.deform_conv, deform_conv.modulated_deform_conv = deform, modulated
    boxes.Boxes.__init__ = lambda self, tensor: setattr(self, "tensor", tensor)


def mark_frozen(model):
    """Frozen batch norms below which nothing is trained: they are not followed."""
    from detectron2.layers import FrozenBatchNorm2d
    bottom = getattr(model.backbone, "bottom_up", model.backbone)
    for name, part in bottom.named_children():
        trained = any(p.requires_grad for p in part.parameters())
        for module in part.modules():
            if isinstance(module, FrozenBatchNorm2d):
                module.below_trained = trained
        if trained:
            return


def matched(truths, anchors, low_quality=True):
    """Anchors against the ground truths of one image; images come one after the other, and only the labels remain."""
    from detectron2.structures.boxes import Boxes, pairwise_iou
    quality = pairwise_iou(Boxes(constant([truths, 4], anchors)), Boxes(anchors))
    sound = quality >= 0
    del sound
    best, which = quality.max(dim=0)
    if low_quality:
        highest, _ = quality.max(dim=1)
        same = quality == highest[:, None]
        del same
    return which


def anchors_of(generator, features):
    counts = getattr(generator, "num_anchors", [1] * len(features))
    return torch.cat([priors(f, n) for f, n in zip(features, counts)])


def labelled(truths, anchors, batch):
    """Labels of all anchors and the boxes that they are matched with, for the whole batch."""
    with torch.no_grad():
        which = matched(truths, anchors)
        del which
        labels = given("labels", anchors, [batch, anchors.size(0)], torch.int64)
        boxes = given("boxes", anchors, [batch, anchors.size(0), 4], ACTIVE[0].weights)
    return labels, boxes


def box_regression_loss(anchors, boxes, deltas, positives):
    """As `_dense_box_regression_loss`: targets for all anchors, the loss of the few that are matched."""
    widths = boxes[..., 2:] - boxes[..., :2]
    centres = boxes[..., :2] + 0.5 * widths
    targets = torch.cat([(centres - anchors[:, :2]) / (anchors[:, 2:] - anchors[:, :2]), torch.log(widths / anchors[:, 2:])], dim=2)
    del widths, centres
    together = torch.cat(deltas, dim=1)
    chosen, wanted = together[:, :positives], targets[:, :positives]
    return (chosen - wanted).abs().sum()


def region_proposals(model, features, batch, truths):
    """The network that proposes: loss over the anchors that are sampled, boxes for all of them."""
    network = model.proposal_generator
    features = [features[f] for f in network.in_features]
    together = anchors_of(network.anchor_generator, features)
    logits, deltas = network.rpn_head(features)
    logits = [s.permute(0, 2, 3, 1).flatten(1) for s in logits]
    deltas = [d.view(d.shape[0], -1, 4, d.shape[-2], d.shape[-1]).permute(0, 3, 4, 1, 2).flatten(1, -2) for d in deltas]
    labels, boxes = labelled(truths, together, batch)
    loss = box_regression_loss(together, boxes, deltas, 256)
    scores = torch.cat(logits, dim=1)[:, :256]
    loss = loss + F.softplus(scores).sum()
    with torch.no_grad():
        proposals = [d.exp() for d in deltas]
        del proposals
    return loss


def boxes_of(reference, batch, count):
    from detectron2.structures.boxes import Boxes
    return [Boxes(constant([batch * count, 4], reference))]


def classified(scores, deltas):
    """Loss of each region's class, and of its box where it is an object."""
    labels = torch.zeros(scores.size(0), dtype=torch.int64, device=scores.device)
    return F.cross_entropy(scores, labels) + deltas.abs().sum()


def chosen_class(predicted):
    """The map of one class out of those predicted for each region, as indexing by the labels gives it."""
    rows = torch.zeros(predicted.size(0), dtype=torch.int64, device=predicted.device)
    return predicted[rows, rows] if predicted.size(1) > 1 else predicted[:, 0]


def masked(head, pooled):
    return F.softplus(chosen_class(head.layers(pooled))).mean()


def key_points(head, pooled):
    maps = head.layers(pooled)
    rows = maps.view(maps.size(0) * maps.size(1), -1)
    labels = torch.zeros(rows.size(0), dtype=torch.int64, device=rows.device)
    return F.cross_entropy(rows, labels)


def standard_regions(heads, features, batch):
    from detectron2.modeling.roi_heads.cascade_rcnn import CascadeROIHeads
    used = [features[f] for f in heads.box_in_features]
    stages = [(heads.box_head, heads.box_predictor)]
    if isinstance(heads, CascadeROIHeads):
        stages = list(zip(heads.box_head, heads.box_predictor))
    loss = 0
    for head, predictor in stages:
        pooled = head(heads.box_pooler(used, boxes_of(used[0], batch, PROPOSALS)))
        scores, deltas = predictor(pooled)
        del pooled
        loss = loss + classified(scores, deltas)
    if heads.mask_on:
        used = [features[f] for f in heads.mask_in_features]
        loss = loss + masked(heads.mask_head, heads.mask_pooler(used, boxes_of(used[0], batch, POSITIVES)))
    if heads.keypoint_on:
        used = [features[f] for f in heads.keypoint_in_features]
        loss = loss + key_points(heads.keypoint_head, heads.keypoint_pooler(used, boxes_of(used[0], batch, POSITIVES)))
    if getattr(heads, "densepose_on", False):
        loss = loss + dense_poses(heads, features, batch)
    return loss


# Of the regions sampled as objects (IoU 0.5) those that overlap by 0.7 (MODEL.ROI_DENSEPOSE_HEAD.FG_IOU_THRESHOLD): 2.9 of 16.7 %
# of what a network proposes (Cai and Vasconcelos 2018, Cascade R-CNN, figure 4), and the boxes of the persons themselves.
DENSE = POSITIVES * 29 // 167 + 10


def dense_poses(heads, features, batch):
    """Every map that is predicted for a person, resized; points of it are compared."""
    used = [features[f] for f in heads.in_features]
    if heads.use_decoder:
        used = [heads.decoder(used)]
    predicted = heads.densepose_predictor(heads.densepose_head(heads.densepose_pooler(used, boxes_of(used[0], batch, DENSE))))
    maps = [v for v in vars(predicted).values() if isinstance(v, torch.Tensor)]
    return sum(m[:, :, ::8, ::8].sum() for m in maps)


def single_level_regions(heads, features, batch):
    """Res5ROIHeads: the last stage of the backbone over every region."""
    used = [features[f] for f in heads.in_features]
    pooled = heads._shared_roi_transform(used, boxes_of(used[0], batch, PROPOSALS))
    scores, deltas = heads.box_predictor(pooled.mean(dim=[2, 3]))
    loss = classified(scores, deltas)
    if heads.mask_on:
        rows = torch.zeros(batch * POSITIVES, dtype=torch.int64, device=pooled.device)
        chosen = pooled[rows]
        del pooled
        loss = loss + masked(heads.mask_head, chosen)
    return loss


def focal_loss(logits, wanted):
    """fvcore's, term by term."""
    probability = logits.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    likely = probability * wanted + (1 - probability) * (1 - wanted)
    loss = entropy * ((1 - likely) ** 2.0)
    weight = 0.25 * wanted + 0.75 * (1 - wanted)
    return (weight * loss).sum()


def one_stage(model, features, batch, truths):
    """RetinaNet and FCOS: the loss of every location."""
    features = [features[f] for f in model.head_in_features]
    anchors = anchors_of(model.anchor_generator, features)
    predicted = model.head(features)
    transposed = model._transpose_dense_predictions(predicted, [model.num_classes, 4] + ([1] if len(predicted) == 3 else []))
    logits, deltas = transposed[:2]
    labels, boxes = labelled(truths, anchors, batch)
    valid = labels >= 0
    wanted = F.one_hot(labels.reshape(-1), num_classes=model.num_classes + 1)[:, :-1]
    together = torch.cat(logits, dim=1)
    together = together.reshape(-1, together.size(-1))
    index = given("valid", together, [together.size(0)], torch.int64)
    loss = focal_loss(together[index], wanted.to(together.dtype))
    del wanted, together, valid
    return loss + box_regression_loss(anchors, boxes, deltas, 256)


def segmented(model, features, labels):
    """The branch for stuff: predictions at full resolution against the label of each pixel."""
    head = model.sem_seg_head
    predictions = head.layers(features)
    predictions = F.interpolate(predictions, scale_factor=head.common_stride, mode="bilinear", align_corners=False)
    return F.cross_entropy(predictions, labels, reduction="mean", ignore_index=255)


def prepare(model, batch, size, truths, dtype):
    """Inputs of a training step and the call that gives its loss."""
    mark_frozen(model)
    images = torch.empty(batch, 3, *size, dtype=dtype)
    stuff = hasattr(model, "sem_seg_head")
    inputs = [images] + ([torch.zeros(batch, *size, dtype=torch.int64)] if stuff else [])

    def call(m, tensors):
        features = m.backbone(tensors[0])
        if hasattr(m, "head_in_features"):
            return one_stage(m, features, batch, truths)
        loss = 0
        if stuff:
            loss = segmented(m, features, tensors[1])
        if hasattr(m, "proposal_generator"):
            given = getattr(m, "proposal_generator")
            if given is not None and hasattr(given, "rpn_head"):
                loss = loss + region_proposals(m, features, batch, truths)
        if hasattr(m, "roi_heads"):
            regions = standard_regions if hasattr(m.roi_heads, "box_in_features") else single_level_regions
            loss = loss + regions(m.roi_heads, features, batch)
        return loss
    return inputs, call
