import { loadFacts } from '../../src/advisor/facts.js';
import { ALONE } from '../../src/run/device-runs.js';
import { resolvedModelOf } from '../../src/model/catalog.js';
import { MODEL_TYPES } from '../../src/model/architecture.js';
import type { ResolvedModel } from '../../src/model/resolved-model.js';
import type { Attention, OptimizerImplementation, OptimizerName, RunValues, Task } from '../../src/run/training-run.js';
import { optimizerNameSchema, runValuesSchema } from '../../src/run/training-run.js';

const facts = loadFacts();

/** One line of a file of recorded runs, as its README describes it; only what is read here. */
export interface OracleRecord {
  id: string;
  model: string;
  config: Record<string, unknown>;
  settings: OracleSettings;
  world: number;
  error?: string;
  peak_phase: string;
  peak_allocated_bytes: number;
  peak_allocated_bytes_simulated: number;
  peak_reserved_bytes_simulated: number;
  phase_peak_bytes: Record<string, number>;
  n_params: number;
  peak_allocated_by_iteration: number[];
}

export interface OracleSettings {
  precision: RunValues['precision'];
  batch: number;
  seq?: number;
  target_seq?: number;
  image?: number;
  latent?: number;
  frames?: number;
  /** Tokens of the prompt. */
  text?: number;
  optimizer: string;
  attention?: Attention;
  gradient_checkpointing?: boolean;
  gradient_accumulation?: number;
  clip?: boolean;
  lora?: { r: number; dropout: number; targets: 'all-linear' | string[] };
  /** Another adapter of peft. */
  peft?: { method: RunValues['peft']['method']; rank?: number; targets?: string[]; dropout?: number };
  frozen?: 'backbone';
  fsdp?: { reduce_dtype: 'fp32' | 'bf16'; reshard_after_forward?: boolean };
  channels_last?: boolean;
  /** Forward under torch.autograd.graph.save_on_cpu. */
  offload?: boolean;
  hold_outputs?: boolean;
  fp32_outputs?: boolean;
  loss_variant?: string;
  /** A program with model code of its own, and versions that its code depends on. */
  program?: { name: string; packages?: Record<string, string> };
  loss?: RunValues['loss'];
  /** Where it is not the one that the model's class says. */
  task?: Task;
}

/** A recorded run in Plimsoll's terms. */
export interface OracleRun {
  values: RunValues;
  model: ResolvedModel;
  reduceInFloat32: boolean;
}

const IMPLEMENTATIONS: Record<string, OptimizerImplementation> = { fused: 'fused', forloop: 'for-loop' };

function optimizerOf(text: string): RunValues['optimizer'] {
  const named = optimizerNameSchema.safeParse(text);
  const [name = '', ...rest] = named.success ? [text] : text.split('-');
  const implementation = rest.map((part) => IMPLEMENTATIONS[part]).find((part) => part !== undefined) ?? 'foreach';
  const momentum = rest.includes('momentum') ? 0.9 : 0;
  const weightDecay = rest.includes('wd') ? 1e-4 : name === 'adamw' ? 0.01 : 0;
  return { name: name as OptimizerName, implementation, momentum, weightDecay, amsgrad: false };
}

const TASKS: readonly (readonly [RegExp, Task])[] = [
  [/ForCausalLM$|LMHeadModel$/, 'causal-lm'],
  [/ForMaskedLM$/, 'masked-lm'],
  [/ForSequenceClassification$/, 'sequence-classification'],
  [/ForTokenClassification$/, 'token-classification'],
  [/ForQuestionAnswering$/, 'question-answering'],
  [/ForImageClassification$/, 'image-classification'],
  [/WhisperForConditionalGeneration$/, 'speech'],
  [/^Gemma3ForConditionalGeneration$/, 'causal-lm'],
  [/ForConditionalGeneration$|MTModel$/, 'seq2seq'],
];

