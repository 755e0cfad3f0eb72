"""What OpenMMLab's packages do with values is answered here by shapes, so that their losses run without data."""
import functools
import inspect
import re
import textwrap

import torch

from recorder import ACTIVE
from region_steps import POSITIVES, PROPOSALS, constant, given, priors, rearranged, unrecorded


def _segmentation(model, batch, size, dtype):
    """Labels of the whole batch are one tensor: how many images there are is then no matter of steps."""
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead
    from mmseg.structures import SegDataSample
    images = torch.empty(batch, 3, *size, dtype=dtype)
    labels = torch.zeros(batch, 1, *size, dtype=torch.int64)
    current = []
    BaseDecodeHead._stack_batch_gt = lambda self, samples: current[0].clone()
    from mmseg.models.decode_heads.enc_head import EncHead
    from mmseg.models.decode_heads.pid_head import PIDHead
    PIDHead._stack_batch_gt = lambda self, samples: (current[0].clone(), current[0].clone())
    EncHead._convert_to_onehot_labels = staticmethod(lambda labels, classes: labels.new_zeros((labels.size(0), classes)))

    def call(m, inputs):
        samples = []
        for _ in range(batch):
            sample = SegDataSample()
            sample.set_metainfo({"img_shape": size, "ori_shape": size, "pad_shape": size, "batch_input_shape": size})
            samples.append(sample)
        current[:] = [inputs[1]]
        if "MaskFormer" in type(m.decode_head).__name__ or "Mask2Former" in type(m.decode_head).__name__:
            _with_positions_as_weights()
            return _query_loss(m.decode_head(m.extract_feat(inputs[0]), samples))
        return m.parse_losses(m.loss(inputs[0], samples))[0]
    return [images, labels], call


@functools.lru_cache(maxsize=None)
def _with_weights_of_all_labels():
    """Weights of the classes are looked up image by image and put together; how many images there are is no matter of steps."""
    import mmseg.models.losses.cross_entropy_loss as loss
    source = textwrap.dedent(inspect.getsource(loss.cross_entropy))
    written = re.sub(r"torch\.stack\(\[class_weight\[cls\] for cls in label\s*\]\)", "class_weight[label]", source)
    scope = dict(vars(loss))
    exec(written, scope)
    loss.cross_entropy = scope["cross_entropy"]


def _accuracy(pred, target, topk=1, thresh=None, ignore_index=None):
    """mmseg's accuracy with all pixels kept: `correct[:, target != ignore_index]` depends on values."""
    maximum = max(topk) if isinstance(topk, tuple) else topk
    value, label = pred.topk(maximum, dim=1)
    label = label.transpose(0, 1)
    correct = label.eq(target.unsqueeze(0).expand_as(label))
    keep = target != ignore_index
    kept = target.reshape(-1)
    correct = torch.empty(correct.shape[0], kept.shape[0], dtype=torch.bool, device=kept.device)
    scores = correct[:1].reshape(-1).float().sum(0, keepdim=True)
    del keep
    return scores.mul_(100.0)


def _total(losses):
    """`parse_losses` without its scalars for the log."""
    terms = []
    for name, value in losses.items():
        if "loss" not in name:
            continue
        terms.append(sum(v.mean() for v in value) if isinstance(value, (list, tuple)) else value.mean())
    return sum(terms)


def _clip(pipeline):
    """Clips, frames and format of a video pipeline."""
    clips, frames, layout = 1, 1, "NCHW"
    for step in pipeline or ():
        kind = str(step.get("type"))
        if kind.endswith(("SampleFrames", "SampleAVAFrames")):
            clips, frames = step.get("num_clips", 1), step.get("clip_len", 1)
        if kind == "FormatShape":
            layout = step["input_format"]
    return clips, frames, layout


JOINTS = {"nturgb+d": 25, "coco": 17, "openpose": 18}
PERSONS = 2                    # skeletons in a clip, as FormatGCNInput pads them
BOXES_OF_A_CLIP = 16           # persons whose actions are told, with the proposals that overlap them


