"""Writes recorded graphs of encoders of speech that are trained with CTC, loss included, from the classes of transformers.

  python catalog/tools/recorder/record_speech.py wav2vec2-base wav2vec2-large-xlsr-53 ...

The sound is `W` samples long. The feature encoder is frozen, as run_speech_recognition_ctc.py freezes it where it is told
nothing, layers are not dropped, and those of the encoder are noted as calls."""
import argparse
import gc
import os
import sys
import time

import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from graph_file import graph_of
from record_models import GRAPHS, write
from recorder import record

LARGE = dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096)
STABLE = dict(**LARGE, feat_extract_norm="layer", conv_bias=True, do_stable_layer_norm=True)
# Dimensions of the configurations that the models were published with
MODELS = {
    "wav2vec2-base": ("Wav2Vec2", {}),
    "wav2vec2-large-lv60": ("Wav2Vec2", STABLE),
    "hubert-base": ("Hubert", {}),
    "hubert-large": ("Hubert", STABLE),
    "hubert-xlarge": ("Hubert", {**STABLE, "hidden_size": 1280, "num_hidden_layers": 48, "intermediate_size": 5120}),
}


def built(name, classes):
    import transformers
    kind, dimensions = MODELS[name]
    config = getattr(transformers, kind + "Config")(**dimensions, vocab_size=classes, layerdrop=0.0, apply_spec_augment=False, attn_implementation="sdpa")
    model = getattr(transformers, kind + "ForCTC")(config)
    model.freeze_feature_encoder()
    return model


def keep_every_layer():
    """Whether a layer is dropped is drawn and compared; here none is."""
    drawn = torch.rand
    torch.rand = lambda *shape, **kwargs: 1.0 if shape == ([],) else drawn(*shape, **kwargs)


def padded_loss(model, inputs):
    """Batches of models that normalise every frame come with a mask of what was padded."""
    logits = model(inputs[0], attention_mask=inputs[1] if len(inputs) > 1 else None).logits
    return F.log_softmax(logits, dim=-1, dtype=logits.dtype).transpose(0, 1).sum()


def one(name, classes, batch, samples, dtype):
    with torch.device("meta"):
        model = built(name, classes).to(dtype).train()
        inputs = [torch.empty(batch, samples, dtype=dtype)]
        if model.config.feat_extract_norm == "layer":
            inputs.append(torch.ones(batch, samples, dtype=torch.int64))
        layers = [path for path, module in model.named_modules() if path.split(".")[-1].isdigit() and ".encoder.layers." in path and path.count(".") == 3]
        recorder, results = record(model, inputs, padded_loss, layers)
    return inputs, (model, recorder, results, {"B": batch, "H": 1, "W": samples, "K": classes})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--to", default=GRAPHS)
    arguments = parser.parse_args()
    keep_every_layer()
    for name in arguments.names or MODELS:
        start = time.time()
        inputs, first = one(name, 32, 2, 80_000, torch.float32)
        others, other = one(name, 39, 3, 115_200, torch.bfloat16)
        graph = graph_of(first, other, inputs=(inputs, others))
        image = {"size": 1, "width": 320_000, "allowed": "any"}
        size = write(arguments.to, "transformers", name, {"format": 1, "library": "transformers", "name": name, "image": image, **graph})
        print(f"{name}: {len(graph['steps'])} steps, {len(graph.get('blocks', []))} layers, {size} bytes, {time.time() - start:.1f} s", flush=True)
        gc.collect()


if __name__ == "__main__":
    main()
