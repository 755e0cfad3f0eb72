import { describe, expect, it } from '@jest/globals';
import { architectureOf } from '../../model/architecture.js';
import type { Quantization, RunValues } from '../../run/training-run.js';
import { uncovered } from '../coverage.js';
import type { MemoryEvents } from '../events.js';
import { equalLayers } from '../repetition/equal-layers.js';
import { simulate } from '../simulate.js';
import { tinyRun } from '../tiny-run.spec-data.js';
import { quantisedSizes } from './quantised-linear.js';

const config = {
  num_hidden_layers: 2,
  hidden_size: 256,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  intermediate_size: 512,
  vocab_size: 1000,
  tie_word_embeddings: false,
};
const llama = architectureOf({ name: 'tiny', modelType: 'llama', config }, 'causal-lm');
const ELEMENTS_OF_BLOCKS = 2 * (4 * 256 * 256 + 3 * 256 * 512);

const lora: RunValues['peft'] = { ...tinyRun().peft, method: 'lora', rank: 4, targetModules: ['q_proj'] };
const run = (quantization: Quantization): MemoryEvents =>
  simulate(tinyRun({ quantization, peft: lora, precision: 'bf16' }), llama, {
    iterations: 2,
    gradientAddition: 'in-place',
    computeCapability: 8,
  });

const bytesOf = ({ sizes, categories }: MemoryEvents, category: string): number =>
  sizes.reduce((sum, bytes, block) => sum + (categories[block] === category ? bytes : 0), 0);

function bytesAliveBefore({ events, sizes }: MemoryEvents, end: number): number {
  return events.subarray(0, end).reduce((live, event) => live + (event >= 0 ? sizes[event]! : -sizes[-event - 1]!), 0);
}

/** Bytes per element: half a byte and an fp32 scale for 64 of them, or an 8-bit scale with scales of its own. */
it.each([
  ['nf4', 0.5 + 4 / 64],
  ['fp4', 0.5 + 4 / 64],
  ['nf4-double', 0.5 + 1 / 64 + 4 / (64 * 256)],
  ['int8', 1 + 4 / 4096],
  ['int4', 0.5 + 2.5 / 128 + 4 / 4096],
] as const)('%s weights take %f bytes an element', (quantization, bytesPerElement) => {
  const bytes = quantisedSizes(quantization, [4096, 4096]).reduce((sum, size) => sum + size, 0);
  expect(bytes / 4096 ** 2).toBeCloseTo(bytesPerElement, 5);
});

describe('a base of quantised weights', () => {
  it('packs the layers, and leaves embedding and head as they are', () => {
    const saved = bytesOf(run('none'), 'parameters') - bytesOf(run('nf4'), 'parameters');
    expect(saved).toBe(ELEMENTS_OF_BLOCKS * (2 - 0.5625));
  });

  it('takes as much in fp4 as in nf4, which differ in what the 16 values stand for', () => {
    const [fp4, nf4] = [run('fp4'), run('nf4')];
    expect([...fp4.sizes]).toEqual([...nf4.sizes]);
    expect([...fp4.events]).toEqual([...nf4.events]);
  });

  it('makes a weight whole again in forward and in backward, and lets go of it at once', () => {
    const { operations, operationNames, events } = run('nf4');
    const dequantised = [...events].filter((e) => e >= 0 && operationNames[operations[e]!] === 'dequantize');
    const freed = new Set([...events].filter((e) => e < 0).map((e) => -e - 1));
    // 14 layers, two iterations, forward and backward; the first layer's inputs need no gradient but through q_proj.
    expect(dequantised.length).toBeGreaterThan(2 * 14);
    expect(dequantised.every((block) => freed.has(block))).toBe(true);
  });

  it('holds the inputs of layers past backward with bitsandbytes before 0.43.2, until the next loss is there', () => {
    const old = { quantization: 'nf4', peft: lora, precision: 'bf16', sequenceLength: 256 } as const;
    const heldAtStep = (bitsandbytes: string): number => {
      const framework = { name: 'pytorch', packages: { bitsandbytes } };
      const ran = simulate(tinyRun({ ...old, framework }), llama, {
        iterations: 2,
        gradientAddition: 'in-place',
        computeCapability: 8,
      });
      return bytesAliveBefore(ran, ran.phases.findLast(({ name }) => name === 'step')!.firstEvent);
    };
    const [tokens, hidden, intermediate] = [2 * 256, 256, 512];
    const ofOneBlock = 2 * tokens * (3 * hidden + intermediate);
    expect(heldAtStep('0.42.0') - heldAtStep('0.43.2')).toBeGreaterThanOrEqual(ofOneBlock);
  });

  it('are not repeated layer by layer where their inputs outlive the iteration', () => {
    const deep = architectureOf(
      { name: 'deep', modelType: 'llama', config: { ...config, num_hidden_layers: 12 } },
      'causal-lm',
    );
    const runsWith = (bitsandbytes: string): number => {
      const framework = { name: 'pytorch', packages: { bitsandbytes } };
      return equalLayers(tinyRun({ quantization: 'nf4', peft: lora, precision: 'bf16', framework }), deep).length;
    };
    expect(runsWith('0.42.0')).toBe(0);
    expect(runsWith('0.43.2')).toBe(1);
  });

  it('is refused in 8 bits where the parameters are sharded', () => {
    const values = tinyRun({ quantization: 'int8', peft: lora });
    expect(uncovered(values)).toEqual([]);
    const sharded = { ...values, parallelism: { ...values.parallelism, sharding: 'fsdp-full' as const } };
    expect(uncovered(sharded).map(({ field }) => field)).toEqual(['quantization']);
  });
});
