"""Writes recorded graphs of OpenMMLab models, loss included, from the configurations of their packages.

  python catalog/tools/recorder/record_openmmlab.py mmseg --configs pspnet/pspnet_r50-d8_4xb2-40k_cityscapes-512x1024
  python catalog/tools/recorder/record_openmmlab.py mmseg --all

Needs mmengine, mmcv-lite and the package. Models of one architecture that differ in classes or crop share a graph."""
import argparse
import copy
import gc
import glob
import hashlib
import importlib
import json
import os
import re
import sys
import time

import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mmcv_stubs  # noqa: F401  first
from graph_file import graph_of
from openmmlab_patches import _clip, before_building, bitmaps_of, prepare
from record_models import GRAPHS, write
from recorder import record

SCHEDULE = re.compile(r"-\d+k(?=_|$)|-\d+k(?=-)|_\d+k(?=_|$)")


def configs_of(package):
    root = os.path.join(os.path.dirname(importlib.import_module(package).__file__), ".mim", "configs")
    return root, sorted(p for p in glob.glob(root + "/**/*.py", recursive=True) if "/_base_/" not in p)


def with_classes(value, classes):
    if isinstance(value, dict):
        return {k: (classes if k == "num_classes" and isinstance(v, int) and v > 2
                    else [1.0] * classes if k == "class_weight" and isinstance(v, (list, tuple))
                    else with_classes(v, classes)) for k, v in value.items()}
    return type(value)(with_classes(v, classes) for v in value) if isinstance(value, (list, tuple)) else value


def plain(value):
    """A model's configuration without pretrained weights, and with the batch norm that a single process has."""
    if isinstance(value, dict):
        return {k: (None if k == "pretrained" else "BN" if k == "type" and v in ("SyncBN", "MMSyncBN") else plain(v)) for k, v in value.items()
                if k not in ("init_cfg", "data_preprocessor")}
    return type(value)(plain(v) for v in value) if isinstance(value, (list, tuple)) else value


def classes_of(value):
    if isinstance(value, dict):
        if isinstance(value.get("num_classes"), int):
            return value["num_classes"]
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return next((c for c in map(classes_of, value) if c), None)
    return None


MULTIPLES = {"mmdet": 32, "mmyolo": 32}


