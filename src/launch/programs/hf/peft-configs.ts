import type { PeftMethod } from '../../../run/training-run.js';

/** Classes of peft that configure an adapter, and the method of each (peft/tuners). */
export const PEFT_CONFIGS: Readonly<Record<string, PeftMethod>> = {
  IA3Config: 'ia3',
  AdaLoraConfig: 'adalora',
  LoHaConfig: 'loha',
  LoKrConfig: 'lokr',
  DeloraConfig: 'delora',
  OFTConfig: 'oft',
  BOFTConfig: 'boft',
  HRAConfig: 'hra',
  VeraConfig: 'vera',
  PveraConfig: 'pvera',
  RandLoraConfig: 'randlora',
  VBLoRAConfig: 'vblora',
  FourierFTConfig: 'fourierft',
  WaveFTConfig: 'waveft',
  C3AConfig: 'c3a',
  MissConfig: 'miss',
  BoneConfig: 'miss',
  RoadConfig: 'road',
  ShiraConfig: 'shira',
  GraloraConfig: 'gralora',
  GloraConfig: 'glora',
  PsoftConfig: 'psoft',
  LNTuningConfig: 'ln-tuning',
  TrainableTokensConfig: 'trainable-tokens',
  PromptTuningConfig: 'prompt',
  PromptEncoderConfig: 'p-tuning',
  PrefixTuningConfig: 'prefix',
};

/** The keyword that says a method's rank, block size or number of virtual tokens. */
export const PEFT_SIZES: Partial<Record<PeftMethod, string>> = {
  adalora: 'init_r',
  oft: 'oft_block_size',
  c3a: 'block_size',
  prompt: 'num_virtual_tokens',
  'p-tuning': 'num_virtual_tokens',
  prefix: 'num_virtual_tokens',
};
