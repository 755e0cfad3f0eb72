import type { Task } from '../run/training-run.js';
import type { Architecture } from './definition.js';
import { languageModelOf } from './config-parts.js';
import { albert } from './families/albert.js';
import { bart } from './families/bart.js';
import { bert } from './families/bert.js';
import { bloom } from './families/bloom.js';
import { cogVideoX } from './families/cogvideox.js';
import { deberta } from './families/deberta.js';
import { distilBert } from './families/distilbert.js';
import { falcon } from './families/falcon.js';
import { flux2 } from './families/flux2.js';
import { gemma3 } from './families/gemma3.js';
import { gptBigCode } from './families/gpt-bigcode.js';
import { gptJ } from './families/gpt-j.js';
import { gptNeo } from './families/gpt-neo.js';
import { gptNeox } from './families/gpt-neox.js';
import { gpt2 } from './families/gpt2.js';
import { krea2 } from './families/krea2.js';
import { ltxVideo } from './families/ltx-video.js';
import { llama } from './families/llama.js';
import { modernBert } from './families/modernbert.js';
import { openMmlab } from './families/openmmlab.js';
import { MEGATRON_TYPES } from './families/megatron-config.js';
import { megatronGpt } from './families/megatron-gpt.js';
import { mpt } from './families/mpt.js';
import { opt } from './families/opt.js';
import { phi } from './families/phi.js';
import { phi3 } from './families/phi3.js';
import { stableLm } from './families/stablelm.js';
import { recordedDenoiser } from './families/recorded-denoiser.js';
import { recordedEncoder } from './families/recorded-encoder.js';
import { recurrentModel } from './families/recurrent.js';
import { starCoder2 } from './families/starcoder2.js';
import { soundEncoder } from './families/sound-encoder.js';
import { t5 } from './families/t5.js';
import { torchtitanDecoder } from './families/torchtitan.js';
import { timm } from './families/timm.js';
import { torchvision } from './families/torchvision.js';
import { unet } from './families/unet.js';
import { unetCondition } from './families/unet-condition.js';
import { vit } from './families/vit.js';
import { whatIsMissing } from './missing-parts.js';
import { ALIGNMENT_TASKS } from './modules/alignment-losses.js';
import type { ModelCode, RankView } from './rank-view.js';
import { WHOLE_MODEL } from './rank-view.js';
import { xlnet } from './families/xlnet.js';
import { whisper } from './families/whisper.js';
import { litGpt } from './programs/litgpt.js';
import { LITGPT_CONFIGS } from './programs/litgpt-config.js';
import { plainGpt } from './programs/plain-gpt.js';
import { torchtuneDecoder } from './programs/torchtune.js';
import type { ResolvedModel } from './resolved-model.js';
import { UnsupportedModel } from './unsupported-model.js';

/** A family of models and what it can be trained for here. */
interface Family {
  write: (model: ResolvedModel, task: Task, view: RankView) => Architecture;
  tasks: readonly Task[];
}

const titan: Family['write'] = (model, _, view) => torchtitanDecoder(model, view);
const HEADS: readonly Task[] = ['causal-lm', 'sequence-classification', 'token-classification', 'question-answering'];
const decoder = (write: Family['write']): Family => ({ write, tasks: [...HEADS, ...ALIGNMENT_TASKS] });
/** Models of programs that write their own losses, of which those for preferences are not read. */
const ownDecoder = (write: Family['write']): Family => ({ write, tasks: HEADS });
const megatron: Family['write'] = (model, _, view) => megatronGpt(model, view);
const languageModel = (write: Family['write']): Family => ({ write, tasks: ['causal-lm'] });
const encoder = (write: Family['write']): Family => ({
  write,
  tasks: ['sequence-classification', 'token-classification', 'question-answering', 'masked-lm'],
});
const encoderDecoder = (write: Family['write']): Family => ({ write, tasks: ['seq2seq'] });
const diffusion = (write: Family['write']): Family => ({ write, tasks: ['diffusion'] });
const image = (write: Family['write']): Family => ({ write, tasks: ['image-classification'] });

/** Denoisers of diffusers whose forward pass was recorded, by their class. */
const RECORDED_DENOISERS = [
  'FluxTransformer2DModel',
  'SD3Transformer2DModel',
  'PixArtTransformer2DModel',
  'DiTTransformer2DModel',
  'HunyuanVideoTransformer3DModel',
  'WanTransformer3DModel',
  'SanaTransformer2DModel',
  'AuraFlowTransformer2DModel',
  'QwenImageTransformer2DModel',
  'MochiTransformer3DModel',
  'ChromaTransformer2DModel',
  'CogView4Transformer2DModel',
  'Ideogram4Transformer2DModel',
] as const;

