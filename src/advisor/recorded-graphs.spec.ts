import { readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { MemoryEvents } from '../memory/events.js';
import { simulate } from '../memory/simulate.js';
import { tinyRun } from '../memory/tiny-run.spec-data.js';
import { architectureOf } from '../model/architecture.js';
import type { ModelRow } from '../model/catalog.js';
import { resolvedModelOf } from '../model/catalog.js';
import type { Architecture } from '../model/definition.js';
import { TORCHVISION_CLASSIFIERS } from '../model/families/torchvision.js';
import { recordedClassifier } from '../model/recorded/recorded-architecture.js';
import type { RunValues } from '../run/training-run.js';
import { loadFacts } from './facts.js';

const facts = loadFacts();
const rowOf = (library: string, id: string): ModelRow =>
  facts.models.rows.find((row) => row.modelType === library && row.id === id)!;

function eventsOf(architecture: Architecture, image: [number, number], changes: Partial<RunValues>): MemoryEvents {
  const run = tinyRun({ task: 'image-classification', imageSize: image, sequenceLength: null, ...changes });
  return simulate(run, architecture, {
    iterations: 2,
    gradientAddition: 'out-of-place',
    computeCapability: 9,
    // A recorded graph has no layers that could be taken for equal
    runsEveryLayer: true,
  });
}

describe('a recorded graph', () => {
  const CASES: [string, [number, number]][] = [
    ['resnet50', [192, 160]],
    ['mobilenet_v2', [160, 256]],
    ['efficientnet_b0', [192, 192]],
    ['convnext_tiny', [256, 224]],
    ['vgg16', [224, 192]],
    ['googlenet', [256, 256]],
    ['vit_b_16', [224, 224]],
  ];
  describe.each(CASES)('of %s at a size and batch that it was not recorded at', (id, image) => {
    const graph = rowOf('torchvision', id).graph!()!;

    it.each(['fp32', 'amp-fp16', 'bf16'] as const)(
      'allocates and frees as the model written by hand in %s',
      (precision) => {
        const recorded = eventsOf(recordedClassifier(graph, { classes: 100, image }), image, { precision });
        const written = eventsOf(TORCHVISION_CLASSIFIERS[id]!(id, 100), image, { precision });
        expect(recorded.events).toEqual(written.events);
        expect(recorded.sizes).toEqual(written.sizes);
      },
    );
  });

  it('makes models of timm estimable that nobody wrote by hand', () => {
    const architecture = architectureOf(resolvedModelOf(rowOf('timm', 'cspdarknet53')), 'image-classification');
    expect(eventsOf(architecture, [256, 256], {}).events.length).toBeGreaterThan(1000);
  });

  it('says which images it is covered for', () => {
    const model = { ...resolvedModelOf(rowOf('timm', 'levit_256')), image: [192, 192] as const };
    expect(() => architectureOf(model, 'image-classification')).toThrow(
      /images of 224 pixels a side only, not for 192/,
    );
  });
});

/** Published counts are rounded to ten thousand; the others were counted on the instantiated model. */
const PUBLISHED = 10_000;

/** Old names whose published counts are those of the model at 224 pixels. */
const COUNTED_OTHERWISE: ReadonlySet<string> = new Set([
  'deit3_small_patch16_384_in21ft1k',
  'deit3_base_patch16_384_in21ft1k',
  'deit3_large_patch16_384_in21ft1k',
]);

/** Parameters at a number of classes; without any as what is left below the head, which counts classes linearly. */
function parametersOf(row: ModelRow, classes: number): number {
  const graph = row.graph!()!;
  const image = [graph.image.size, graph.image.size] as const;
  const count = (heads: number): number => recordedClassifier(graph, { classes: heads, image }).parameterCount;
  return classes === 0 ? 2 * count(1) - count(2) : count(classes);
}

describe('parameters of recorded graphs against the catalog', () => {
  const recorded = ['torchvision', 'timm'].flatMap((library) =>
    readdirSync(`catalog/graphs/${library}`).map((file) => rowOf(library, file.replace('.json.gz', ''))),
  );

  it('are equal for all but those listed', () => {
    const differing = recorded.filter((row) => {
      if (row.params === null) return false;
      const count = parametersOf(row, Number(row.config['num_classes'] ?? 1000));
      const isPublished = row.params % PUBLISHED === 0;
      return (isPublished ? Math.round(count / PUBLISHED) * PUBLISHED : count) !== row.params;
    });
    expect(new Set(differing.map(({ id }) => id))).toEqual(COUNTED_OTHERWISE);
  });
});
