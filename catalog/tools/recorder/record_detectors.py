"""Writes recorded graphs of torchvision's detectors, from the batch to the loss.

  python catalog/tools/recorder/record_detectors.py --rows rows.jsonl [NAME...]

What depends on values (matching, sampling, suppression) is answered by counts, all else is torchvision's own code. The
backbones are frozen as they are where their weights are loaded: batch norms without statistics, the first stages untrained."""
import argparse
import os
import sys
import time

import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from graph_file import graph_of
from record_models import GRAPHS, write_trained
from recorder import ACTIVE, record
from region_steps import POSITIVES, PROPOSALS, constant, given, pooled_over_levels, priors, rearranged

RCNNS = ("fasterrcnn_resnet50_fpn", "fasterrcnn_resnet50_fpn_v2", "fasterrcnn_mobilenet_v3_large_fpn",
         "fasterrcnn_mobilenet_v3_large_320_fpn", "maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_v2", "keypointrcnn_resnet50_fpn")
ONE_STAGE = ("retinanet_resnet50_fpn", "retinanet_resnet50_fpn_v2", "fcos_resnet50_fpn")
SINGLE_SHOT = {"ssd300_vgg16": 300, "ssdlite320_mobilenet_v3_large": 320}
CLASSES = {"keypointrcnn_resnet50_fpn": 2}
TRUTHS = (29, 43)


FROM_SCRATCH = "_from_scratch"


def built(name, classes):
    """The constructor with weights for the backbone that are not loaded, or without any, so that all is trained."""
    import torchvision
    if name.endswith(FROM_SCRATCH):
        return torchvision.models.get_model(name.removesuffix(FROM_SCRATCH), weights=None, weights_backbone=None, num_classes=classes)
    from torchvision.models._api import WeightsEnum
    own = WeightsEnum.get_state_dict, torch.nn.Module.load_state_dict
    WeightsEnum.get_state_dict = lambda self, *args, **kwargs: {}
    torch.nn.Module.load_state_dict = lambda self, *args, **kwargs: None
    try:
        return torchvision.models.get_model(name, weights=None, num_classes=classes)
    finally:
        WeightsEnum.get_state_dict, torch.nn.Module.load_state_dict = own


