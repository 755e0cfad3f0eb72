import { describe, expect, it } from '@jest/globals';
import { bfloat16, float32 } from '../../model/dtype.js';
import { architectureOf } from '../../model/architecture.js';
import { WHOLE_MODEL } from '../../model/rank-view.js';
import type { RunValues } from '../../run/training-run.js';
import { Engine } from '../autograd/engine.js';
import { operation } from '../autograd/operation-names.js';
import type { MemoryEvents } from '../events.js';
import { simulate } from '../simulate.js';
import { tinyRun } from '../tiny-run.spec-data.js';
import { assignBuckets } from './distributed-data-parallel.js';

const MIB = 2 ** 20;

const tiny = architectureOf(
  {
    name: 'tiny',
    modelType: 'llama',
    config: {
      hidden_size: 256,
      intermediate_size: 512,
      num_hidden_layers: 4,
      num_attention_heads: 4,
      vocab_size: 1000,
    },
  },
  'causal-lm',
);

type Parallelism = Partial<ReturnType<typeof tinyRun>['parallelism']>;

function run(parallelism: Parallelism, rest: Partial<ReturnType<typeof tinyRun>> = {}): MemoryEvents {
  const values = tinyRun(rest);
  const spread = { ...values, parallelism: { ...values.parallelism, ...parallelism } };
  return simulate(spread, tiny, { iterations: 2, gradientAddition: 'in-place', computeCapability: 9 });
}

/** Bytes alive at the end, by category. */
function atEnd({ events, sizes, categories }: MemoryEvents): Record<string, number> {
  const totals: Record<string, number> = {};
  for (const event of events) {
    const block = event >= 0 ? event : -event - 1;
    const category = categories[block]!;
    totals[category] = (totals[category] ?? 0) + (event >= 0 ? 1 : -1) * sizes[block]!;
  }
  return totals;
}

const parameters = tiny.parameterCount;

describe('replication', () => {
  it('assigns gradients to buckets from the last parameter, the first bucket being small', () => {
    const engine = new Engine('in-place');
    const make = (mib: number, dtype = float32) => engine.empty([(mib * MIB) / dtype.bytes], dtype, operation('make'));
    const parameters = [make(20), make(10), make(3, bfloat16), make(20), make(1)];
    const buckets = assignBuckets(parameters).map(({ bytes }) => bytes / MIB);
    expect(buckets).toEqual([1, 30, 3, 20]);
  });

  it('keeps buckets beside the gradients, or the gradients in the buckets', () => {
    const beside = atEnd(run({ sharding: 'ddp', data: 2 }));
    expect(beside['communication']).toBe(4 * parameters);
    expect(beside['gradients']).toBe(4 * parameters);
    const inside = atEnd(run({ sharding: 'ddp', data: 2, gradientAsBucketView: true }));
    expect(inside['communication'] ?? 0).toBe(0);
    expect(inside['gradients']).toBe(4 * parameters);
  });
});

