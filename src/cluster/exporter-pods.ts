import { isIPv6 } from 'node:net';
import { z } from 'zod';
import type { ExporterTarget } from '../ingest/sources.js';
import type { JsonObject } from '../workload/workload.js';

type Labels = Readonly<Record<string, string>>;

/** Where dcgm-exporter listens unless it is told otherwise. */
const DEFAULT_PORT = 9400;

const podSchema = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }),
  spec: z.object({
    nodeName: z.string(),
    containers: z.array(
      z.object({ ports: z.array(z.object({ name: z.string().optional(), containerPort: z.int() })).default([]) }),
    ),
  }),
  status: z.object({ phase: z.literal('Running'), podIP: z.string() }),
});

/** Label selectors as written in a setting: `a=b,c=d;e=f` means (a=b and c=d) or e=f. */
export function parseSelectors(text: string): readonly Labels[] {
  return text
    .split(';')
    .map((selector) => selector.split(',').map((term) => term.split('=').map((part) => part.trim())))
    .map(
      (terms) =>
        Object.fromEntries(terms.filter(([key]) => key !== '').map(([key, value]) => [key, value ?? ''])) as Labels,
    )
    .filter((labels) => Object.keys(labels).length > 0);
}

/** The endpoint of a pod that one of the selectors matches and that runs; null for any other. */
export function exporterTarget(pod: JsonObject, selectors: readonly Labels[]): ExporterTarget | null {
  const { success, data } = podSchema.safeParse(pod);
  if (!success || !selectors.some((selector) => matches(data.metadata.labels, selector))) return null;
  const ports = data.spec.containers.flatMap((container) => container.ports);
  const port = (ports.find(({ name }) => name === 'metrics') ?? ports[0])?.containerPort ?? DEFAULT_PORT;
  const { podIP } = data.status;
  return { url: `http://${isIPv6(podIP) ? `[${podIP}]` : podIP}:${port}/metrics`, node: data.spec.nodeName };
}

function matches(labels: Labels, selector: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
