"""Writes recorded graphs of image models: one compact file for each.

  python catalog/tools/recorder/record_models.py timm resnet50d convnext_tiny ...   # into catalog/graphs/timm/
  python catalog/tools/recorder/record_models.py torchvision --all

Needs torch, torchvision and timm; no GPU, and no weights. Each model is recorded at two sizes and types, and sizes that
differ become expressions over batch, height, width and classes."""
import argparse
import gc
import gzip
import json
import os
import sys
import time

import torch
import torch.utils.checkpoint

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from graph_file import NotAlike, graph_of
from recorder import record

HERE = os.path.dirname(os.path.abspath(__file__))
GRAPHS = os.path.join(HERE, "..", "..", "graphs")


def timm_model(name, classes, size):
    import timm
    from timm.models import get_pretrained_cfg
    kwargs = {} if size is None else {"img_size": size}
    return timm.create_model(name, pretrained=False, num_classes=classes, **kwargs)


def torchvision_model(name, classes, size):
    import torchvision
    kwargs = {} if size is None else {"image_size": size}
    if name in ("googlenet", "inception_v3"):
        kwargs |= {"init_weights": False}
    if name.startswith(("fcn_", "deeplabv3_", "lraspp_")):
        kwargs |= {"weights_backbone": None}
    return torchvision.models.get_model(name, weights=None, num_classes=classes, **kwargs)


BUILDERS = {"timm": timm_model, "torchvision": torchvision_model}


def native_size(library, name):
    if library == "timm":
        import timm
        cfg = timm.models.get_pretrained_cfg(name)
        return cfg.input_size[-1] if cfg is not None else 224
    return {"inception_v3": 299}.get(name, 224)


def built(library, name, classes, size):
    """On the meta device, or on the CPU where the constructor looks at values."""
    try:
        with torch.device("meta"):
            return BUILDERS[library](name, classes, size)
    except (NotImplementedError, RuntimeError) as error:
        if "meta" not in str(error):
            raise
        return BUILDERS[library](name, classes, size)


def called(function):
    """Modules that a function which is handed to checkpointing runs: itself, or those that timm's `checkpoint_seq` closes over."""
    if isinstance(function, torch.nn.Module):
        return [function]
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    closed = dict(zip(names, (cell.cell_contents for cell in getattr(function, "__closure__", None) or ())))
    if {"functions", "start", "end"} <= set(closed):
        return list(closed["functions"][closed["start"]:closed["end"] + 1])
    own = getattr(function, "__self__", None)
    return [own] if isinstance(own, torch.nn.Module) else []


def checkpointed(library, name, size):
    """Paths of the modules that `set_grad_checkpointing` has run again in backward; none where it is not known which."""
    model = built(library, name, 10, None).to("meta").train()
    if not hasattr(model, "set_grad_checkpointing"):
        return []
    try:
        model.set_grad_checkpointing(True)
    except (AssertionError, NotImplementedError):
        return []
    paths = {id(module): path for path, module in model.named_modules()}
    handed, own = [], torch.utils.checkpoint.checkpoint

    def noted(function, *args, use_reentrant=None, **kwargs):
        handed.append([paths.get(id(module)) for module in called(function)])
        return function(*args, **kwargs)
    torch.utils.checkpoint.checkpoint = noted
    try:
        with torch.no_grad(), torch.device("meta"):
            model(torch.empty(2, 3, size, size))
    finally:
        torch.utils.checkpoint.checkpoint = own
    known = all(len(modules) == 1 and modules[0] for modules in handed)
    found = [modules[0] for modules in handed] if known else []
    return found if len(found) == len(set(found)) else []


def one(library, name, classes, batch, size, dtype, sized, blocks=()):
    model = built(library, name, classes, sized and size).to("meta", dtype).train()
    with torch.device("meta"):
        image = torch.empty(batch, 3, *([size] * 2 if isinstance(size, int) else size), device="meta", dtype=dtype)
    recorder, results = record(model, [image], lambda m, inputs: m(inputs[0]), blocks)
    height, width = image.shape[-2:]
    variables = {"B": batch, "H": height, "W": width, "K": classes}
    return model, recorder, results, variables


def attempts(native):
    """Second recordings, the freest first: any image, any square image, the native size built in."""
    yield {"size": (native + 96, native + 32), "sized": None, "image": "any"}
    yield {"size": native + 64, "sized": None, "image": "square"}
    yield {"size": native + 224 if native % 32 == 0 else native * 2, "sized": True, "image": "square"}
    yield {"size": native * 2, "sized": True, "image": "square"}
    yield {"size": native, "sized": None, "image": "fixed"}


def record_model(library, name):
    """With its checkpointed modules as calls, or without where these do not stand for themselves."""
    blocks = checkpointed(library, name, native_size(library, name))
    if blocks:
        try:
            return record_with(library, name, blocks)
        except NotAlike:
            pass
    return record_with(library, name, [])


def record_with(library, name, blocks):
    native = native_size(library, name)
    problems = []
    for attempt in attempts(native):
        try:
            first = one(library, name, 1000, 3, native, torch.float32, attempt["sized"], blocks)
            second = one(library, name, 10, 5, attempt["size"], torch.bfloat16, attempt["sized"], blocks)
            graph = graph_of(first, second)
        except Exception as error:
            problems.append(f"{attempt['image']}: {type(error).__name__} {str(error)[:160]}")
            continue
        return {"format": 1, "library": library, "name": name, "image": {"size": native, "allowed": attempt["image"]}, **graph}
    raise NotAlike(" | ".join(problems))


def write(root, library, name, graph):
    folder = os.path.join(root, library)
    os.makedirs(folder, exist_ok=True)
    text = json.dumps(graph, separators=(",", ":")).encode()
    path = os.path.join(folder, name + ".json.gz")
    with open(path, "wb") as file:
        file.write(gzip.compress(text, 9, mtime=0))
    return os.path.getsize(path)


def write_trained(arguments, library, name, classes, graph):
    """A training step's graph, and its row of the catalog beside those that are written; gives the bytes of the file."""
    size = write(arguments.to, library, name, {"format": 1, "library": library, "name": name, **graph})
    image = graph["image"]
    row = {"id": name, "library": library, "graph": name, "numClasses": classes, "imageSize": [image["size"], image["width"]]}
    with open(arguments.rows, "a") as rows:
        rows.write(json.dumps(row, separators=(",", ":")) + "\n")
    return size


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library", choices=list(BUILDERS))
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", help="file with one name a line")
    parser.add_argument("--missing", action="store_true", help="leave out what is there already")
    parser.add_argument("--to", default=GRAPHS, help="folder of the graphs; catalog/graphs where left out")
    arguments = parser.parse_args()
    names = arguments.names + (open(arguments.list).read().split() if arguments.list else [])
    failed = 0
    for name in names:
        path = os.path.join(arguments.to, arguments.library, name + ".json.gz")
        if arguments.missing and os.path.exists(path):
            continue
        start = time.time()
        try:
            graph = record_model(arguments.library, name)
            size = write(arguments.to, arguments.library, name, graph)
            print(f"{name}: {len(graph['steps'])} steps, {len(graph.get('blocks', []))} checkpointed, {size} bytes, image {graph['image']['allowed']}, {time.time() - start:.1f} s", flush=True)
        except Exception as error:
            failed += 1
            print(f"FAILED {name}: {type(error).__name__} {str(error)[:900]}", flush=True)
        gc.collect()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