def _skeletons(backbone, batch, frames):
    joints = JOINTS[str(backbone["graph_cfg"]["layout"])]
    return [batch, 1, PERSONS, frames, joints, backbone.get("in_channels", 3)]


def _clip_shape(cfg, batch, size):
    clips, frames, layout = _clip(cfg.get("train_pipeline"))
    backbone = cfg["model"]["backbone"]
    if cfg["model"]["type"] == "RecognizerGCN":
        return _skeletons(backbone, batch, frames)
    if layout == "NCTHW":
        return [batch, clips, 3, frames, *size]
    if layout == "NCTHW_Heatmap":
        return [batch, clips, backbone.get("in_channels", 17), frames, *size]
    if layout == "NCHW_Flow":
        return [batch, clips, 2 * frames, *size]
    if layout == "NCHW":
        return [batch, clips * frames, 3, *size]
    raise ValueError(f"layout {layout}")


@functools.lru_cache(maxsize=None)
def _with_masks_as_constants():
    """Video Swin keeps the masks of its shifted windows from one step to the next."""
    import mmaction.models.backbones.swin as swin
    made = swin.compute_mask.__wrapped__

    def compute_mask(*sizes):
        with unrecorded():
            return made(*sizes)
    swin.compute_mask = compute_mask


def _video(model, cfg, batch, size, dtype):
    import torch.nn.functional as F
    _with_masks_as_constants()
    from mmaction.models.heads.base import BaseHead
    shape = _clip_shape(cfg, batch, size)
    current = []
    BaseHead.loss_by_feat = lambda self, scores, samples: {"loss_cls": F.cross_entropy(scores, current[0])}

    def call(m, inputs):
        if hasattr(m, "roi_head"):
            return _action_regions(m, inputs[0].reshape(-1, *inputs[0].shape[2:]), batch)
        current[:] = [inputs[1]]
        return _total(m.loss(inputs[0], [None] * batch))
    return [torch.empty(shape, dtype=dtype), torch.zeros(batch, dtype=torch.int64)], call


def _action_regions(model, clips, batch):
    """Actions of persons whose boxes are given: features of the boxes, and the loss of every action for each of them."""
    import torch.nn.functional as F
    features = model.extract_feat(clips)
    first = features[0] if isinstance(features, (list, tuple)) else features
    rois = torch.zeros(BOXES_OF_A_CLIP * batch, 5, dtype=first.dtype, device=first.device)
    scores = model.roi_head._bbox_forward(features, rois, [{"img_key": "x"}] * batch)["cls_score"]
    return F.binary_cross_entropy_with_logits(scores, torch.zeros_like(scores), reduction="none").mean()


def _anchored(head, maps, truths):
    """Anchors of one image against its ground truths, as mmdet's assigners do it; images come one after the other."""
    from mmdet.structures.bbox import bbox_overlaps
    assigner = type(getattr(head, "assigner", None)).__name__
    generator = getattr(head, "prior_generator", None)
    if generator is None or assigner not in ("MaxIoUAssigner", "ATSSAssigner", "ApproxMaxIoUAssigner", "TaskAlignedAssigner", "SimOTAAssigner", "DynamicSoftLabelAssigner"):
        return
    with torch.no_grad():
        anchors = torch.cat([priors(m, n) for m, n in zip(maps, generator.num_base_priors)])
        boxes = constant([truths, 4], anchors)
        if assigner in ("SimOTAAssigner", "DynamicSoftLabelAssigner"):
            _costs(head, anchors, truths)
        overlaps = bbox_overlaps(boxes, anchors)
        best, which = overlaps.max(dim=0)
        if assigner == "ATSSAssigner":
            centres = (anchors[:, None, :2] - boxes[None, :, :2]).pow(2).sum(-1).sqrt()
            del centres
        del overlaps, best, which


NEAR = 3 * 25        # locations around a centre that SimOTA looks at: 2.5 steps to each side, on three levels


