import type { RunDraft } from '../run-draft.js';
import { evaluates } from './beside.js';

/** What a pipeline has beside its denoiser, by the names of catalog/diffusion.json. */
export interface PipelineParts {
  /** null: not recorded. */
  vae: string | null;
  textEncoders: readonly TextEncoder[];
}

interface TextEncoder {
  name: string;
  /** CLIP's prompts are padded to so many tokens; null: as long as the run's. */
  tokens: number | null;
}

const CLIP_TOKENS = 77;
const clip = (size: 'l' | 'h' | 'bigg'): TextEncoder => ({ name: `clip-vit-${size}-text`, tokens: CLIP_TOKENS });
const encoder = (name: string): TextEncoder => ({ name, tokens: null });
const T5 = encoder('t5-xxl-encoder');

/** Parts of pipelines as `model_index.json` of the released models names them; the first pattern that matches counts. */
const PIPELINES: readonly (readonly [RegExp, PipelineParts])[] = [
  [/flux\.?2.*klein/, { vae: 'vae-flux2', textEncoders: [encoder('qwen-3-4b-text')] }],
  [/flux\.?2/, { vae: 'vae-flux2', textEncoders: [encoder('mistral-small-24b-text')] }],
  [/flux/, { vae: 'vae-kl-16', textEncoders: [clip('l'), T5] }],
  [/chroma/, { vae: 'vae-kl-16', textEncoders: [T5] }],
  [/(stable-diffusion-|sd-?)3/, { vae: 'vae-kl-16', textEncoders: [clip('l'), clip('bigg'), T5] }],
  [/sd-?xl|stable-diffusion-xl/, { vae: 'vae-kl-4', textEncoders: [clip('l'), clip('bigg')] }],
  [/(stable-diffusion-(v)?|sd-?)2/, { vae: 'vae-kl-4', textEncoders: [clip('h')] }],
  [/stable-diffusion|sd-?1|sd-?v1/, { vae: 'vae-kl-4', textEncoders: [clip('l')] }],
  [/pixart/, { vae: 'vae-kl-4', textEncoders: [T5] }],
  [/sana/, { vae: 'vae-dc-32', textEncoders: [encoder('gemma-2-2b-text')] }],
  [/aura-?flow/, { vae: 'vae-kl-4', textEncoders: [encoder('pile-t5-xl-encoder')] }],
  [/ltx/, { vae: 'vae-ltx', textEncoders: [T5] }],
  [/hunyuan-?video/, { vae: 'vae-hunyuan-video', textEncoders: [encoder('llama-3-8b-text'), clip('l')] }],
  [/wan-?2/, { vae: null, textEncoders: [encoder('umt5-xxl-encoder')] }],
  [/cogvideox|mochi/, { vae: null, textEncoders: [T5] }],
  [/cogview-?4/, { vae: 'vae-kl-16', textEncoders: [encoder('glm-4-9b-text')] }],
  [/qwen-image/, { vae: null, textEncoders: [encoder('qwen-2.5-7b-text')] }],
];

/** The parts of the pipeline that a denoiser belongs to, by its name; null where they are not known. */
export function pipelinePartsOf(name: string): PipelineParts | null {
  const lower = name.slice(-300).toLowerCase().replace(/_/g, '-');
  return PIPELINES.find(([pattern]) => pattern.test(lower))?.[1] ?? null;
}

type Weights = 'fp32' | 'fp16' | 'bf16';

/** Which parts stay on the device through training, and the type that each is held in; null: it is away. */
export interface Residents {
  of: string;
  vae: Weights | null;
  text: Weights | null;
  /** How often parts encode: each batch, or all of them once and beforehand. */
  when?: 'apart' | 'before-placing' | 'before-training';
  note: string;
}

/**
 * Frozen parts that encode what is trained on: further runs of the same process, forward only. Parts that are not known are
 * said to be left out.
 */
export function readResidents(draft: RunDraft, residents: Residents): void {
  const { of, vae, text, when = 'apart' } = residents;
  if (vae === null && text === null) return;
  const model = draft.value('model') as { name?: string } | null | undefined;
  const parts = pipelinePartsOf(model?.name ?? '');
  if (parts === null) return draft.note('VAE and text encoders lie on the device too: which they are is not known');
  draft.role = 'denoiser';
  if (when !== 'apart')
    draft.default('sharing.emptiesCache', true, { of, note: 'torch.cuda.empty_cache once they are gone' });
  if (vae !== null) readVae(draft, parts, { ...residents, weights: vae });
  if (text !== null) readTextEncoders(draft, parts, { ...residents, weights: text });
}

type Held = Residents & { weights: Weights };

function readVae(draft: RunDraft, { vae }: PipelineParts, held: Held): void {
  if (vae === null) draft.note('the VAE lies on the device too, and is not counted');
  else encodes(draft.beside('vae'), encoderOf(vae, held));
}

function readTextEncoders(draft: RunDraft, { textEncoders }: PipelineParts, held: Held): void {
  textEncoders.forEach(({ name, tokens }, place) => {
    const other = draft.beside(place === 0 ? 'text-encoder' : `text-encoder-${place + 1}`);
    if (tokens !== null) other.default('sequenceLength', tokens, { of: 'transformers', note: 'tokens of CLIP' });
    encodes(other, encoderOf(name, held));
  });
}

const encoderOf = (name: string, { of, note, when = 'apart', weights }: Held): Encoder => ({
  name,
  weights,
  from: { of, note },
  when,
});

interface Encoder {
  name: string;
  weights: Weights;
  from: { of: string; note: string };
  when: NonNullable<Residents['when']>;
}

/** Encoders are no part of what is wrapped, sharded or run under autocast. */
function encodes(other: RunDraft, { name, weights, from, when }: Encoder): void {
  other.default('model', { name, catalogId: null, config: null }, from);
  evaluates(other, 'encoding', from);
  other.default('precision', weights, from);
  other.default('weights', null, from);
  other.default('parallelism.sharding', 'none', from);
  if (when !== 'apart') other.default('sharing.turn', when, from);
}
