"""Writes recorded graphs of detectron2's models, loss included, from the configurations of its source.

  python catalog/tools/recorder/record_detectron2.py SOURCE --rows rows.jsonl [--match REGEX]

SOURCE is a checkout of detectron2 (its compiled operators are not needed: they are described by their shapes)."""
import argparse
import copy
import gc
import glob
import json
import os
import re
import sys
import time

import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import detectron2_steps
from graph_file import graph_of
from record_models import GRAPHS, write
from recorder import record

PROJECTS = ("DensePose", "ViTDet", "MViTv2", "PointRend", "TridentNet", "TensorMask", "DeepLab", "Panoptic-DeepLab")
SKIPPED = re.compile(r"/(quick_schedules|common|cse)/|/Base-|/Detectron1-|LVIS|mmdet_|torchvision_imagenet")
SCHEDULE = re.compile(r"_(\d+x|s1x|\d+ep|\d+k|legacy|finetune)(?=_|$)")     # LVIS: the models of COCO with other classes
TRUTHS = (29, 43)        # ground truths of an image in the two recordings: sizes that follow them are told apart


def configs_of(source):
    folders = [os.path.join(source, "configs")] + [os.path.join(source, "projects", p, "configs") for p in PROJECTS]
    files = [f for folder in folders for f in sorted(glob.glob(folder + "/**/*.*", recursive=True)) if f.endswith((".yaml", ".py"))]
    return [f for f in files if not SKIPPED.search(f)]


def yaml_config(path):
    from detectron2.config import get_cfg
    cfg = get_cfg()
    if "/DensePose/" in path:
        from densepose import add_densepose_config
        add_densepose_config(cfg)
    if "/PointRend/" in path:
        from point_rend import add_pointrend_config
        add_pointrend_config(cfg)
    if "/TridentNet/" in path:
        from tridentnet import add_tridentnet_config
        add_tridentnet_config(cfg)
    if "/TensorMask/" in path:
        from tensormask import add_tensormask_config
        add_tensormask_config(cfg)
    if "DeepLab/" in path:
        from deeplab import add_deeplab_config
        add_deeplab_config(cfg)
    if "/Panoptic-DeepLab/" in path:
        from panoptic_deeplab import add_panoptic_deeplab_config
        add_panoptic_deeplab_config(cfg)
    cfg.merge_from_file(path)
    cfg.MODEL.DEVICE = "meta"
    for section in (cfg.MODEL.RESNETS, cfg.MODEL.FPN, cfg.MODEL.SEM_SEG_HEAD):
        if getattr(section, "NORM", None) == "SyncBN":
            section.NORM = "BN"
    return cfg


class Yaml:
    """A configuration in detectron2's first way."""

    def __init__(self, path):
        self.cfg = yaml_config(path)
        self.classes = self.cfg.MODEL.RETINANET.NUM_CLASSES if self.cfg.MODEL.META_ARCHITECTURE == "RetinaNet" else self.cfg.MODEL.ROI_HEADS.NUM_CLASSES
        short = max(self.cfg.INPUT.MIN_SIZE_TRAIN)
        crop = self.cfg.INPUT.CROP
        fixed = crop.ENABLED and crop.TYPE == "absolute"
        self.image = list(crop.SIZE) if fixed else [short, self.cfg.INPUT.MAX_SIZE_TRAIN]

    def model(self, classes):
        from detectron2.modeling import build_model
        cfg = self.cfg.clone()
        cfg.MODEL.ROI_HEADS.NUM_CLASSES = cfg.MODEL.RETINANET.NUM_CLASSES = classes
        return build_model(cfg)


def set_classes(node, classes):
    """`num_classes` of the heads that detect; a head for stuff has classes of its own."""
    from omegaconf import DictConfig, ListConfig
    if isinstance(node, DictConfig):
        for key in list(node):
            if key == "sem_seg_head":
                continue
            if key == "use_fed_loss":
                node[key] = False                    # its weights are read from LVIS
            elif key == "num_classes":
                node[key] = classes
            else:
                set_classes(node._get_node(key), classes)
    elif isinstance(node, ListConfig):
        for part in node:
            set_classes(part, classes)