def _approximated(head, maps, truths):
    """Guided anchors: every shape that an anchor may take at a location, against the ground truths of one image."""
    from mmdet.structures.bbox import bbox_overlaps
    with torch.no_grad():
        counts = head.approx_anchor_generator.num_base_priors
        shapes = torch.cat([priors(m, n) for m, n in zip(maps, counts)])
        overlaps = bbox_overlaps(shapes, constant([truths, 4], shapes))
        best = overlaps.view(counts[0], -1, truths).max(dim=0)[0]
        del overlaps, best


def _costs(head, anchors, truths):
    """The cost of every pair of ground truth and location near to one, class by class."""
    classes = head.num_classes
    pairs = given("labels", anchors, [NEAR * truths, truths, classes], ACTIVE[0].weights)
    scores = given("scores", anchors, [NEAR * truths, truths, classes], ACTIVE[0].weights)
    cost = torch.nn.functional.binary_cross_entropy_with_logits(scores, pairs, reduction="none").sum(-1)
    del pairs, scores, cost


def _assigned_together(head, maps, batch, truths):
    """mmyolo's assigners take the whole batch at once, padded to the image with the most ground truths."""
    assigner = getattr(head, "initial_assigner", None) or getattr(head, "assigner", None)
    kind = type(assigner).__name__
    if kind not in ("BatchTaskAlignedAssigner", "BatchATSSAssigner", "BatchDynamicSoftLabelAssigner"):
        return
    with torch.no_grad():
        anchors = torch.cat([priors(m, 1) for m in maps])
        dtype = ACTIVE[0].weights
        boxes = given("boxes", anchors, [batch, anchors.size(0), 4], dtype)
        scores = given("scores", anchors, [batch, anchors.size(0), head.num_classes], dtype)
        wanted = constant([batch, truths, 4], anchors)
        with unrecorded():
            labels = torch.zeros(batch, truths, 1, dtype=torch.int64, device=anchors.device)
            flags = torch.ones(batch, truths, 1, dtype=dtype, device=anchors.device)
        if kind == "BatchATSSAssigner":
            result = assigner(boxes, anchors, [m.size(2) * m.size(3) for m in maps], labels, wanted, flags)
        else:
            result = assigner(boxes, scores, anchors, labels, wanted, flags)
        del result


def _dense_loss(outs):
    """Focal or cross-entropy loss over every location of every map: the map as rows, the loss of each entry, its weight."""
    total = 0
    for level in [t for t in torch.utils._pytree.tree_leaves(outs) if isinstance(t, torch.Tensor) and t.dim() == 4]:
        rows = level.permute(0, 2, 3, 1).reshape(-1, level.size(1))
        loss = torch.nn.functional.softplus(rows)
        loss = loss * loss.new_ones(loss.size(0), 1)
        total = total + loss.sum()
    return total


def _roi_features(self, feats, rois, roi_scale_factor=None):
    """Regions spread evenly over the levels; how they spread depends on values."""
    if len(feats) == 1:
        return self.roi_layers[0](feats[0], rois)
    count = rois.size(0) // len(feats)
    parts = [self.roi_layers[i](feats[i], rois[i * count:(i + 1) * count]) for i in range(len(feats))]
    return torch.cat(parts)


def _semantic(head, feats):
    """The semantic branch of hybrid task cascades."""
    return {"semantic_feat": head.semantic_head(feats)[1]} if getattr(head, "with_semantic", False) else {}


def bitmaps_of(cfg):
    """Whether the pipeline makes bitmaps of the masks of all objects; polygons are cut out on the CPU."""
    loads = [step for step in cfg.get("train_pipeline") or () if str(step.get("type")).endswith("Annotations")]
    return any(step.get("with_mask", "Panoptic" in str(step.get("type"))) and step.get("poly2mask", True) for step in loads)


