import type { GpuCatalog } from '../../src/inventory/gpu-catalog.js';
import { readScrape } from '../../src/inventory/metric-readers.js';
import { loadFacts } from '../../src/advisor/facts.js';
import type { Benchmark, Finding } from './benchmark.js';
import { finding, shown } from './benchmark.js';
import { inTurn, integerLoop, LOOP_STEPS } from './measure.js';

const NODES = 100;
const GPUS = 8;
const MEGABYTE = 1e6;
/** As many series of each device as dcgm-exporter shows by default; two of them are read. */
const METRICS: readonly string[] = [
  'DCGM_FI_DEV_SM_CLOCK',
  'DCGM_FI_DEV_MEM_CLOCK',
  'DCGM_FI_DEV_MEMORY_TEMP',
  'DCGM_FI_DEV_GPU_TEMP',
  'DCGM_FI_DEV_POWER_USAGE',
  'DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION',
  'DCGM_FI_DEV_PCIE_REPLAY_COUNTER',
  'DCGM_FI_DEV_GPU_UTIL',
  'DCGM_FI_DEV_MEM_COPY_UTIL',
  'DCGM_FI_DEV_ENC_UTIL',
  'DCGM_FI_DEV_DEC_UTIL',
  'DCGM_FI_DEV_XID_ERRORS',
  'DCGM_FI_DEV_FB_FREE',
  'DCGM_FI_DEV_FB_USED',
  'DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL',
];

/** Exposition text of exporters to devices. */
export const inventory: Benchmark = {
  name: 'inventory',
  about: 'exposition text to devices',
  run(): readonly Finding[] {
    const { gpus } = loadFacts();
    const texts = Array.from({ length: NODES }, (_, node) => exposition(`gpu-node-${node}`));
    const bytes = texts.reduce((sum, text) => sum + text.length, 0);
    const times = inTurn(() => texts.map((text) => scrape(text, gpus)), integerLoop, { budgetMs: 1200 });
    const seconds = times.subject.median / 1000;
    return [
      finding(
        `${NODES} exporters of ${GPUS} GPUs`,
        times,
        `a loop of ${LOOP_STEPS / 1e6} million integer steps`,
        `${shown(bytes / MEGABYTE)} MB`,
        `${shown(bytes / MEGABYTE / seconds)} MB/s`,
        `${shown((NODES * GPUS) / seconds)} devices/s`,
      ),
    ];
  },
};

function scrape(text: string, gpus: GpuCatalog): number {
  const { readings } = readScrape(text, { source: 'dcgm', node: null, seenAtMs: 0, gpus });
  if (readings.length !== GPUS) throw new Error(`${readings.length} devices read instead of ${GPUS}`);
  return readings.length;
}

function exposition(node: string): string {
  const labels = Array.from({ length: GPUS }, (_, gpu) =>
    [
      `gpu="${gpu}"`,
      `UUID="GPU-${node}-${gpu}"`,
      'pci_bus_id="00000000:10:1C.0"',
      `device="nvidia${gpu}"`,
      'modelName="NVIDIA A100-SXM4-80GB"',
      `Hostname="${node}"`,
      'DCGM_FI_DRIVER_VERSION="570.133.20"',
    ].join(','),
  );
  return METRICS.flatMap((metric, position) => [
    `# HELP ${metric} as dcgm-exporter prints it.`,
    `# TYPE ${metric} gauge`,
    ...labels.map((each) => `${metric}{${each}} ${40_000 + position}`),
    '',
  ]).join('\n');
}