function taskOf(record: OracleRecord): Task {
  const className = typeof record.config['class'] === 'string' ? record.config['class'] : '';
  return TASKS.find(([pattern]) => pattern.test(className))?.[1] ?? visionTask(record.model);
}

function visionTask(model: string): Task {
  if (/deeplab|fcn_|lraspp|unet-/.test(model)) return 'segmentation';
  if (/rcnn|retinanet|ssd|fcos/.test(model)) return 'detection';
  return facts.models.rows.some(({ recorded }) => recorded === model) || /unet|dit|transformer/.test(model)
    ? 'diffusion'
    : 'image-classification';
}

/** The oracle's own U-Net. */
function unetOf({ config, model }: OracleRecord): ResolvedModel {
  const sizes = { base_channels: Number(config['base']), depth: Number(config['depth']) };
  return { name: model, modelType: 'unet', config: { ...sizes, num_classes: Number(config['classes']) } };
}

/** A network of the catalog by the name of its recording. */
function networkOf({ model }: OracleRecord): ResolvedModel | null {
  const row = facts.models.rows.find(({ recorded }) => recorded === model);
  return row === undefined ? null : resolvedModelOf(row);
}

/** Objects in each image of the recorder's detectors (oracle/tools/models.py). */
const BOXES = 7;

/** torchvision's detectors were recorded without weights for the backbone. */
function detectorOf({ model, settings }: OracleRecord): ResolvedModel {
  const architecture = `${model}_from_scratch`;
  const graph = facts.models.find(`torchvision/${architecture}`).row?.graph;
  const config = { architecture, num_classes: 91, most_objects: BOXES };
  return { name: model, modelType: 'torchvision', config, image: imageOf(settings), ...(graph ? { graph } : {}) };
}

/** A model of timm or torchvision. */
function imageModelOf(record: OracleRecord): ResolvedModel {
  const { model } = record;
  const timm = model.startsWith('timm:');
  const architecture = timm ? model.slice('timm:'.length) : model;
  if (visionTask(model) === 'segmentation') {
    return { name: model, modelType: 'torchvision', config: { architecture, num_classes: 21, aux_loss: true } };
  }
  const modelType = timm ? 'timm' : 'torchvision';
  if (visionTask(model) === 'detection') return detectorOf(record);
  const graph = facts.models.find(`${modelType}/${architecture}`).row?.graph;
  const image = imageOf(record.settings);
  return { name: model, modelType, config: { architecture, num_classes: 1000 }, image, ...(graph ? { graph } : {}) };
}

function modelOf(record: OracleRecord): ResolvedModel {
  const { config, model } = record;
  if (typeof config['model_type'] === 'string') {
    return { name: model, modelType: config['model_type'], config: config as ResolvedModel['config'] };
  }
  if (typeof config['base'] === 'number') return unetOf(record);
  if (typeof config['class'] === 'string' && MODEL_TYPES.includes(config['class'])) {
    return { name: model, modelType: config['class'], config: config as ResolvedModel['config'] };
  }
  return imageModelOf(record);
}

type Adapter = Partial<Pick<RunValues['peft'], 'method' | 'rank' | 'dropout' | 'targetModules'>>;

/** What of a recorded run is trained beside the model: one adapter at most. */
function adapterOf({ lora, frozen, peft }: OracleSettings): Adapter {
  if (peft) return { method: peft.method, rank: peft.rank, dropout: peft.dropout, targetModules: peft.targets };
  if (lora) return { method: 'lora', rank: lora.r, dropout: lora.dropout, targetModules: lora.targets };
  return { method: frozen ? 'frozen-backbone' : 'none' };
}

function peftOf(settings: OracleSettings): RunValues['peft'] {
  const { method = 'none', rank = null, dropout = 0, targetModules = null } = adapterOf(settings);
  return { method, rank, dropout, targetModules, modulesToSave: [], weights: null };
}