def _mask_targets(feature, head, size, batch):
    """BitmapMasks.crop_and_resize for one image, as images come one after the other: the whole mask of the object of each
    region in floating point, of which the region is cut out. Their values then go through the host and come back."""
    side = head.train_cfg[0]["mask_size"] if isinstance(head.train_cfg, (list, tuple)) else head.train_cfg["mask_size"]
    side = [side, side] if isinstance(side, int) else list(side)
    with torch.no_grad():
        masks = given("masks", feature, [POSITIVES, *size], torch.uint8)
        whole = masks.to(torch.float32)
        del masks
        cut = rearranged("roi_align", [whole[:, None], constant([POSITIVES, 5], whole)], [POSITIVES, 1, *side])
        del whole, cut
    return constant([POSITIVES * batch, *side], feature)


def _region_loss(head, feats, batch, stages, size, bitmaps):
    import torch.nn.functional as F
    total = 0
    for stage in stages:
        first = () if stage is None else (stage,)
        rois = torch.zeros(PROPOSALS * batch, 5, dtype=feats[0].dtype, device=feats[0].device)
        semantic = _semantic(head, feats)
        result = head._bbox_forward(*first, feats, rois, **semantic)
        labels = torch.zeros(PROPOSALS * batch, dtype=torch.int64, device=rois.device)
        total = total + F.cross_entropy(result["cls_score"], labels, reduction="none").sum()
        if result["bbox_pred"] is not None:
            total = total + result["bbox_pred"].abs().sum()
        if head.with_mask:
            masked = torch.zeros(POSITIVES * batch, 5, dtype=rois.dtype, device=rois.device)
            predicted = head._mask_forward(*first, feats, masked, **semantic)
            predicted = predicted["mask_preds"]
            targets = _mask_targets(feats[0], head, size, batch) if bitmaps else None
            chosen = predicted[:, 0]
            total = total + F.softplus(chosen).sum()
            del targets
    return total


def _first_maps(outs):
    """The first map of each level."""
    first = outs[0] if isinstance(outs, (tuple, list)) else outs
    return [t for t in torch.utils._pytree.tree_leaves(first) if isinstance(t, torch.Tensor) and t.dim() == 4]


def _dense_step(head, feats, batch, truths):
    outs = head(feats)
    maps = _first_maps(outs)
    if type(head).__name__ == "FreeAnchorRetinaHead":
        return _free_anchor_loss(head, outs, truths)
    _anchored(head, maps, truths)
    if getattr(head, "approx_anchor_generator", None) is not None:
        _approximated(head, maps, truths)
    if type(head).__name__ in ("FCOSHead", "NASFCOSHead", "CondInstBboxHead", "BoxInstBboxHead", "CenterNetUpdateHead", "AutoAssignHead"):
        _located(head, maps, truths)
    _assigned_together(head, maps, batch, truths)
    return _dense_loss(outs)


def _samples(batch, size):
    from mmdet.structures import DetDataSample
    metainfo = {"img_shape": tuple(size), "batch_input_shape": tuple(size), "ori_shape": tuple(size), "pad_shape": tuple(size), "scale_factor": (1.0, 1.0)}
    return [DetDataSample(metainfo=metainfo) for _ in range(batch)]


@functools.lru_cache(maxsize=None)
def _with_sizes_as_numbers():
    """The pixel decoder keeps sizes of its levels in tensors; without values they have to be Python's numbers."""
    import mmdet.models.layers.msdeformattn_pixel_decoder as decoder
    source = textwrap.dedent(inspect.getsource(decoder.MSDeformAttnPixelDecoder.forward))
    for written, instead in (("spatial_shapes = []", "spatial_shapes, level_sizes = [], []"),
                             ("feat_hw = torch._shape_as_tensor(feat)[2:].to(feat.device)",
                              "feat_hw = feat.new_empty(2, dtype=torch.int64); level_sizes.append(tuple(feat.shape[-2:]))"),
                             ("[e[0] * e[1] for e in spatial_shapes]", "[h * w for h, w in level_sizes]"),
                             ("spatial_shapes[i][0]", "level_sizes[i][0]"), ("spatial_shapes[i][1]", "level_sizes[i][1]")):
        if written not in source:
            return
        source = source.replace(written, instead)
    scope = dict(vars(decoder))
    exec(source, scope)
    decoder.MSDeformAttnPixelDecoder.forward = scope["forward"]