/** Text encoders and VAEs that diffusion models are trained on the outputs of. */
const RECORDED_ENCODERS = [
  'AutoencoderKL',
  'AutoencoderKLFlux2',
  'AutoencoderDC',
  'AutoencoderKLLTXVideo',
  'AutoencoderKLHunyuanVideo',
  'CLIPTextModel',
  'CLIPTextModelWithProjection',
  'T5EncoderModel',
  'UMT5EncoderModel',
  'LlamaModel',
  'Gemma2Model',
  'Qwen2Model',
  'Qwen3Model',
  'MistralModel',
  'GlmModel',
] as const;

const encodes: Family = { write: recordedEncoder, tasks: ['encoding'] };

/**
 * Model types (Hugging Face's `model_type`, diffusers' `_class_name`, or the library of image models) and the family that
 * writes them.
 */
const FAMILIES: Readonly<Record<string, Family>> = {
  gpt2: decoder(gpt2),
  gpt_neox: decoder(gptNeox),
  gpt_neo: decoder(gptNeo),
  gptj: decoder(gptJ),
  codegen: decoder(gptJ),
  bert: encoder(bert),
  roberta: encoder(bert),
  'xlm-roberta': encoder(bert),
  camembert: encoder(bert),
  electra: encoder(bert),
  'megatron-bert': encoder(bert),
  albert: encoder(albert),
  'deberta-v2': encoder(deberta),
  deberta: encoder(deberta),
  modernbert: encoder(modernBert),
  llama: decoder(llama),
  mistral: decoder(llama),
  qwen2: decoder(llama),
  qwen3: decoder(llama),
  mixtral: decoder(llama),
  gemma: decoder(llama),
  gemma2: decoder(llama),
  granite: decoder(llama),
  granitemoe: decoder(llama),
  granitemoeshared: decoder(llama),
  qwen3_moe: decoder(llama),
  opt: decoder(opt),
  gpt_bigcode: decoder(gptBigCode),
  phi: decoder(phi),
  phi3: decoder(phi3),
  distilbert: encoder(distilBert),
  falcon: decoder(falcon),
  mpt: decoder(mpt),
  stablelm: decoder(stableLm),
  starcoder2: decoder(starCoder2),
  gemma3_text: decoder(llama),
  gemma3: { write: gemma3, tasks: ['causal-lm'] },
  ministral: decoder(llama),
  olmo: decoder(llama),
  olmo2: decoder(llama),
  olmo3: decoder(llama),
  cohere: decoder(llama),
  cohere2: decoder(llama),
  glm: decoder(llama),
  glm4: decoder(llama),
  smollm3: decoder(llama),
  ernie4_5: decoder(llama),
  exaone4: decoder(llama),
  seed_oss: decoder(llama),
  arcee: decoder(llama),
  helium: decoder(llama),
  hunyuan_v1_dense: decoder(llama),
  nemotron: decoder(llama),
  deepseek_v2: decoder(llama),
  deepseek_v3: decoder(llama),
  kimi_k2: decoder(llama),
  glm4_moe: decoder(llama),
  dots1: decoder(llama),
  gpt_oss: decoder(llama),
  phimoe: decoder(llama),
  llama4: decoder((model, task) => llama(languageModelOf(model), task)),
  llama4_text: decoder(llama),
  qwen2_moe: decoder(llama),
  olmoe: decoder(llama),
  xlnet: { write: xlnet, tasks: ['sequence-classification', 'token-classification', 'question-answering'] },
  bloom: decoder(bloom),
  t5: encoderDecoder(t5),
  mt5: encoderDecoder(t5),
  bart: encoderDecoder(bart),
  mbart: encoderDecoder(bart),
  pegasus: encoderDecoder(bart),
  marian: encoderDecoder(bart),
  m2m_100: encoderDecoder(bart),
  blenderbot: encoderDecoder(bart),
  'blenderbot-small': encoderDecoder(bart),
  vit: image(vit),
  rnn: { write: recurrentModel, tasks: ['causal-lm', 'sequence-classification'] },
  whisper: { write: whisper, tasks: ['speech'] },
  wav2vec2: { write: soundEncoder, tasks: ['speech'] },
  hubert: { write: soundEncoder, tasks: ['speech'] },
  unet: { write: unet, tasks: ['segmentation'] },
  UNet2DConditionModel: diffusion(unetCondition),
  CogVideoXTransformer3DModel: diffusion(cogVideoX),
  Flux2Transformer2DModel: diffusion(flux2),
  Krea2Transformer2DModel: diffusion(krea2),
  LTXVideoTransformer3DModel: diffusion(ltxVideo),
  ...Object.fromEntries(RECORDED_DENOISERS.map((type) => [type, diffusion(recordedDenoiser)])),
  ...Object.fromEntries(RECORDED_ENCODERS.map((type) => [type, encodes])),
  torchvision: { write: torchvision, tasks: ['image-classification', 'segmentation', 'detection'] },
  timm: image(timm),
  mmseg: { write: openMmlab, tasks: ['segmentation'] },
  mmdet: { write: openMmlab, tasks: ['detection', 'segmentation'] },
  mmyolo: { write: openMmlab, tasks: ['detection', 'segmentation'] },
  detectron2: { write: openMmlab, tasks: ['detection', 'segmentation'] },
  yolov5: { write: openMmlab, tasks: ['detection'] },
  ultralytics: { write: openMmlab, tasks: ['detection', 'segmentation', 'image-classification'] },
  mmaction: { write: openMmlab, tasks: ['image-classification', 'detection'] },
};

