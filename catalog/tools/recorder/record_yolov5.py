"""Writes recorded graphs of YOLOv5's own models, loss included, from a checkout of its source.

  python catalog/tools/recorder/record_yolov5.py CHECKOUT --rows rows.jsonl [yolov5s yolov5m6 ...]

What depends on values (which anchors a ground truth is given to) is answered by counts, all else is YOLOv5's own code."""
import argparse
import gc
import os
import sys
import time

import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from graph_file import graph_of
from record_models import GRAPHS, write_trained
from recorder import record
from region_steps import given, unrecorded
from ultralytics_steps import OBJECTS

NAMES = [f"yolov5{letter}{size}" for size in ("", "6") for letter in "nsmlx"]
# A ground truth takes its cell and two beside it, for each of a level's three anchors that is up to four times as large
MATCHES = round(OBJECTS * 3 * 3)


def built(checkout, name, classes):
    from models.yolo import DetectionModel
    folder = "models/hub" if name.endswith("6") else "models"
    return DetectionModel(os.path.join(checkout, folder, name + ".yaml"), nc=classes)


def loss_of(predicted, batch):
    """Box and class of the matched anchors, objectness of all (`ComputeLoss` of utils/loss.py)."""
    total = 0
    for level in predicted:
        with unrecorded():
            wanted = torch.zeros(level.shape[:4], dtype=level.dtype, device=level.device)
        place = given("matches", level, [MATCHES * batch], torch.int64)
        chosen = level.view(-1, level.size(-1))[place]
        centre, size, _, classes = chosen.split((2, 2, 1, level.size(-1) - 5), 1)
        box = torch.cat((centre.sigmoid() * 2 - 0.5, (size.sigmoid() * 2) ** 2), 1)
        total = total + box.abs().mean()
        total = total + F.binary_cross_entropy_with_logits(classes, torch.zeros_like(classes))
        total = total + F.binary_cross_entropy_with_logits(level[..., 4], wanted)
    return total


def one(checkout, name, classes, batch, size, dtype):
    model = built(checkout, name, classes).to("meta", dtype).train()
    images = torch.empty(batch, 3, *size, dtype=dtype, device="meta")
    recorder, results = record(model, [images], lambda m, inputs: loss_of(m(inputs[0]), batch))
    return [images], (model, recorder, results, {"B": batch, "H": size[0], "W": size[1], "K": classes})


def record_name(checkout, name):
    multiple = 64 if name.endswith("6") else 32
    size = [1280, 1280] if name.endswith("6") else [640, 640]
    inputs, first = one(checkout, name, 80, 2, size, torch.float32)
    others, other = one(checkout, name, 87, 3, (size[0] + 3 * multiple, size[1] + multiple), torch.bfloat16)
    return {"image": {"size": size[0], "width": size[1], "allowed": "any", "multiple": multiple}, **graph_of(first, other, inputs=(inputs, others))}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkout")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--to", default=GRAPHS)
    parser.add_argument("--rows", required=True, help="file of catalog rows, one JSON object a line, added to")
    arguments = parser.parse_args()
    checkout = os.path.abspath(arguments.checkout)
    sys.path.insert(0, checkout)
    for name in arguments.names or NAMES:
        start = time.time()
        try:
            graph = record_name(checkout, name)
            bytes_ = write_trained(arguments, "yolov5", name, 80, graph)
            print(f"{name}: {len(graph['steps'])} steps, {bytes_} bytes, image {graph['image']['allowed']}, {time.time() - start:.1f} s", flush=True)
        except Exception as error:
            print(f"FAILED {name}: {type(error).__name__} {str(error)[:900]}", flush=True)
        gc.collect()


if __name__ == "__main__":
    main()
