import { known } from '../count.js';
import type { Field } from '../field.js';
import { readPodSet } from '../pod-template/pod-set.js';
import type { Json, KindReading, PodSet } from '../workload.js';

const MAX_DEPTH = 16;
const MAX_VISITS = 50_000;
const MAX_TEMPLATES = 100;
/** Kinds that keep pods running: they hold GPUs, but do not train. */
const SERVING =
  /^(?:DaemonSet|ReplicaSet|ReplicationController|Rollout|CloneSet|Service|\w{0,50}InferenceService|RayService)$/;

/**
 * Reads an object of a kind that is not known by the pod templates found in it: objects whose `spec` has a list of
 * containers with images. Counts are taken from `replicas` beside a template. null where there are none.
 */
export function readByShape(object: Field): KindReading | null {
  const templates = findTemplates(object);
  if (templates.length === 0) return null;
  const kind = object.get('kind').text() ?? '';
  object.log.note(
    `${kind} is a kind not known here: read by the pod templates found at ${templates
      .slice(0, 3)
      .map(({ template }) => template.path)
      .join(', ')}`,
  );
  const podSets = templates.map(readTemplate);
  return { podSets, gangSize: null, suspended: false, purpose: SERVING.test(kind) ? 'serving' : 'training' };
}

interface Found {
  template: Field;
  /** The object that holds the template, where its count may stand. */
  holder: Field | null;
}

/** Breadth first, so that the outermost templates are found; what is within one is its own business. */
function findTemplates(object: Field): Found[] {
  const found: Found[] = [];
  let level: Found[] = [{ template: object, holder: null }];
  let visits = 0;
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth += 1) {
    const next: Found[] = [];
    for (const place of level) {
      visits += 1;
      if (visits > MAX_VISITS || found.length >= MAX_TEMPLATES) return found;
      if (isTemplate(place.template.value)) found.push(place);
      else next.push(...children(place));
    }
    level = next;
  }
  return found;
}

function children({ template, holder }: Found): Found[] {
  const { value } = template;
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return template.items().map((item) => ({ template: item, holder }));
  return template.entries().map(([, member]) => ({ template: member, holder: template }));
}

function isTemplate(value: Json | undefined): boolean {
  const spec = memberOf(value, 'spec');
  const containers = memberOf(spec, 'containers');
  if (!Array.isArray(containers) || containers.length === 0) return false;
  return containers.every((container) => typeof memberOf(container, 'image') === 'string');
}

function memberOf(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

function readTemplate({ template, holder }: Found, index: number, all: readonly Found[]): PodSet {
  const name = all.length === 1 ? 'main' : `main-${index}`;
  const replicas = holder?.get('replicas');
  const counted = typeof replicas?.value === 'number' || typeof replicas?.value === 'string';
  return readPodSet(template, { name, role: 'main', replicas: counted ? replicas.count(1) : known(1) });
}