class Lazy:
    """A configuration written in Python."""

    def __init__(self, path):
        from detectron2.config import LazyConfig
        self.cfg = LazyConfig.load(path)
        self.classes = self.find(self.cfg.model) or 80
        self.image = [1024, 1024] if "LSJ" in path or "ViTDet" in path or "MViTv2" in path else [800, 1333]

    def find(self, node):
        from omegaconf import DictConfig
        if not isinstance(node, DictConfig):
            return None
        if isinstance(node.get("num_classes"), int):
            return node.num_classes
        return next((c for c in (self.find(node._get_node(k)) for k in node if k != "sem_seg_head") if c), None)

    def model(self, classes):
        from detectron2.config import instantiate
        cfg = copy.deepcopy(self.cfg.model)
        set_classes(cfg, classes)
        return instantiate(cfg)


def padded(size, divisibility):
    return [-(-s // divisibility) * divisibility for s in size] if divisibility > 1 else list(size)


def built(config, classes):
    """On the meta device, or on the CPU where the constructor looks at values."""
    try:
        with torch.device("meta"):
            return config.model(classes)
    except (NotImplementedError, RuntimeError) as error:
        if "meta" not in str(error):
            raise
        return config.model(classes)


def one(config, classes, truths, batch, size, dtype):
    model = built(config, classes)
    model = model.to("meta", dtype).train()
    with torch.device("meta"):
        inputs, call = detectron2_steps.prepare(model, batch, size, truths, dtype)
        recorder, results = record(model, inputs, call)
    return inputs, (model, recorder, results, {"B": batch, "H": size[0], "W": size[1], "K": classes, "G": truths})


def record_config(config):
    divisibility = max(1, getattr(built(config, config.classes).backbone, "size_divisibility", 0))
    size = padded(config.image, divisibility)
    problems = []
    inputs, first = one(config, config.classes, TRUTHS[0], 2, size, torch.float32)
    tries = [((size[0] + 96, size[1] + 32), "any"), ((size[0] + 128, size[1] + 64), "any"), (tuple(size), "fixed")]
    if any(hasattr(m, "rel_pos_h") for m in first[0].modules()):
        tries = tries[-1:]                     # positions are resized to what the windows of this image size have
    for second, allowed in tries:
        try:
            others, other = one(config, config.classes + 7, TRUTHS[1], 3, second, torch.bfloat16)
            graph = graph_of(first, other, inputs=(inputs, others))
            image = {"size": size[0], "width": size[1], "allowed": allowed, **({"multiple": divisibility} if divisibility > 1 else {})}
            return {"image": image, **graph}
        except Exception as error:
            problems.append(f"{allowed}: {type(error).__name__} {str(error)[:300]}")
    raise ValueError(" | ".join(problems))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("--match", default="")
    parser.add_argument("--to", default=GRAPHS)
    parser.add_argument("--rows", required=True)
    arguments = parser.parse_args()
    source = os.path.abspath(arguments.source)
    sys.path[:0] = [source] + [os.path.join(source, "projects", p) for p in PROJECTS]
    detectron2_steps.install()
    done = {json.loads(line)["id"] for line in open(arguments.rows)} if os.path.exists(arguments.rows) else set()
    for path in configs_of(source):
        name = os.path.splitext(os.path.basename(path))[0]
        key = SCHEDULE.sub("", name)
        if key in done or not re.search(arguments.match, path):
            continue
        start = time.time()
        try:
            config = Lazy(path) if path.endswith(".py") else Yaml(path)
            graph = record_config(config)
            bytes_ = write(arguments.to, "detectron2", key, {"format": 1, "library": "detectron2", "name": name, **graph})
            row = {"id": key, "library": "detectron2", "graph": key, "numClasses": config.classes, "imageSize": config.image}
            with open(arguments.rows, "a") as rows:
                rows.write(json.dumps(row, separators=(",", ":")) + "\n")
            done.add(key)
            print(f"{key}: {len(graph['steps'])} steps, {bytes_} bytes, image {graph['image']['allowed']}, {time.time() - start:.1f} s", flush=True)
        except Exception as error:
            print(f"FAILED {key}: {type(error).__name__} {str(error)[:900]}", flush=True)
        gc.collect()


if __name__ == "__main__":
    main()
