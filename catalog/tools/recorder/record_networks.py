"""Writes recorded graphs of networks of diffusers and transformers, with the layers that checkpointing runs again.

  python catalog/tools/recorder/record_networks.py FLUX.1-dev Wan2.1-T2V-1.3B    # into catalog/graphs/diffusers/

Needs torch and the library; no GPU, and no weights. Each network is recorded at three sizes and in two types, and sizes
that differ become expressions over batch, height, width, frames of latents and tokens."""
import argparse
import contextlib
import gc
import importlib
import os
import sys
import time

import torch
import torch.fx.experimental._config

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from conversions import with_conversions
from graph_file import graph_of
from networks import NETWORKS
from record_models import GRAPHS, write
from recorder import record

SIZES = ({"B": 2, "H": 512, "W": 768, "T": 3, "S": 24}, {"B": 3, "H": 704, "W": 1088, "T": 5, "S": 37}, {"B": 5, "H": 896, "W": 608, "T": 4, "S": 41})
TYPES = (torch.float32, torch.bfloat16, torch.bfloat16)


def sizes_of(spec):
    """What the network cannot do is taken alike: images that are not square, other numbers of frames."""
    for sizes in SIZES:
        sizes = {**sizes, **spec.get("fixed", {})}
        yield {**sizes, "W": sizes["H"]} if spec.get("square") else sizes


def built(spec, dtype):
    library = importlib.import_module(spec["library"])
    with torch.device("meta"):
        model = spec["build"](library) if "build" in spec else getattr(library, spec["class"])(**spec["config"])
    return torch.nn.Module.to(model, "meta", dtype).train(spec.get("trains", True))


def tensors_of(spec, sizes, dtype):
    def tensor(described):
        kind, shape = described
        return torch.empty(*shape, dtype=dtype if kind == "weights" else getattr(torch, kind), device="meta")
    named = {name: tensor(described) for name, described in spec["inputs"](sizes).items()}
    conditions = {name: tensor(make(sizes)) for name, make in spec.get("conditions", {}).items()}
    return named, conditions


def keywords(spec, named, conditions, sizes):
    further = {"added_cond_kwargs": conditions or {"resolution": None, "aspect_ratio": None}} if spec["class"] == "PixArtTransformer2DModel" else {}
    return {**named, **further, **spec.get("arguments", lambda s: {})(sizes)}


def call_of(spec, sizes):
    """Calls the network with the tensors of the batch, of which none but the network's own frames hold anything."""
    named, conditions = tensors_of(spec, sizes, torch.float32)
    names, others = list(named), list(conditions)

    def call(model, inputs):
        tensors = dict(zip(names + others, inputs))
        arguments = keywords(spec, {n: tensors[n] for n in names}, {n: tensors[n] for n in others}, sizes)
        if not spec.get("trains", True):
            with torch.no_grad():
                return spec["call"](model, arguments)
        if "call" in spec:
            return spec["call"](model, arguments)
        return model(**arguments, return_dict=False)[0]
    return call


def repeated_layers(spec, dtype, sizes):
    """Paths of the modules that the network hands to its checkpointing function."""
    model = built(spec, dtype)
    paths, found = {id(m): path for path, m in model.named_modules()}, []

    def collect(function, *args, **kwargs):
        if id(function) not in paths:
            raise ValueError("what is checkpointed is no module")
        found.append(paths[id(function)])
        return function(*args, **kwargs)
    for module in model.modules():
        if hasattr(module, "gradient_checkpointing"):
            module.gradient_checkpointing = True
            module._gradient_checkpointing_func = collect
    named, conditions = tensors_of(spec, sizes, dtype)
    with torch.device("meta"), values_are_there():
        call_of(spec, sizes)(model, [*named.values(), *conditions.values()])
    return found


@contextlib.contextmanager
def values_are_there():
    """A tensor without values is taken for true, as it is while recording."""
    own = torch.Tensor.__bool__, torch.autocast
    torch.Tensor.__bool__ = lambda tensor: True
    torch.autocast = lambda *device, **named: contextlib.nullcontext()
    torch.fx.experimental._config.meta_nonzero_assume_all_nonzero = True
    try:
        yield
    finally:
        torch.Tensor.__bool__, torch.autocast = own


def one(spec, sizes, dtype, blocks):
    model = built(spec, dtype)
    named, conditions = tensors_of(spec, sizes, dtype)
    inputs = [*named.values(), *conditions.values()]
    with torch.device("meta"), values_are_there():
        recorder, results = record(model, inputs, call_of(spec, sizes), blocks)
    varying = {name: size for name, size in sizes.items()}
    return inputs, [*named, *conditions], (model, recorder, results, varying)


def record_network(name):
    spec = NETWORKS[name]
    sizes = list(sizes_of(spec))
    blocks = spec["blocks"](built(spec, torch.float32)) if "blocks" in spec else repeated_layers(spec, torch.float32, sizes[0])
    runs = [one(spec, size, dtype, blocks) for size, dtype in zip(sizes, TYPES)]
    first, second, third = [run for _, _, run in runs]
    graph = graph_of(with_conversions(first, second), second, third, inputs=[inputs for inputs, _, _ in runs])
    result = graph["results"][0]
    allowed = "square" if spec.get("square") else "any"
    header = {"format": 1, "library": spec["library"], "name": name, "image": {"size": spec.get("size", 1024), "allowed": allowed}}
    header |= {name: spec[name] for name in ("fixed", "network") if name in spec}
    return {**header, "names": runs[0][1], **graph}, sum(p.numel() for p in runs[0][2][0].parameters()), result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--trace", action="store_true", help="stop where one fails")
    parser.add_argument("--missing", action="store_true", help="leave out what is there already")
    parser.add_argument("--to", default=GRAPHS, help="folder of the graphs; catalog/graphs where left out")
    arguments = parser.parse_args()
    failed = 0
    for name in list(NETWORKS) if arguments.all else arguments.names:
        library = NETWORKS[name]["library"]
        if arguments.missing and os.path.exists(os.path.join(arguments.to, library, name + ".json.gz")):
            continue
        start = time.time()
        try:
            graph, parameters, _ = record_network(name)
            size = write(arguments.to, library, name, graph)
            print(f"{name}: {parameters} parameters, {len(graph['steps'])} steps, {len(graph.get('blocks', []))} layers, {size} bytes, {time.time() - start:.1f} s", flush=True)
        except Exception as error:
            failed += 1
            if arguments.trace:
                raise
            print(f"FAILED {name}: {type(error).__name__} {str(error)[:900]}", flush=True)
        gc.collect()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