describe('sharding', () => {
  it.each([2, 1] as const)('FSDP %i leaves each rank its share of parameters, gradients and states', (fsdpVersion) => {
    const left = atEnd(run({ sharding: 'fsdp-full', shardSize: 4, fsdpVersion }));
    const share = (4 * parameters) / 4;
    expect(left['parameters']).toBe(share);
    expect(left['gradients']).toBe(share);
    expect(left['optimizer-state']).toBe(2 * share);
    expect(left['communication'] ?? 0).toBe(0);
  });

  describe('torchtitan', () => {
    const sizes = {
      hidden_size: 256,
      intermediate_size: 512,
      num_hidden_layers: 4,
      num_attention_heads: 4,
      vocab_size: 1000,
    };
    const view = { ...WHOLE_MODEL, code: 'torchtitan' } as const;
    const titan = architectureOf({ name: 'tiny', modelType: 'llama', config: sizes }, 'causal-lm', view);
    const gathered = (torchtitan: string): number[] => {
      const values = tinyRun({ program: { id: null, name: 'torchtitan', version: null } });
      const framework = { ...values.framework, packages: { torchtitan } };
      const parallelism = { ...values.parallelism, sharding: 'fsdp-full', shardSize: 4, fsdpVersion: 2 } as const;
      const options = { iterations: 2, gradientAddition: 'in-place', computeCapability: 9 } as const;
      const ran = simulate({ ...values, framework, parallelism }, titan, options);
      expect(atEnd(ran)['parameters']).toBe((4 * titan.parameterCount) / 4);
      const name = ran.operationNames.indexOf('fsdp.all_gather');
      return ran.sizes.filter((bytes, block) => ran.operations[block] === name && bytes >= 4 * 256 * 1000);
    };
    const table = 4 * 256 * 1000;
    const head = table + 4 * 256;
    const block = 4 * (4 * 256 * 256 + 3 * 256 * 512 + 2 * 256);

    it('gathers embedding, last norm and head together up to 0.1, once an iteration', () => {
      const large = gathered('0.1.0').filter((bytes) => bytes !== block);
      expect(large).toEqual([table + head, table + head]);
    });

    it('gathers embedding, and norm with head, by themselves since 0.2: the table again for backward', () => {
      const large = gathered('0.2.0').filter((bytes) => bytes !== block);
      expect(large).toEqual([table, head, table, table, head, table]);
    });

    it('keeps what is computed last gathered between forward and backward', () => {
      const blocks = (version: string): number => gathered(version).filter((bytes) => bytes === block).length;
      expect(blocks('0.1.0')).toBe(2 * (4 + 3));
      expect(blocks('0.2.0')).toBe(2 * (4 + 4));
    });
  });

  it('ZeRO keeps whole 16-bit parameters and, by stage, less of the rest', () => {
    const [one, two, three] = (['zero1', 'zero2', 'zero3'] as const).map((sharding) =>
      atEnd(run({ sharding, shardSize: 4 }, { precision: 'bf16' })),
    ) as [Record<string, number>, Record<string, number>, Record<string, number>];
    expect(one['parameters']).toBe(2 * parameters);
    expect(one['gradients']).toBe(2 * parameters);
    expect(two['gradients'] ?? 0).toBe(0);
    expect(three['parameters']).toBe((2 * parameters) / 4);
    for (const stage of [one, two, three]) expect(stage['optimizer-state']).toBe((12 * parameters) / 4);
  });

  it('DeepSpeed makes its reduce bucket whole however small the model: one by itself, two smaller ones under Lightning', () => {
    const bucketsOf = (sharding: 'zero1' | 'zero2' | 'zero3', program: string): number[] => {
      const rest = { precision: 'bf16', program: { id: null, name: program, version: null } } as const;
      const ran = run({ sharding, shardSize: 4 }, rest);
      const name = ran.operationNames.indexOf('zero.reduce_bucket');
      return ran.sizes.filter((_, block) => ran.operations[block] === name);
    };
    expect(bucketsOf('zero1', 'deepspeed')).toEqual([]);
    expect(bucketsOf('zero2', 'deepspeed')).toEqual([1e9, 1e9]);
    expect(bucketsOf('zero3', 'deepspeed')).toEqual([1e9]);
    expect(bucketsOf('zero2', 'lightning')).toEqual([4e8, 4e8, 4e8, 4e8]);
  });

  it.each([2, 1] as const)('FSDP %i in the host memory leaves nothing on the device but the loss', (fsdpVersion) => {
    const offload = { parameters: true, optimizer: true, activations: false };
    const ran = run({ sharding: 'fsdp-full', shardSize: 4, fsdpVersion }, { offload });
    const left = atEnd(ran);
    for (const category of ['parameters', 'gradients', 'optimizer-state', 'communication'])
      expect(left[category] ?? 0).toBe(0);
    const copied = ran.operationNames.indexOf('fsdp.copy_to_device');
    if (fsdpVersion === 2) expect(ran.operations.includes(copied)).toBe(true);
  });

  it('ZeRO with its optimizer in the host memory keeps 16-bit parameters, and by stage their gradients', () => {
    const offload = { parameters: false, optimizer: true, activations: false };
    const [one, three] = (['zero1', 'zero3'] as const).map((sharding) =>
      atEnd(run({ sharding, shardSize: 4 }, { precision: 'bf16', offload })),
    ) as [Record<string, number>, Record<string, number>];
    expect([one['parameters'], one['gradients']]).toEqual([2 * parameters, 2 * parameters]);
    expect(three['parameters']).toBe((2 * parameters) / 4);
    for (const stage of [one, three]) expect(stage['optimizer-state'] ?? 0).toBe(0);
  });

  it('an optimizer in the host memory has neither states nor temporaries on the device', () => {
    const offload = { parameters: false, optimizer: true, activations: false };
    const ran = run({ sharding: 'none' }, { offload });
    expect(atEnd(ran)['optimizer-state'] ?? 0).toBe(0);
    const step = ran.phases.findIndex(({ name }) => name === 'step');
    expect(ran.phases[step + 1]!.firstEvent).toBe(ran.phases[step]!.firstEvent);
  });

  it('composes with checkpointing and accumulation', () => {
    const together = { activationCheckpointing: 'full', gradientAccumulationSteps: 3 } as const;
    const left = atEnd(run({ sharding: 'fsdp-full', shardSize: 4 }, together));
    expect(left['gradients']).toBe(parameters);
    const loss = 4;
    expect(left['activations']).toBe(loss);
  });

  describe('wrapping a model under FSDP 1', () => {
    const wrapped = (program: string): { name: string; bytes: number }[] => {
      const ran = run(
        { sharding: 'fsdp-full', shardSize: 4, fsdpVersion: 1 },
        { program: { id: null, name: program, version: null } },
      );
      const end = ran.phases.find(({ name }) => name === 'input')!.firstEvent;
      const made = [...ran.events.slice(0, end)].filter((event) => event >= 0);
      return made.map((block) => ({ name: ran.operationNames[ran.operations[block]!]!, bytes: ran.sizes[block]! }));
    };
    const bytesOf = (made: { name: string; bytes: number }[], wanted: string): number =>
      made.filter(({ name }) => name === wanted).reduce((sum, { bytes }) => sum + bytes, 0);

    it('copies each unit into a flat tensor, of which the rank keeps its slice', () => {
      const made = wrapped('a script');
      expect(bytesOf(made, 'fsdp.flatten_parameters')).toBe(4 * parameters);
      expect(bytesOf(made, 'model.to')).toBeGreaterThanOrEqual(4 * parameters + (4 * parameters) / 4);
      expect(bytesOf(made, 'fsdp.broadcast_coalesced')).toBe(0);
    });

    it('broadcasts what one rank has read, in buckets', () => {
      expect(bytesOf(wrapped('accelerate'), 'fsdp.broadcast_coalesced')).toBe(4 * parameters);
    });
  });

  describe('adapters over frozen weights under FSDP 1', () => {
    const peft: RunValues['peft'] = { ...tinyRun().peft, method: 'lora', rank: 4, targetModules: ['q_proj'] };
    const adapted: Partial<RunValues> = { precision: 'amp-bf16', peft };
    const sharded = { sharding: 'fsdp-full', shardSize: 4, fsdpVersion: 1 } as const;
    const frozen = parameters;

    it('keep frozen shards in the type of the weights, and their own in fp32', () => {
      const inFp32 = atEnd(run(sharded, adapted))['parameters']!;
      const in16Bit = atEnd(run(sharded, { ...adapted, weights: 'bf16' }))['parameters']!;
      expect(inFp32 - in16Bit).toBe((2 * frozen) / 4);
    });

    it('hold the gradients of all inputs of blocks until the end, where checkpointing is reentrant', () => {
      const checkpointed = { ...adapted, activationCheckpointing: 'full', sequenceLength: 512 } as const;
      const peak = (packages: Record<string, string>): number => {
        const ran = run(sharded, { ...checkpointed, framework: { name: 'transformers', packages } });
        const start = ran.phases.findLast(({ name }) => name === 'backward')!.firstEvent;
        return gradientsHeldAfter(ran, start);
      };
      const [tokens, hidden] = [2 * 512, 256];
      const held = peak({ transformers: '4.45' }) - peak({ transformers: '5.0' });
      expect(held).toBeGreaterThan(tokens * hidden * 2);
    });
  });
});

/** Most bytes alive at once after an event, less what was alive then. */
function gradientsHeldAfter({ events, sizes }: MemoryEvents, start: number): number {
  let [live, most, before] = [0, 0, 0];
  events.forEach((event, index) => {
    if (index === start) before = live;
    live += event >= 0 ? sizes[event]! : -sizes[-event - 1]!;
    if (index >= start) most = Math.max(most, live);
  });
  return most - before;
}