@functools.lru_cache(maxsize=None)
def _with_levels_as_numbers():
    """Deformable DETR and DINO keep the sizes of their levels in a tensor; here they are Python's numbers. What DINO's queries
    from noised ground truths are is given by their count: 100 for each kind, or one pair for each object of the fullest image."""
    import mmdet.models.detectors.deformable_detr as deformable
    from mmdet.models.layers.transformer.dino_layers import CdnQueryGenerator
    source = textwrap.dedent(inspect.getsource(deformable.DeformableDETR.pre_transformer))
    for written, instead in (("torch._shape_as_tensor(feat)[2:].to(feat.device)", "tuple(feat.shape[-2:])"),
                             ("torch.cat(spatial_shapes).view(-1, 2)", "tuple(spatial_shapes)")):
        assert written in source
        source = source.replace(written, instead)
    source = re.sub(r"level_start_index = torch\.cat\(\(.*?\)\)\n", "level_start_index = None\n", source, flags=re.S)
    scope = dict(vars(deformable))
    exec(source, scope)
    deformable.DeformableDETR.pre_transformer = scope["pre_transformer"]

    def noised(self, samples):
        truths, images = samples[0].truths, len(samples)
        count = 2 * truths
        like = self.label_embedding.weight
        with unrecorded():
            labels = torch.zeros(images, count, dtype=torch.int64, device=like.device)
        rows = torch.cat([constant([count, 1], like), constant([self.num_matching_queries, 1], like)])
        mask = rows * rows.t() > 0
        return self.label_embedding(labels), constant([images, count, 4], like), mask, {"num_denoising_queries": count, "num_denoising_groups": 1}
    CdnQueryGenerator.__call__ = noised


@functools.lru_cache(maxsize=None)
def _with_positions_as_weights():
    """Sines of positions take the type of the weights, as they do under autocast; how they are made is left out."""
    from mmdet.models.layers.positional_encoding import SinePositionalEncoding
    made = SinePositionalEncoding.forward

    def forward(self, mask, *args, **kwargs):
        with unrecorded():
            return made(self, mask, *args, **kwargs).to(ACTIVE[0].weights)
    SinePositionalEncoding.forward = forward


def _query_loss(outs, maps=True):
    """Classes of every query, and boxes or maps of those that are matched."""
    total = 0
    for predicted in [t for t in torch.utils._pytree.tree_leaves(outs) if isinstance(t, torch.Tensor) and t.is_floating_point()]:
        if maps and predicted.dim() > 2 and predicted.size(-1) > 4 and predicted.size(-2) > 100:      # maps: sampled at points
            predicted = predicted.flatten(0, predicted.dim() - 4) if predicted.dim() > 4 else predicted
            points = constant([predicted.size(0), 12544, 1, 2], predicted)
            total = total + torch.nn.functional.softplus(torch.nn.functional.grid_sample(predicted, points)).mean()
        else:
            total = total + torch.nn.functional.softplus(predicted).mean()
    return total


def _mask_matching(feature, size, truths):
    """What the loss of a layer holds for the fullest image: the masks of its objects as 64-bit numbers (`preprocess_panoptic_gt`),
    those of them that are matched, all of the batch together, and these in floating point to be sampled."""
    with torch.no_grad():
        masks = given("masks", feature, [truths, *size], torch.int64)
        wanted = given("wanted", feature, [truths, *size], torch.int64)
        together = given("together", feature, [truths, *size], torch.int64)
        sampled = together[:, None].to(torch.float32)
        del masks, wanted, together, sampled


