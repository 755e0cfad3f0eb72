import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { installedGrammars, job, readManifest, scriptJob, setting, settings } from '../../../test/builders/launch.js';
import type { Grammars } from '../grammars.js';
import type { RunReading } from '../reading.js';

let grammars: Grammars;
beforeAll(async () => {
  grammars = await installedGrammars();
});

const inline = (
  source: string,
  over: { args?: string[]; env?: Record<string, string>; gpus?: number } = {},
): RunReading | undefined =>
  readManifest(job({ command: ['python', '-c', source, ...(over.args ?? [])], ...over, args: [] }), grammars)[0];

const SFT = `
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from trl import SFTTrainer, SFTConfig
from peft import LoraConfig
import os

MODEL = os.environ.get("MODEL_NAME", "Qwen/Qwen2.5-0.5B")
bnb = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True)
tokenizer = AutoTokenizer.from_pretrained("gpt2")
model = AutoModelForCausalLM.from_pretrained(MODEL, quantization_config=bnb, torch_dtype=torch.bfloat16, attn_implementation="flash_attention_2")
args = SFTConfig(
    output_dir="/out",
    per_device_train_batch_size=int(os.getenv("BS", "2")),
    gradient_accumulation_steps=4,
    max_seq_length=2048,
    gradient_checkpointing=True,
    bf16=True,
    optim="paged_adamw_8bit",
)
SFTTrainer(model=model, args=args, peft_config=LoraConfig(r=16, target_modules=["q_proj", "v_proj"], lora_dropout=0.05)).train()
`;

