"""Writes recorded graphs of ultralytics' models, loss included, from the configurations of its package.

  python catalog/tools/recorder/record_ultralytics.py --rows rows.jsonl [yolov8n yolo11m-seg ...]"""
import argparse
import gc
import json
import os
import re
import sys
import time
import traceback

import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ultralytics_steps
from graph_file import graph_of
from record_models import GRAPHS, write_trained
from recorder import record

TRUTHS = (29, 43)        # ground truths of an image in the two recordings: sizes that follow them are told apart
LETTERS = "nsmlx"
TASKS = {"": "detect", "-seg": "segment", "-cls": "classify", "-pose": "pose"}


def names():
    """Every released model, the usual ones first."""
    for ending in TASKS:
        for family in ("yolov8", "yolo11", "yolo12"):
            if family != "yolo12" or ending == "":
                yield from (f"{family}{letter}{ending}" for letter in LETTERS)
    yield from (f"yolov10{letter}" for letter in "nsmblx")
    yield from (f"yolov9{letter}" for letter in "tsmce")
    yield from ("yolov9c-seg", "yolov9e-seg")
    yield from (f"yolov5{letter}u" for letter in LETTERS)
    yield from ("yolov3u", "yolov3-sppu", "yolov3-tinyu")
    yield from (f"yolov8{letter}-p2" for letter in LETTERS)
    yield from (f"yolov8{letter}-p6" for letter in LETTERS)


def task_of(name):
    return next((task for ending, task in TASKS.items() if ending and name.endswith(ending)), "detect")


def built(name, classes):
    """The model of a configuration; the u behind older models says whose head they have."""
    from ultralytics.nn import tasks
    kinds = {"detect": tasks.DetectionModel, "segment": tasks.SegmentationModel, "classify": tasks.ClassificationModel, "pose": tasks.PoseModel}
    task = task_of(name)
    model = kinds[task](re.sub(r"u$", "", name) + ".yaml", nc=classes, verbose=False)
    model.args = ultralytics_steps.hyperparameters()
    return model, task


def one(name, classes, truths, batch, size, dtype):
    model, task = built(name, classes)
    stride = getattr(model.model[-1], "stride", None)
    model = model.to("meta", dtype).train()
    if stride is not None:
        model.model[-1].stride = stride
    with torch.device("meta"):
        inputs, call = ultralytics_steps.prepare(model, task, batch, size, truths, dtype)
    recorder, results = record(model, inputs, call)
    return inputs, (model, recorder, results, {"B": batch, "H": size[0], "W": size[1], "K": classes, "G": truths})


def record_name(name):
    size = [224, 224] if task_of(name) == "classify" else [640, 640]
    multiple = 64 if "p6" in name else 32
    problems = []
    classes = 1 if task_of(name) == "pose" else 80
    inputs, first = one(name, classes, TRUTHS[0], 2, size, torch.float32)
    for second, allowed in (((size[0] + 3 * multiple, size[1] + multiple), "any"), (tuple(size), "fixed")):
        try:
            others, other = one(name, classes + 7, TRUTHS[1], 3, second, torch.bfloat16)
            graph = graph_of(first, other, inputs=(inputs, others))
            return {"image": {"size": size[0], "width": size[1], "allowed": allowed, "multiple": multiple}, **graph}, classes
        except Exception as error:
            problems.append(f"{allowed}: {type(error).__name__} {str(error)[:300]}")
    raise ValueError(" | ".join(problems))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--to", default=GRAPHS)
    parser.add_argument("--rows", required=True, help="file of catalog rows, one JSON object a line, added to")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    ultralytics_steps.install()
    done = {json.loads(line)["id"] for line in open(arguments.rows)} if os.path.exists(arguments.rows) else set()
    for name in arguments.names or names():
        if name in done:
            continue
        start = time.time()
        try:
            graph, classes = record_name(name)
            bytes_ = write_trained(arguments, "ultralytics", name, classes, graph)
            print(f"{name}: {len(graph['steps'])} steps, {bytes_} bytes, image {graph['image']['allowed']}, {time.time() - start:.1f} s", flush=True)
        except Exception as error:
            print(f"FAILED {name}: {type(error).__name__} {str(error)[:900]}", flush=True)
            if arguments.verbose:
                traceback.print_exc()
        gc.collect()


if __name__ == "__main__":
    main()
