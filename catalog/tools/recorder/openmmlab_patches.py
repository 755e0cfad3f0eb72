"""What OpenMMLab's packages do with values is answered here by shapes, so that their losses run without data."""
import torch


def _segmentation(model, batch, size, dtype):
    """Labels of the whole batch are one tensor: how many images there are is then no matter of steps."""
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead
    from mmseg.structures import SegDataSample
    images = torch.empty(batch, 3, *size, dtype=dtype)
    labels = torch.zeros(batch, 1, *size, dtype=torch.int64)
    current = []
    BaseDecodeHead._stack_batch_gt = lambda self, samples: current[0].clone()

    def call(m, inputs):
        samples = []
        for _ in range(batch):
            sample = SegDataSample()
            sample.set_metainfo({"img_shape": size, "ori_shape": size, "pad_shape": size})
            samples.append(sample)
        current[:] = [inputs[1]]
        return m.parse_losses(m.loss(inputs[0], samples))[0]
    return [images, labels], call


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


def _video(model, cfg, batch, size, dtype):
    import torch.nn.functional as F
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


PROPOSALS, POSITIVES = 512, 128      # sampled for each image by the two-stage configurations, and those with a mask


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


def _region_loss(head, feats, batch, stages):
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
            chosen = predicted[:, 0]
            total = total + F.softplus(chosen).sum()
    return total


def _detection(model, batch, size, dtype):
    from mmdet.models.roi_heads.roi_extractors.single_level_roi_extractor import SingleRoIExtractor
    SingleRoIExtractor.forward = _roi_features

    def call(m, inputs):
        feats = m.extract_feat(inputs[0])
        teacher = getattr(m, "teacher_model", None) or getattr(m, "teacher", None)
        if teacher is not None:
            with torch.no_grad():
                taught = teacher.bbox_head(teacher.extract_feat(inputs[0]))  # noqa: F841  held through the loss
        if hasattr(m, "roi_head"):
            loss = _dense_loss(m.rpn_head(feats))
            stages = range(m.roi_head.num_stages) if hasattr(m.roi_head, "num_stages") else [None]
            return loss + _region_loss(m.roi_head, feats, inputs[0].size(0), stages)
        head = getattr(m, "bbox_head", None) or getattr(m, "mask_head", None) or m.rpn_head
        return _dense_loss(head(feats))
    return [torch.empty(batch, 3, *size, dtype=dtype)], call


def prepare(package, model, cfg, batch, size, dtype):
    """Inputs of a training step and the call that gives its loss."""
    from mmengine.model import BaseModel
    BaseModel.parse_losses = lambda self, losses: (_total(losses), losses)
    if package == "mmaction":
        return _video(model, cfg, batch, size, dtype)
    if package in ("mmdet", "mmyolo"):
        return _detection(model, batch, size, dtype)
    import mmseg.models.decode_heads.decode_head as decode_head
    import mmseg.models.losses.accuracy as accuracy
    decode_head.accuracy = accuracy.accuracy = _accuracy
    return _segmentation(model, batch, size, dtype)
