import type { PeftMethod } from '../../run/training-run.js';
import { adaLora } from './adalora.js';
import type { AdapterMethod } from './adapter-method.js';
import { boft } from './boft.js';
import { c3a } from './c3a.js';
import { deLora } from './delora.js';
import { dora } from './dora.js';
import { fourierFt, waveFt } from './fourierft.js';
import { gLora } from './glora.js';
import { graLora } from './gralora.js';
import { householder } from './householder.js';
import { ia3 } from './ia3.js';
import { loHa } from './loha.js';
import { loKr } from './lokr.js';
import { miss } from './miss.js';
import { oft } from './oft.js';
import { psoft } from './psoft.js';
import { randLora } from './randlora.js';
import { road } from './road.js';
import { shira } from './shira.js';
import { vbLora } from './vblora.js';
import { pVera, vera } from './vera.js';

/** Methods of peft that put something beside linear layers, by their names there, but for LoRA. */
export const ADAPTER_METHODS: Partial<Record<PeftMethod, AdapterMethod>> = {
  dora,
  ia3,
  adalora: adaLora,
  loha: loHa,
  lokr: loKr,
  delora: deLora,
  oft,
  boft,
  hra: householder,
  vera,
  pvera: pVera,
  randlora: randLora,
  vblora: vbLora,
  fourierft: fourierFt,
  waveft: waveFt,
  c3a,
  miss,
  road,
  shira,
  gralora: graLora,
  glora: gLora,
  psoft,
};

/**
 * Methods that stop at layers whose weight is stored as [in, out], as GPT-2's: they know `torch.nn.Linear` alone, not
 * transformers' `Conv1D` (`_create_new_module` in peft/tuners/<method>/model.py, 0.21.2).
 */
export const LINEAR_ONLY: ReadonlySet<PeftMethod> = new Set<PeftMethod>([
  'boft',
  'c3a',
  'delora',
  'glora',
  'hra',
  'loha',
  'lokr',
  'miss',
  'oft',
  'psoft',
  'road',
  'shira',
]);