def padded(size, multiple):
    return [-(-s // multiple) * multiple for s in size]


def crop_of(package, cfg):
    if package != "mmseg":
        return scale_of(cfg) or ([224, 224] if package == "mmaction" else [640, 640] if package == "mmyolo" else [800, 1333])
    crop = cfg.get("crop_size") or (cfg.get("model", {}).get("data_preprocessor", {}) or {}).get("size")
    return list(crop) if crop else [512, 512]


def scale_of(cfg):
    """[height, width] of what a pipeline resizes or crops to; its scales are written width first."""
    found = None
    for step in cfg.get("train_pipeline") or ():
        kind, size = str(step.get("type")), step.get("crop_size") or step.get("img_scale") or step.get("scale")
        scales = step.get("scales")
        if scales and isinstance(scales[0], (list, tuple)):
            size = max(scales, key=lambda s: s[0] * s[1])
        if kind == "RandomCrop" and isinstance(step.get("size"), int):
            found = [step["size"]] * 2
        if kind in ("Resize", "RandomCrop", "RandomResize", "RandomChoiceResize", "Mosaic", "MinIoURandomCrop") and isinstance(size, (list, tuple)) and isinstance(size[0], int):
            found = list(size) if kind == "RandomCrop" else [min(size), max(size)]
    return found if found and min(found) > 0 else None


def steps_of(pipeline):
    """The steps of a pipeline, those that one is chosen from as well."""
    for step in pipeline or ():
        if isinstance(step, (list, tuple)):
            yield from steps_of(step)
        elif hasattr(step, "get"):
            yield step
            yield from steps_of(step.get("transforms"))


def with_tall_crops(cfg, crop):
    """A wide image whole and a tall crop in one batch, where images are cropped before they are resized (as DETR does)."""
    ranges = [s["crop_size"] for s in steps_of(cfg.get("train_pipeline")) if s.get("crop_type") == "absolute_range"]
    return [min(crop[1], crop[0] * max(ranges[0]) // min(ranges[0])), crop[1]] if ranges else crop


def largest_of(model, crop):
    """[height, width] of the largest batch where whole batches are resized at random."""
    augments = (model.get("data_preprocessor") or {}).get("batch_augments") or ()
    ranges = [a["random_size_range"] for a in augments if a.get("random_size_range")]
    return [ranges[0][1]] * 2 if ranges and max(crop) < ranges[0][1] else None


def build(package, model_cfg, dtype):
    registry = importlib.import_module(f"{package}.registry").MODELS
    before_building(package)
    from mmengine.config import ConfigDict
    cfg = ConfigDict(copy.deepcopy(model_cfg))
    cfg.setdefault("_scope_", package)
    try:
        with torch.device("meta"):
            model = registry.build(cfg)
    except (NotImplementedError, RuntimeError) as error:
        if "meta" not in str(error):
            raise
        model = registry.build(cfg)
    for part in (model, getattr(model, "teacher_model", None)):      # a teacher is no module of its student
        if part is not None:
            torch.nn.Module.to(part, "meta", dtype)
    model.train()
    return model


TRUTHS = (29, 42)        # ground truths of an image in the two recordings: sizes that follow them are told apart


def one(package, cfg, model_cfg, classes, truths, batch, size, dtype):
    model = build(package, with_classes(model_cfg, classes), dtype)
    with torch.device("meta"):
        inputs, call = prepare(package, model, cfg, batch, size, truths, dtype)
    recorder, results = record(model, inputs, call)
    return inputs, (model, recorder, results, {"B": batch, "H": size[0], "W": size[1], "K": classes, "G": truths})


def record_config(package, cfg, classes, crop):
    model_cfg = plain(cfg["model"])
    multiple = MULTIPLES.get(package)
    crop = padded(crop, multiple or 1)
    problems = []
    inputs, first = one(package, cfg, model_cfg, classes, TRUTHS[0], 2, tuple(crop), torch.float32)
    for second, allowed in (((crop[0] + 96, crop[1] + 32), "any"), ((crop[0] + 128, crop[1] + 64), "any"), (tuple(crop), "fixed")):
        try:
            others, second_recording = one(package, cfg, model_cfg, classes + 7, TRUTHS[1], 5, second, torch.bfloat16)
            graph = graph_of(first, second_recording, inputs=(inputs, others))
            image = {"size": crop[0], "width": crop[1], "allowed": allowed, **({"multiple": multiple} if multiple else {})}
            return {"image": image, **graph}
        except Exception as error:
            problems.append(f"{allowed}: {type(error).__name__} {str(error)[:200]}")
    raise ValueError(" | ".join(problems))


def main():
    from mmengine.config import Config
    parser = argparse.ArgumentParser()
    parser.add_argument("package")
    parser.add_argument("--match", default="", help="only configurations whose name matches")
    parser.add_argument("--list", help="file with names of configurations to do first")
    parser.add_argument("--only", action="store_true", help="none but those of the list")
    parser.add_argument("--to", default=GRAPHS)
    parser.add_argument("--rows", required=True, help="file of catalog rows, one JSON object a line, added to")
    arguments = parser.parse_args()
    arguments.to, arguments.rows = os.path.abspath(arguments.to), os.path.abspath(arguments.rows)
    root, paths = configs_of(arguments.package)
    os.chdir(os.path.dirname(root))
    import mmengine.runner
    mmengine.runner.load_checkpoint = lambda *args, **kwargs: None
    listed = open(arguments.list).read().split() if arguments.list else []
    wanted = {name: place for place, name in enumerate(listed)}
    name_of = lambda p: os.path.basename(p)[:-3]
    paths = [p for p in paths if re.search(arguments.match, name_of(p))]
    paths = [p for p in paths if not arguments.only or name_of(p) in wanted]
    paths.sort(key=lambda p: wanted.get(name_of(p), len(wanted)))
    done = {json.loads(line)["id"] for line in open(arguments.rows)} if os.path.exists(arguments.rows) else set()
    for path in paths:
        name = name_of(path)
        if name in done:
            continue
        start = time.time()
        try:
            cfg = Config.fromfile(path)
            classes, crop = classes_of(cfg["model"]) or 80, crop_of(arguments.package, cfg)
            key = json.dumps(with_classes(plain(cfg["model"].to_dict() if hasattr(cfg["model"], "to_dict") else dict(cfg["model"])), 0), sort_keys=True, default=str)
            if arguments.package == "mmaction":
                key += json.dumps(_clip(cfg.get("train_pipeline")))      # the same layers run on other clips
            if arguments.package == "mmdet" and with_tall_crops(cfg, crop) != crop:
                crop = with_tall_crops(cfg, crop)
                key += "tall crops"
            if arguments.package == "mmdet" and "mask_head" in key and not bitmaps_of(cfg):
                key += "polygons"                                        # the same layers with other targets
            graph_name = hashlib.sha1(key.encode()).hexdigest()[:12]
            file = os.path.join(arguments.to, arguments.package, graph_name + ".json.gz")
            if not os.path.exists(file):
                graph = record_config(arguments.package, cfg, classes, crop)
                write(arguments.to, arguments.package, graph_name, {"format": 1, "library": arguments.package, "name": name, **graph})
            largest = largest_of(cfg["model"], crop)
            row = {"id": name, "library": arguments.package, "graph": graph_name, "numClasses": classes, "imageSize": crop, **({"resizedTo": largest} if largest else {})}
            with open(arguments.rows, "a") as rows:
                rows.write(json.dumps(row, separators=(",", ":")) + "\n")
            print(f"{name}: {graph_name} {time.time() - start:.1f} s", flush=True)
        except Exception as error:
            print(f"FAILED {name}: {type(error).__name__} {str(error)[:700]}", flush=True)
        gc.collect()


if __name__ == "__main__":
    main()
