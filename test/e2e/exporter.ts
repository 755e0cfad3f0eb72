import { gpuLines, startExporter, text } from '../integration/exporter.js';
import type { TestExporter } from '../integration/exporter.js';

/** GPUs of one node as its dcgm-exporter sees them. */
export interface ExportedGpus {
  node: string;
  model: string;
  count: number;
  /** FB_FREE + FB_USED, in MiB. */
  capacityMib: number;
}

/** An exporter that prints whatever GPUs are in the list at the time. */
export function exporterOf(gpus: readonly ExportedGpus[]): Promise<TestExporter> {
  return startExporter((request, response) => text(gpus.map(linesOf).join(''))(request, response));
}

function linesOf({ count, capacityMib, ...gpu }: ExportedGpus): string {
  return Array.from({ length: count }, (_, index) => gpuLines({ ...gpu, index, free: capacityMib, used: 0 })).join('');
}
