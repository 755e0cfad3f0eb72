"""A training step of ultralytics' models by shapes: what depends on values (targets, which locations are positive) is
answered by counts, all else is ultralytics' own code."""
import types

import torch
import torch.nn.functional as F

from operators import OPERATORS, derive
from region_steps import constant, given, unrecorded

OBJECTS = 7.3            # of an image of COCO on average (Lin et al. 2014, Microsoft COCO, figure 5)
LOCATIONS = 10           # that the task-aligned assigner takes for an object (`tal_topk`)
POSITIVES = round(OBJECTS * LOCATIONS)


def hyperparameters():
    """Weights of the loss; none of them decides a size."""
    return types.SimpleNamespace(box=7.5, cls=0.5, dfl=1.5, pose=12.0, kobj=1.0, rle=1.0, angle=1.0, overlap_mask=True, mask_ratio=4, epochs=100)


def counted(batch):
    """How many a mask selects: of pairs of location and object those where one lies in the other, each location in one
    object on average; of locations those that are positive."""
    def count(mask):
        if mask.dim() == 3:
            return mask.shape[0] * mask.shape[2]
        return POSITIVES * batch if mask.dim() == 2 else POSITIVES
    return count


def without_values(criterion, truths, dtype):
    """Ground truths padded to the image that has most; the places of a distribution in the type of the weights."""
    def preprocess(self, targets, batch_size, scale_tensor):
        return constant([batch_size, truths, targets.shape[1] - 1], targets)
    for loss in (criterion, getattr(criterion, "one2many", None), getattr(criterion, "one2one", None)):
        if hasattr(loss, "preprocess"):
            loss.preprocess = types.MethodType(preprocess, loss)
            loss.proj = loss.proj.to(dtype)


def made_unseen(function):
    """What it makes appears as constants."""
    def call(*args, **kwargs):
        with unrecorded():
            return function(*args, **kwargs)
    return call


def masks_loss(self, fg_mask, masks, target_gt_idx, target_bboxes, batch_idx, proto, pred_masks, imgsz, overlap):
    """Masks of the positive locations against those of their objects. ultralytics takes image after image, and keeps them all."""
    from ultralytics.utils.ops import crop_mask
    batch, channels, height, width = proto.shape
    wanted = given("objects", masks, [batch, POSITIVES, 1, 1], masks.dtype)
    boxes = target_bboxes[fg_mask]
    wanted = (masks.unsqueeze(1) == wanted).float()
    predicted = pred_masks[fg_mask].view(batch, POSITIVES, channels) @ proto.view(batch, channels, -1)
    loss = F.binary_cross_entropy_with_logits(predicted.view(batch * POSITIVES, height, width), wanted.view(batch * POSITIVES, height, width), reduction="none")
    return crop_mask(loss, boxes).mean(dim=(1, 2)).sum()


def keypoints_loss(self, masks, target_gt_idx, keypoints, batch_idx, stride_tensor, target_bboxes, pred_kpts):
    """Points of the positive locations against those of their objects, which are laid out for every location first."""
    truths = keypoints.size(0) // masks.size(0)
    padded = constant([masks.size(0), truths, *keypoints.shape[1:]], keypoints)
    places = target_gt_idx[..., None, None].expand(-1, -1, *keypoints.shape[1:])
    selected = padded.gather(1, places)
    boxes, selected = target_bboxes[masks], selected[masks]
    predicted = pred_kpts[masks]
    return (predicted - selected).abs().sum() + boxes.sum(), F.softplus(predicted[..., 2]).mean()


def install():
    """Replaces what reads values. After ultralytics is imported."""
    from ultralytics.utils import loss, tal
    loss.make_anchors = made_unseen(tal.make_anchors)
    loss.v8SegmentationLoss.calculate_segmentation_loss = masks_loss
    loss.v8PoseLoss.calculate_keypoints_loss = keypoints_loss
    OPERATORS["prod"] = lambda r, func, args, kwargs, out: derive(r, func, args, out)      # areas of ground truths


def labels(batch, size, truths, task, dtype):
    """The collated batch beside its images."""
    count = batch * truths
    made = {"batch_idx": [count], "cls": [count, 1], "bboxes": [count, 4]}
    made = {name: torch.zeros(shape, dtype=dtype) for name, shape in made.items()}
    if task == "segment":
        made["masks"] = torch.zeros(batch, size[0] // 4, size[1] // 4, dtype=torch.uint8)
    if task == "pose":
        made["keypoints"] = torch.zeros(count, 17, 3, dtype=dtype)
    if task == "classify":
        made = {"cls": torch.zeros(batch, dtype=torch.int64)}
    return made


def prepare(model, task, batch, size, truths, dtype):
    """Inputs of a training step and the call that gives its loss."""
    images = torch.empty(batch, 3, *size, dtype=dtype)
    given = labels(batch, size, truths, task, dtype)
    names = list(given)
    criterion = model.init_criterion()
    without_values(criterion, truths, dtype)

    def call(m, inputs):
        from recorder import ACTIVE
        ACTIVE[0].count_of = counted(batch)
        predicted = m.predict(inputs[0])
        with torch.device("meta"):               # the assigner makes indices on the CPU
            loss = criterion(predicted, dict(zip(names, inputs[1:]), img=inputs[0]))
        return loss[0].sum()
    return [images, *given.values()], call