def overlaps(boxes, anchors):
    """As `box_iou` has it, which raises what has fewer bits to fp32: boxes have that type whatever the weights have."""
    def areas(b):
        return (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    first, second = areas(boxes), areas(anchors)
    low = torch.max(boxes[:, None, :2], anchors[:, :2])
    high = torch.min(boxes[:, None, 2:], anchors[:, 2:])
    sides = (high - low).clamp(min=0)
    shared = sides[:, :, 0] * sides[:, :, 1]
    return shared / (first[:, None] + second - shared)


def matched(truths, anchors):
    """Matcher over the ground truths of one image; images come one after the other."""
    with torch.no_grad():
        quality = overlaps(constant([truths, 4], anchors), anchors)
        best, which = quality.max(dim=0)
        highest, _ = quality.max(dim=1)
        same = quality == highest[:, None]
        del quality, best, which, highest, same


def anchors_of(maps, generator):
    counts = generator.num_anchors_per_location()
    return torch.cat([priors(m, n) for m, n in zip(maps, counts)])


def boxes_of(like, count):
    return constant([count, 4], like)


def align(pool, features, count):
    """MultiScaleRoIAlign: the regions of each level are pooled and written to their places."""
    side = pool.output_size
    rois = constant([count, 5], features[0])
    return pooled_over_levels(lambda i, f, r: rearranged("roi_align", [f, r], [r.size(0), f.size(1), *side]), features, rois)


def proposed(network, features, batch, truths):
    from torchvision.models.detection.rpn import concat_box_prediction_layers
    objectness, deltas = network.head(features)
    anchors = anchors_of(objectness, network.anchor_generator)
    objectness, deltas = concat_box_prediction_layers(objectness, deltas)
    with torch.no_grad():
        proposals = given("proposals", deltas, list(deltas.shape), ACTIVE[0].weights)
        del proposals
    matched(truths, anchors)
    return F.softplus(objectness[:256]).sum() + deltas[:256].abs().sum()


def mask_loss(heads, features, batch, size, truths):
    """The masks of all objects of an image are made floating point and those of the regions cut out."""
    logits = heads.mask_predictor(heads.mask_head(align(heads.mask_roi_pool, features, POSITIVES * batch)))
    side = logits.shape[-1]
    with torch.no_grad():
        masks = given("masks", features[0], [truths, *size], torch.uint8)
        whole = masks[:, None].to(torch.float32)
        cut = rearranged("roi_align", [whole, constant([POSITIVES, 5], whole)], [POSITIVES, 1, side, side])
        del masks, whole, cut
    rows = torch.zeros(logits.size(0), dtype=torch.int64, device=logits.device)
    return F.softplus(logits[rows, rows]).mean()


def key_points_loss(heads, features, batch):
    maps = heads.keypoint_predictor(heads.keypoint_head(align(heads.keypoint_roi_pool, features, POSITIVES * batch)))
    rows = maps.view(maps.size(0) * maps.size(1), -1)
    return F.cross_entropy(rows, torch.zeros(rows.size(0), dtype=torch.int64, device=rows.device))


def regions(heads, features, batch, size, truths):
    pooled = align(heads.box_roi_pool, features, PROPOSALS * batch)
    scores, deltas = heads.box_predictor(heads.box_head(pooled))
    del pooled
    labels = torch.zeros(scores.size(0), dtype=torch.int64, device=scores.device)
    loss = F.cross_entropy(scores, labels) + deltas.abs().sum()
    if heads.has_mask():
        loss = loss + mask_loss(heads, features, batch, size, truths)
    if heads.has_keypoint():
        loss = loss + key_points_loss(heads, features, batch)
    return loss


def focal_loss(logits, wanted):
    """torchvision.ops.sigmoid_focal_loss, term by term."""
    probability = torch.sigmoid(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    likely = probability * wanted + (1 - probability) * (1 - wanted)
    loss = entropy * ((1 - likely) ** 2.0)
    weight = 0.25 * wanted + 0.75 * (1 - wanted)
    return (weight * loss).sum()


def one_stage(model, features, truths):
    """RetinaNet and FCOS: the loss of every location of the batch. RetinaNet picks those of each image that are not ignored."""
    outputs = model.head(features)
    anchors = anchors_of(features, model.anchor_generator)
    matched(truths, anchors)
    logits, deltas = outputs["cls_logits"], outputs["bbox_regression"]
    if "bbox_ctrness" in outputs:
        wanted = given("classes", logits, list(logits.shape), ACTIVE[0].weights)
        return focal_loss(logits, wanted) + deltas[:, :256].abs().sum() + F.softplus(outputs["bbox_ctrness"][:, :256]).sum()
    rows = logits.reshape(-1, logits.size(-1))
    which = given("valid", rows, [rows.size(0)], torch.int64)
    wanted = given("classes", rows, list(rows.shape), ACTIVE[0].weights)
    chosen = given("wanted", rows, list(rows.shape), ACTIVE[0].weights)
    del wanted
    return focal_loss(rows[which], chosen) + deltas[:, :256].abs().sum()


def single_shot(model, features, truths):
    """SSD: the loss of every default box, of which the hardest are counted."""
    outputs = model.head(features)
    anchors = anchors_of(features, model.anchor_generator)
    matched(truths, anchors)
    logits = outputs["cls_logits"]
    labels = given("labels", logits, [logits.size(0) * logits.size(1)], torch.int64)
    losses = F.cross_entropy(logits.view(-1, logits.size(-1)), labels, reduction="none")
    return losses.sum() + outputs["bbox_regression"][:, :256].abs().sum()


def call(model, images, batch, size, truths):
    features = list(model.backbone(images).values())
    if hasattr(model, "rpn"):
        used = features[:-1] if len(features) > 1 else features        # the coarsest level is for proposals alone
        return proposed(model.rpn, features, batch, truths) + regions(model.roi_heads, used, batch, size, truths)
    return single_shot(model, features, truths) if type(model).__name__ == "SSD" else one_stage(model, features, truths)


def one(name, classes, truths, batch, size, dtype):
    model = built(name, classes).to("meta", dtype).train()
    with torch.device("meta"):
        images = torch.empty(batch, 3, *size, dtype=dtype)
        recorder, results = record(model, [images], lambda m, inputs: call(m, inputs[0], batch, size, truths))
    return [images], (model, recorder, results, {"B": batch, "H": size[0], "W": size[1], "K": classes, "G": truths})


def record_detector(name):
    plain = name.removesuffix(FROM_SCRATCH)
    classes, side = CLASSES.get(plain, 91), SINGLE_SHOT.get(plain)
    size, second = ((side, side), (side, side)) if side else ((320, 640), (416, 672)) if "320" in name else ((800, 1344), (896, 1376))
    inputs, first = one(name, classes, TRUTHS[0], 2, size, torch.float32)
    others, other = one(name, classes + 7, TRUTHS[1], 3, second, torch.bfloat16)
    image = {"size": size[0], "width": size[1], "allowed": "fixed" if side else "any", **({} if side else {"multiple": 32})}
    return classes, {"image": image, **graph_of(first, other, inputs=(inputs, others))}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--to", default=GRAPHS)
    parser.add_argument("--rows", required=True)
    arguments = parser.parse_args()
    every = [*RCNNS, *ONE_STAGE, *SINGLE_SHOT]
    for name in arguments.names or every + [name + FROM_SCRATCH for name in every]:
        start = time.time()
        try:
            classes, graph = record_detector(name)
            written = write_trained(arguments, "torchvision", name, classes, graph)
            print(f"{name}: {len(graph['steps'])} steps, {written} bytes, {time.time() - start:.1f} s", flush=True)
        except Exception as error:
            print(f"FAILED {name}: {type(error).__name__} {str(error)[:900]}", flush=True)


if __name__ == "__main__":
    main()