describe('Python sources in the manifest', () => {
  it('reads a TRL fine-tuning from its syntax', () => {
    const reading = inline(SFT);
    expect(reading?.unknown).toEqual([]);
    expect(
      settings(
        reading,
        'model',
        'task',
        'microBatchSize',
        'gradientAccumulationSteps',
        'sequenceLength',
        'precision',
        'quantization',
        'peft.method',
        'peft.rank',
        'peft.dropout',
        'peft.targetModules',
        'optimizer.implementation',
        'attention',
        'activationCheckpointing',
      ),
    ).toEqual({
      model: { name: 'Qwen/Qwen2.5-0.5B', catalogId: null, config: null },
      task: 'causal-lm',
      microBatchSize: 2,
      gradientAccumulationSteps: 4,
      sequenceLength: 2048,
      precision: 'bf16',
      quantization: 'nf4-double',
      'peft.method': 'lora',
      'peft.rank': 16,
      'peft.dropout': 0.05,
      'peft.targetModules': ['q_proj', 'v_proj'],
      'optimizer.implementation': 'paged-8bit',
      attention: 'flash-attention-2',
      activationCheckpointing: 'full',
    });
    const at = SFT.indexOf('gradient_accumulation_steps=4') + 'gradient_accumulation_steps='.length;
    expect(setting(reading, 'gradientAccumulationSteps').evidence).toEqual({
      kind: 'read',
      place: {
        document: 'manifest',
        path: 'spec.template.spec.containers[0].command[2]',
        span: { start: at, end: at + 1 },
        text: '4',
      },
    });
  });

  it('reads other adapters of peft by their configuration', () => {
    const config = 'VeraConfig(r=64, target_modules=["q_proj", "v_proj"])';
    const source = SFT.replace(/LoraConfig\([^)]*\)/, config).replace('import LoraConfig', 'import VeraConfig');
    expect(source).not.toBe(SFT);
    expect(settings(inline(source), 'peft.method', 'peft.rank', 'peft.targetModules')).toEqual({
      'peft.method': 'vera',
      'peft.rank': 64,
      'peft.targetModules': ['q_proj', 'v_proj'],
    });
  });

  it('takes variables of the environment for what the source reads from it', () => {
    const reading = inline(SFT, { env: { MODEL_NAME: 'meta-llama/Llama-3.2-1B', BS: '6' } });
    expect(settings(reading, 'model', 'microBatchSize')).toMatchObject({
      model: { name: 'meta-llama/Llama-3.2-1B' },
      microBatchSize: 6,
    });
    expect(setting(reading, 'microBatchSize').evidence).toMatchObject({
      place: { path: 'spec.template.spec.containers[0].env[1].value' },
    });
  });

  const LOOP = `
import argparse, torch
from torchvision import models, transforms
from torch.nn.parallel import DistributedDataParallel as DDP

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-b", "--batch-size", type=int, default=64)
    parser.add_argument("--arch", default="resnet50")
    args = parser.parse_args()
    model = models.resnet101(num_classes=10).cuda()
    model = DDP(model)
    tf = transforms.Compose([transforms.RandomResizedCrop(192), transforms.ToTensor()])
    loader = torch.utils.data.DataLoader(ds, batch_size=args.batch_size, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    for x, y in loader:
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
main()
`;

  it('reads a training loop from a ConfigMap, with flags over the defaults of its parser', () => {
    const manifest = job({
      command: ['torchrun', '--nproc_per_node=2', '/code/train.py', '-b', '32'],
      gpus: 2,
      configMap: { name: 'code', mountPath: '/code' },
    });
    const [reading] = readManifest(manifest, grammars, { code: { 'train.py': LOOP } });
    expect(
      settings(
        reading,
        'model',
        'task',
        'numClasses',
        'microBatchSize',
        'imageSize',
        'optimizer.name',
        'optimizer.momentum',
        'precision',
        'parallelism.sharding',
        'worldSize',
      ),
    ).toEqual({
      model: { name: 'resnet101', catalogId: null, config: null },
      task: 'image-classification',
      numClasses: 10,
      microBatchSize: 32,
      imageSize: [192, 192],
      'optimizer.name': 'sgd',
      'optimizer.momentum': 0.9,
      precision: 'amp-bf16',
      'parallelism.sharding': 'ddp',
      worldSize: 2,
    });
    const [unflagged] = readManifest(
      job({ command: ['python', '/code/train.py'], configMap: { name: 'code', mountPath: '/code' } }),
      grammars,
      { code: { 'train.py': LOOP } },
    );
    expect(setting(unflagged, 'microBatchSize')).toMatchObject({
      value: 64,
      evidence: { place: { document: 'configmap/code/train.py', text: '64' } },
    });
  });

  it('reads a source that a heredoc writes', () => {
    const script = `cat > /tmp/t.py <<'EOF'\nimport timm, torch\nm = timm.create_model("vit_base_patch16_224", num_classes=5)\nloss.backward()\nEOF\npython /tmp/t.py`;
    const [reading] = readManifest(scriptJob(script), grammars);
    expect(settings(reading, 'model', 'numClasses')).toEqual({
      model: { name: 'vit_base_patch16_224', catalogId: null, config: null },
      numClasses: 5,
    });
  });

  it('names what the program works out itself', () => {
    const reading = inline(
      'model = AutoModelForCausalLM.from_pretrained(pick_model())\nTrainingArguments(per_device_train_batch_size=guess(3))\nTrainer().train()',
    );
    expect(reading?.unknown.map(({ field, reason }) => [field, reason])).toEqual([
      ['model', 'pick_model() is worked out by the program'],
      ['microBatchSize', 'guess(3) is worked out by the program'],
    ]);
  });

  it('does not take a source that trains nothing for a training', () => {
    expect(inline('import torch\nprint(torch.cuda.is_available())')).toMatchObject({
      training: false,
      notes: ['not a training run: the container runs a Python source without a backward pass or a trainer'],
    });
  });

  it('never throws, whatever the source', () => {
    const piece = fc.constantFrom(
      'TrainingArguments(',
      'x=',
      'x',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      ':',
      ',',
      '"',
      "'",
      '\n',
      '  ',
      'def f(',
      '=',
      '.',
      'os.environ[',
      '"A"',
      '1',
      '-',
      '*',
      'from_pretrained(',
      'import ',
      'args.',
      'backward()',
      'f"{x}"',
      '#',
      '\\',
      'lambda',
      'dict(',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        expect(inline(`${pieces.join('')}\nloss.backward()`)).toBeDefined();
      }),
      { numRuns: 400 },
    );
  });

  const recurrent = (layers: string, decoder: string): RunReading | undefined =>
    inline(`
import torch
import torch.nn as nn
class Net(nn.Module):
    def __init__(self, vocab=20000):
        super().__init__()
        self.table = nn.Embedding(vocab, 256)
        self.rnn = ${layers}
        self.head = ${decoder}
net = Net().cuda()
optimizer = torch.optim.Adam(net.parameters())
batch_size, width = 32, 1
BATCH_SIZE = 32
SEQ_LEN = 100
net(data).backward()
optimizer.step()
`);

  it('reads a language model of recurrent layers that the source writes itself', () => {
    const reading = recurrent(
      'nn.LSTM(256, 512, num_layers=2, batch_first=True, dropout=0.5)',
      'nn.Linear(512, vocab)',
    );
    expect(reading?.unknown).toEqual([]);
    expect(settings(reading, 'task', 'microBatchSize', 'sequenceLength', 'optimizer.name')).toEqual({
      task: 'causal-lm',
      microBatchSize: 32,
      sequenceLength: 100,
      'optimizer.name': 'adam',
    });
    expect(setting(reading, 'model').value).toMatchObject({
      name: 'LSTM of the source',
      config: { model_type: 'rnn', cell: 'lstm', vocab: 20000, embedding: 256, hidden: 512, layers: 2, dropout: 0.5 },
    });
  });

  it('reads a classifier of recurrent layers by the width of its last layer', () => {
    const reading = recurrent('nn.GRU(256, 128, bidirectional=True)', 'nn.Linear(2 * 128, 4)');
    expect(setting(reading, 'task').value).toBe('sequence-classification');
    expect(setting(reading, 'model').value).toMatchObject({
      config: { cell: 'gru', layers: 1, bidirectional: true, classes: 4 },
    });
  });

  it('leaves the model open where its sizes are worked out by the program', () => {
    const reading = recurrent('nn.LSTM(256, load()["hidden"])', 'nn.Linear(512, vocab)');
    expect(reading?.unknown).toContainEqual(
      expect.objectContaining({ field: 'model', reason: 'the sizes of nn.LSTM are worked out by the program' }),
    );
  });

  it('reads what Lightning’s Trainer is told, and takes its fit for training', () => {
    const reading = inline(`
import lightning as L, timm, torch
class Net(L.LightningModule):
    def __init__(self):
        self.net = timm.create_model("vit_base_patch16_224", num_classes=100)
loader = torch.utils.data.DataLoader(data, batch_size=128)
trainer = L.Trainer(precision="bf16-mixed", devices=2, strategy="ddp", accumulate_grad_batches=2, gradient_clip_val=1.0)
trainer.fit(Net(), loader)
`);
    expect(
      settings(
        reading,
        'model',
        'microBatchSize',
        'precision',
        'gradientAccumulationSteps',
        'gradientClipping',
        'parallelism.sharding',
        'processesPerNode',
      ),
    ).toEqual({
      model: { name: 'vit_base_patch16_224', catalogId: null, config: null },
      microBatchSize: 128,
      precision: 'amp-bf16',
      gradientAccumulationSteps: 2,
      gradientClipping: true,
      'parallelism.sharding': 'ddp',
      processesPerNode: 2,
    });
  });

  it('reads a training of Ultralytics that is called in Python', () => {
    const reading = inline(`
from ultralytics import YOLO
YOLO("yolov8m.pt").train(data="coco.yaml", imgsz=1280, batch=8, device=[0, 1])
`);
    expect(settings(reading, 'model', 'task', 'microBatchSize', 'imageSize', 'ema')).toEqual({
      model: { name: 'yolov8m', catalogId: null, config: null },
      task: 'detection',
      microBatchSize: 4,
      imageSize: [1280, 1280],
      ema: true,
    });
  });

  it('reads what Unsloth brings along', () => {
    const unsloth = (checkpointing: string): RunReading | undefined =>
      inline(`
from unsloth import FastLanguageModel
from trl import SFTConfig, SFTTrainer
model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Qwen2.5-7B", max_seq_length=4096, load_in_4bit=True)
model = FastLanguageModel.get_peft_model(model, r=16${checkpointing})
SFTTrainer(model=model, args=SFTConfig(per_device_train_batch_size=2, bf16=True)).train()
`);
    const away = unsloth('');
    expect(settings(away, 'offload.activations', 'activationCheckpointing', 'kernels', 'precision')).toEqual({
      'offload.activations': true,
      activationCheckpointing: 'full',
      kernels: ['unsloth'],
      precision: 'bf16',
    });
    expect(setting(away, 'loss')).toMatchObject({ value: 'fused-linear', range: { high: 'standard' } });
    expect(setting(away, 'peft.targetModules').value).toContain('down_proj');
    const kept = unsloth(', use_gradient_checkpointing=True');
    expect(settings(kept, 'offload.activations', 'activationCheckpointing')).toEqual({
      'offload.activations': false,
      activationCheckpointing: 'full',
    });
    expect(setting(unsloth(', use_gradient_checkpointing=False'), 'activationCheckpointing').value).toBe('none');
  });

  it('says which losses of sentence-transformers are not covered, and not that nothing trains', () => {
    const reading = inline(`
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
args = SentenceTransformerTrainingArguments(output_dir="out", per_device_train_batch_size=64)
SentenceTransformerTrainer(model=SentenceTransformer("sentence-transformers/all-mpnet-base-v2"), args=args).train()
`);
    expect(reading?.unknown.find(({ field }) => field === 'task')?.reason).toContain('pairs of rows');
  });
});