/**
 * Llama's kind with dense layers: PyTorch's plans of tensor parallelism, which torchtitan writes down, split them alike.
 * What they do between split layers beside Llama's two norms is left out.
 */
const TITAN_TYPES = [
  'llama',
  'mistral',
  'ministral',
  'qwen2',
  'qwen3',
  'granite',
  'smollm3',
  'seed_oss',
  'gemma',
  'gemma2',
  'gemma3_text',
  'olmo2',
  'exaone4',
];

/** Other libraries' code for the same models, by model type; what they do not have runs as transformers writes it. */
const OTHER_CODE: Readonly<Record<Exclude<ModelCode, 'transformers'>, Readonly<Record<string, Family>>>> = {
  torchtitan: Object.fromEntries(TITAN_TYPES.map((type) => [type, languageModel(titan)])),
  megatron: Object.fromEntries(MEGATRON_TYPES.map((type) => [type, languageModel(megatron)])),
  litgpt: Object.fromEntries(
    Object.entries(LITGPT_CONFIGS).map(([type, read]) => [
      type,
      ownDecoder((model, _, view) => litGpt(read, model, view)),
    ]),
  ),
  plain: { gpt2: languageModel(plainGpt) },
  torchtune: {
    llama: ownDecoder(torchtuneDecoder),
    mistral: ownDecoder(torchtuneDecoder),
    qwen2: ownDecoder(torchtuneDecoder),
    qwen3: ownDecoder(torchtuneDecoder),
  },
};

/** Model types that can be run, in the table's order. */
export const MODEL_TYPES: readonly string[] = Object.keys(FAMILIES);

/**
 * The architecture of a resolved model for a task: as the training program writes it, where that has model code of its
 * own, and as the model's library does elsewhere.
 *
 * Throws UnsupportedModel where the model type is not one of the table, the task is not one of the family's, or the
 * configuration lacks a dimension.
 */
export function architectureOf(model: ResolvedModel, task: Task, view: RankView = WHOLE_MODEL): Architecture {
  const family = familyOf(model, view);
  if (family === undefined) throw new UnsupportedModel(model.name, whatIsMissing(model));
  if (family.tasks.includes(task)) return family.write(model, task, view);
  throw new UnsupportedModel(model.name, `its training for ${task} is not covered, only ${family.tasks.join(' and ')}`);
}

function familyOf({ name, modelType }: ResolvedModel, { code, ...view }: RankView): Family | undefined {
  const other = code === 'transformers' ? undefined : OTHER_CODE[code];
  if (other !== undefined && Object.hasOwn(other, modelType)) return other[modelType];
  const isSplit = view.tensor > 1 || view.context > 1 || view.expert > 1 || view.stage !== null;
  if (isSplit) throw new UnsupportedModel(name, `splitting model type "${modelType}" among ranks is not covered`);
  return Object.hasOwn(FAMILIES, modelType) ? FAMILIES[modelType] : undefined;
}