def _transformer_step(model, feats, batch, size, truths):
    """DETR and its like: queries through encoder and decoder, each layer of the decoder with its loss."""
    samples = _samples(batch, size)
    for sample in samples:
        sample.truths = truths
    results = model.forward_transformer(feats, samples)
    proposed = [results.pop(name) for name in ("enc_outputs_class", "enc_outputs_coord") if name in results]
    results.pop("dn_meta", None)
    return _query_loss([model.bbox_head(**results), proposed], maps=False)


def _shared_context_step(head, feats, batch, size, bitmaps):
    """SCNet: boxes in stages, then masks with the features that the last stage hands on."""
    import torch.nn.functional as F
    head._fuse_glbctx = lambda regions, context, rois: regions + context[:1]       # that of the image that a region is in
    _, semantic = head.semantic_head(feats) if head.with_semantic else (None, None)
    context = head.glbctx_head(feats)[1] if head.with_glbctx else None
    total = 0
    for stage in range(head.num_stages):
        rois = constant([PROPOSALS * batch, 5], feats[0])
        result = head._bbox_forward(stage, feats, rois, semantic, context)
        labels = torch.zeros(PROPOSALS * batch, dtype=torch.int64, device=rois.device)
        total = total + F.cross_entropy(result["cls_score"], labels, reduction="none").sum() + result["bbox_pred"].abs().sum()
    positive = constant([POSITIVES * batch, 5], feats[0])
    relayed = None
    if head.with_feat_relay:
        again = head._bbox_forward(head.num_stages - 1, feats, positive, semantic, context)
        relayed = head.feat_relay_head(again["relayed_feat"])
    masks = head._mask_forward(feats, positive, semantic_feat=semantic, glbctx_feat=context, relayed_feat=relayed)["mask_preds"]
    targets = _mask_targets(feats[0], head, size, batch) if bitmaps else None  # noqa: F841  held through the loss
    return total + F.softplus(masks[:, 0]).sum()


def _free_anchor_loss(head, outs, truths):
    """FreeAnchorRetinaHead.loss_by_feat: the probability that each anchor is of each class, for the whole batch; how surely
    an anchor belongs to an object is found for one image after the other, and kept for all."""
    from mmdet.structures.bbox import bbox_overlaps
    classes = head.cls_out_channels
    anchors = torch.cat([priors(m, n) for m, n in zip(outs[0], head.prior_generator.num_base_priors)])
    scores = [m.permute(0, 2, 3, 1).reshape(m.size(0), -1, classes) for m in outs[0]]
    boxes = torch.cat([m.permute(0, 2, 3, 1).reshape(m.size(0), -1, 4) for m in outs[1]], dim=1)
    scores = torch.cat(scores, dim=1)
    probabilities = torch.sigmoid(scores)
    with torch.no_grad():
        wanted = constant([truths, 4], anchors)
        overlaps = bbox_overlaps(wanted, anchors)
        highest = overlaps.max(dim=1, keepdim=True).values
        belongs = ((overlaps - 0.6) / (highest - 0.6)).clamp(min=0, max=1)
        of_class = given("classes", belongs, [classes, belongs.size(1)], ACTIVE[0].weights)
        del overlaps, belongs, of_class
        certain = given("certain", probabilities, list(probabilities.shape), ACTIVE[0].weights)
    chosen = probabilities * (1 - certain)
    chosen = chosen.clamp(min=1e-12, max=1 - 1e-12)
    loss = chosen ** 2.0 * (chosen * torch.zeros_like(chosen))       # binary_cross_entropy, which keeps both
    return (0.5 * loss).sum() + boxes[:, :truths].abs().sum()


