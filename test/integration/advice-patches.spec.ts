import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Advisor } from '../../src/advisor/advisor.js';
import { createAdvisor } from '../../src/advisor/advisor.js';
import { loadFacts } from '../../src/advisor/facts.js';
import { loadGrammars } from '../../src/advisor/load-grammars.js';
import { loadInventory } from '../../src/cli/input/inventory.js';
import { loadManifests } from '../../src/cli/input/manifests.js';
import type { Advice, Assessment, Patch } from '../../src/fit/assessment.js';
import { shown } from '../../src/fit/advice/phrase.js';
import type { InventorySnapshot } from '../../src/inventory/inventory.js';
import { RUN_FIELDS, settingAt } from '../../src/run/fields.js';
import type { RunField } from '../../src/run/training-run.js';
import { parsePath } from '../../src/workload/json-path.js';
import type { Json, JsonObject } from '../../src/workload/workload.js';

/** A proposal that carries patches is what it says: the patched manifest is read as the promised run, with the promised verdict. */
const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');
const FILES = readdirSync(join(EXAMPLES, 'manifests')).filter((name) => name.endsWith('.yaml'));

/** Applies patches from the last place in each string to the first, so that spans stay true. */
function patched(manifest: JsonObject, patches: readonly Patch[]): JsonObject {
  const copy = structuredClone(manifest);
  const ordered = [...patches].sort((a, b) => (b.span?.start ?? 0) - (a.span?.start ?? 0));
  for (const patch of ordered) apply(copy, patch);
  return copy;
}

function apply(root: JsonObject, { path, span, from, to }: Patch): void {
  const steps = (parsePath(path) ?? []) as (string | number)[];
  let holder: unknown = root;
  for (const step of steps.slice(0, -1)) holder = (holder as Record<string | number, unknown>)[step];
  const last = steps.at(-1) as string | number;
  const before = (holder as Record<string | number, Json>)[last];
  const text = typeof before === 'string' ? before : JSON.stringify(before);
  const { start, end } = span ?? { start: 0, end: text.length };
  expect(text.slice(start, end)).toBe(from);
  const after = text.slice(0, start) + to + text.slice(end);
  (holder as Record<string | number, Json>)[last] = typeof before === 'number' ? Number(after) : after;
}

const isPatchable = ({ changes }: Advice): boolean =>
  changes.length > 0 &&
  changes.every(({ patches }) => patches.length > 0 && patches.every(({ document }) => document === 'manifest'));

const isRunField = (name: string): boolean => (RUN_FIELDS as readonly string[]).includes(name);

describe('advice that carries patches', () => {
  let advisor: Advisor;
  let inventory: InventorySnapshot;

  beforeAll(async () => {
    const facts = loadFacts();
    advisor = createAdvisor({ facts, grammars: await loadGrammars() });
    inventory = loadInventory(join(EXAMPLES, 'cluster'), { gpus: facts.gpus, nowMs: 0 });
  }, 60_000);

  const assessed = (file: string): { manifest: JsonObject; assess: (manifest: JsonObject) => Assessment | null }[] => {
    const set = loadManifests([join(EXAMPLES, 'manifests', file)]);
    return set.manifests.map(({ manifest }) => ({
      manifest,
      assess: (changed) => advisor.assess({ manifest: changed, files: set.filesFor(manifest), inventory, nowMs: 0 }),
    }));
  };

  /** Applies one piece of advice and checks that it was kept. */
  function verify(advice: Advice, after: Assessment | null): void {
    const promised = { advice: advice.summary, verdict: advice.verdict };
    expect({ advice: advice.summary, verdict: after?.verdict }).toEqual(promised);
    const settings = after?.runs.find((run) => run.settings !== null)?.settings ?? null;
    for (const { field, to } of advice.changes.filter(({ field: name }) => isRunField(name)))
      expect(settings === null ? null : shown(settingAt(settings, field as RunField).value)).toBe(to);
  }

  it.each(FILES)(
    '%s: a patched manifest gives the promised settings and verdict',
    (file) => {
      for (const { manifest, assess } of assessed(file)) {
        const advice = (assess(manifest)?.advice ?? []).filter(isPatchable);
        for (const each of advice)
          verify(
            each,
            assess(
              patched(
                manifest,
                each.changes.flatMap(({ patches }) => patches),
              ),
            ),
          );
        expect(advice.every(isPatchable)).toBe(true);
      }
    },
    120_000,
  );

  it('is there: some example is answered with patches alone', () => {
    const advice = FILES.flatMap((file) => assessed(file)).flatMap(
      ({ manifest, assess }) => assess(manifest)?.advice ?? [],
    );
    expect(advice.filter(isPatchable).length).toBeGreaterThan(0);
  }, 300_000);
});