function parallelismOf({ settings, world }: OracleRecord): RunValues['parallelism'] {
  const { fsdp } = settings;
  const whole = fsdp?.reshard_after_forward === false ? 'fsdp-grad-op' : 'fsdp-full';
  return {
    sharding: fsdp ? whole : 'none',
    shardSize: fsdp ? world : 1,
    fsdpVersion: 2,
    data: world,
    tensor: 1,
    sequence: false,
    pipeline: 1,
    pipelineSchedule: '1f1b',
    virtualStages: 1,
    context: 1,
    expert: 1,
    gradientAsBucketView: false,
  };
}

/** Pixels a side of one element of a latent image. */
const LATENT_SCALE = 8;

function imageOf({ image, latent }: OracleSettings): [number, number] | null {
  const size = image ?? (latent === undefined ? null : latent * LATENT_SCALE);
  return size === null ? null : [size, size];
}

/** Sharded runs keep fp32 weights and compute in bf16; their precision is that of the computation. */
const precisionOf = ({ settings }: OracleRecord): RunValues['precision'] =>
  settings.fsdp ? 'amp-bf16' : settings.precision;

const sizesOf = (
  settings: OracleSettings,
): Pick<RunValues, 'sequenceLength' | 'targetSequenceLength' | 'imageSize' | 'frames'> => ({
  sequenceLength: settings.seq ?? settings.text ?? null,
  targetSequenceLength: settings.target_seq ?? null,
  imageSize: imageOf(settings),
  frames: settings.frames ?? null,
});

const RECORDED_WITH = { torch: '2.9.1', transformers: '4.57.6', peft: '0.21.2' };

/** The recorded losses that are not those of the library's release are those of an older one. */
const OLDER_LOSS = { transformers: '4.44.0' };

const programOf = ({ program, loss_variant }: OracleSettings): Pick<RunValues, 'program' | 'framework'> => ({
  program: program ? { id: null, name: program.name, version: null } : null,
  framework: {
    name: 'pytorch',
    packages: { ...RECORDED_WITH, ...(loss_variant ? OLDER_LOSS : {}), ...program?.packages },
  },
});

const trainingStepOf = ({ hold_outputs, fp32_outputs }: OracleSettings): RunValues['trainingStep'] => ({
  keepsOutputs: hold_outputs ?? false,
  compilesLoss: false,
  castsOutputs: fp32_outputs ?? false,
  fullPrecisionEmbeddings: false,
});

/** A recorded run's settings as a training run, and nothing else of the record. */
export function oracleRun(record: OracleRecord): OracleRun {
  const { settings, world } = record;
  const steps = settings.gradient_accumulation ?? 1;
  const values = runValuesSchema.parse({
    ...programOf(settings),
    model: { name: record.model },
    task: settings.task ?? taskOf(record),
    microBatchSize: settings.batch,
    rowsPerSample: 1,
    gradientAccumulationSteps: steps,
    globalBatchSize: settings.batch * steps * world,
    ...sizesOf(settings),
    numClasses: null,
    precision: precisionOf(record),
    weights: null,
    optimizer: optimizerOf(settings.optimizer),
    gradientClipping: settings.clip === true,
    activationCheckpointing: settings.gradient_checkpointing ? 'full' : 'none',
    attention: settings.attention ?? 'sdpa',
    loss: settings.loss ?? 'standard',
    kernels: [],
    packing: true,
    dropout: null,
    peft: peftOf(settings),
    quantization: 'none',
    parallelism: parallelismOf(record),
    offload: { parameters: false, optimizer: false, activations: settings.offload ?? false },
    compile: 'none',
    ema: false,
    channelsLast: settings.channels_last === true,
    allocator: '',
    worldSize: world,
    nodes: 1,
    processesPerNode: world,
    trainingStep: trainingStepOf(settings),
    prefetchedBatches: 0,
    activity: 'train',
    sharing: ALONE,
  });
  return {
    values,
    model: networkOf(record) ?? modelOf(record),
    reduceInFloat32: settings.fsdp?.reduce_dtype !== 'bf16',
  };
}