def _located(head, maps, truths):
    """FCOSHead's targets for one image: each location against each object, four distances of each."""
    with torch.no_grad():
        places = torch.cat([priors(m, 1, 2) for m in maps])
        boxes = constant([truths, 4], places)[None].expand(places.size(0), truths, 4)
        areas = constant([truths], places)[None].repeat(places.size(0), 1)
        xs, ys = places[:, 0][:, None].expand(-1, truths), places[:, 1][:, None].expand(-1, truths)
        left, right = xs - boxes[..., 0], boxes[..., 2] - xs
        top, bottom = ys - boxes[..., 1], boxes[..., 3] - ys
        distances = torch.stack((left, top, right, bottom), -1)
        if getattr(head, "center_sampling", False):
            middle_x, middle_y = (boxes[..., 0] + boxes[..., 2]) / 2, (boxes[..., 1] + boxes[..., 3]) / 2
            around, stride = torch.zeros_like(distances), torch.zeros_like(middle_x)
            ends = [middle_x - stride, middle_y - stride, middle_x + stride, middle_y + stride]
            nearer = torch.stack((xs - around[..., 0], ys - around[..., 1], around[..., 2] - xs, around[..., 3] - ys), -1)
            del ends, nearer, around, stride, middle_x, middle_y
        furthest = distances.max(-1)[0]
        del furthest, areas, distances, left, right, top, bottom


def _detection(model, batch, size, truths, dtype, bitmaps):
    from mmdet.models.roi_heads.roi_extractors.single_level_roi_extractor import SingleRoIExtractor
    SingleRoIExtractor.forward = _roi_features
    import mmdet.models.dense_heads.solov2_head as solov2
    solov2.generate_coordinate = lambda shape, device: torch.empty(shape[0], 2, *shape[-2:], dtype=ACTIVE[0].weights, device=device)

    def call(m, inputs):
        feats = m.extract_feat(inputs[0])
        teacher = getattr(m, "teacher_model", None) or getattr(m, "teacher", None)
        if teacher is not None:
            with torch.no_grad():
                extract = getattr(teacher, "extract_feat", None) or m.extract_teacher_feat
                taught = teacher.bbox_head(extract(inputs[0]))  # noqa: F841  held through the loss
        if hasattr(m, "forward_transformer"):
            return _transformer_step(m, feats, batch, size, truths)
        if hasattr(m, "panoptic_head"):
            _with_positions_as_weights()
            outs = m.panoptic_head(feats, _samples(batch, size))
            _mask_matching(feats[0], size, truths)
            return _query_loss(outs)
        if type(getattr(m, "roi_head", None)).__name__ == "SCNetRoIHead":
            return _dense_step(m.rpn_head, feats, batch, truths) + _shared_context_step(m.roi_head, feats, batch, size, bitmaps)
        if hasattr(m, "roi_head"):
            loss = _dense_step(m.rpn_head, feats, batch, truths) if getattr(m, "rpn_head", None) is not None else 0
            stages = range(m.roi_head.num_stages) if hasattr(m.roi_head, "num_stages") else [None]
            return loss + _region_loss(m.roi_head, feats, inputs[0].size(0), stages, size, bitmaps)
        head = getattr(m, "bbox_head", None) or getattr(m, "mask_head", None) or m.rpn_head
        return _dense_step(head, feats, batch, truths)
    return [torch.empty(batch, 3, *size, dtype=dtype)], call


def before_building(package):
    """What constructors take hold of."""
    if package == "mmseg":
        _with_weights_of_all_labels()


def prepare(package, model, cfg, batch, size, truths, dtype):
    """Inputs of a training step and the call that gives its loss."""
    from mmengine.model import BaseModel
    BaseModel.parse_losses = lambda self, losses: (_total(losses), losses)
    _with_sizes_as_numbers()
    if hasattr(model, "forward_transformer"):
        _with_levels_as_numbers()
        _with_positions_as_weights()
    if package == "mmaction":
        return _video(model, cfg, batch, size, dtype)
    if package in ("mmdet", "mmyolo"):
        return _detection(model, batch, size, truths, dtype, bitmaps_of(cfg))
    import mmseg.models.decode_heads.decode_head as decode_head
    import mmseg.models.losses.accuracy as accuracy
    decode_head.accuracy = accuracy.accuracy = _accuracy
    return _segmentation(model, batch, size, dtype)
