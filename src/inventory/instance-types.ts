/** GPU machines of the clouds by their type name. GPUs per machine follow from the size. */
export interface InstanceType {
  pattern: RegExp;
  model: string;
  count: (type: string) => number;
}

const sizes =
  (bySize: Readonly<Record<string, number>>, otherwise = 1) =>
  (type: string): number =>
    bySize[type.split(/[.-]/).at(-1) ?? ''] ?? otherwise;
const always = (count: number) => (): number => count;
const gpusInName = (type: string): number => Number(/(\d{1,2})g$/.exec(type)?.[1] ?? 1);

/**
 * Sources: AWS EC2 accelerated-computing instance pages, Google Compute Engine GPU machine types,
 * Azure NC/ND size series pages. Only types whose GPU is the same in every size.
 */
export const INSTANCE_TYPES: readonly InstanceType[] = [
  { pattern: /^p3dn\./, model: 'Tesla V100-SXM2-32GB', count: always(8) },
  { pattern: /^p3\./, model: 'Tesla V100-SXM2-16GB', count: sizes({ '8xlarge': 4, '16xlarge': 8 }) },
  { pattern: /^p4d\./, model: 'NVIDIA A100-SXM4-40GB', count: always(8) },
  { pattern: /^p4de\./, model: 'NVIDIA A100-SXM4-80GB', count: always(8) },
  { pattern: /^p5\./, model: 'NVIDIA H100 80GB HBM3', count: sizes({ '48xlarge': 8 }) },
  { pattern: /^p5en?\./, model: 'NVIDIA H200', count: always(8) },
  { pattern: /^g4dn\./, model: 'Tesla T4', count: sizes({ '12xlarge': 4, metal: 8 }) },
  { pattern: /^g5\./, model: 'NVIDIA A10G', count: sizes({ '12xlarge': 4, '24xlarge': 4, '48xlarge': 8 }) },
  { pattern: /^g6\./, model: 'NVIDIA L4', count: sizes({ '12xlarge': 4, '24xlarge': 4, '48xlarge': 8 }) },
  { pattern: /^g6e\./, model: 'NVIDIA L40S', count: sizes({ '12xlarge': 4, '24xlarge': 4, '48xlarge': 8 }) },
  { pattern: /^a2-(highgpu|megagpu)-\d+g$/, model: 'NVIDIA A100-SXM4-40GB', count: gpusInName },
  { pattern: /^a2-ultragpu-\d+g$/, model: 'NVIDIA A100-SXM4-80GB', count: gpusInName },
  { pattern: /^a3-(highgpu|megagpu|edgegpu)-\d+g$/, model: 'NVIDIA H100 80GB HBM3', count: gpusInName },
  { pattern: /^a3-ultragpu-\d+g$/, model: 'NVIDIA H200', count: gpusInName },
  { pattern: /^g2-standard-\d+$/, model: 'NVIDIA L4', count: sizes({ '24': 2, '48': 4, '96': 8 }) },
  { pattern: /^Standard_NC\d+as_T4_v3$/i, model: 'Tesla T4', count: (type) => (/NC64/i.test(type) ? 4 : 1) },
  {
    pattern: /^Standard_NC\d+ads_A100_v4$/i,
    model: 'NVIDIA A100 80GB PCIe',
    count: (type) => Number(/NC(\d+)/i.exec(type)?.[1] ?? 24) / 24,
  },
  { pattern: /^Standard_ND96asr_(A100_)?v4$/i, model: 'NVIDIA A100-SXM4-40GB', count: always(8) },
  { pattern: /^Standard_ND96amsr_A100_v4$/i, model: 'NVIDIA A100-SXM4-80GB', count: always(8) },
  { pattern: /^Standard_ND96isr_H100_v5$/i, model: 'NVIDIA H100 80GB HBM3', count: always(8) },
  { pattern: /^Standard_ND96isr_H200_v5$/i, model: 'NVIDIA H200', count: always(8) },
];

/** Karpenter's `instance-gpu-name`, told apart by `instance-gpu-memory` (MiB per GPU): largest first. */
export const KARPENTER_GPU_NAMES: ReadonlyMap<string, readonly { fromMib: number; model: string }[]> = new Map([
  [
    'a100',
    [
      { fromMib: 60_000, model: 'NVIDIA A100-SXM4-80GB' },
      { fromMib: 0, model: 'NVIDIA A100-SXM4-40GB' },
    ],
  ],
  [
    'v100',
    [
      { fromMib: 30_000, model: 'Tesla V100-SXM2-32GB' },
      { fromMib: 0, model: 'Tesla V100-SXM2-16GB' },
    ],
  ],
  ['h100', [{ fromMib: 0, model: 'NVIDIA H100 80GB HBM3' }]],
  ['h200', [{ fromMib: 0, model: 'NVIDIA H200' }]],
  ['t4', [{ fromMib: 0, model: 'Tesla T4' }]],
  ['a10g', [{ fromMib: 0, model: 'NVIDIA A10G' }]],
  ['l4', [{ fromMib: 0, model: 'NVIDIA L4' }]],
  ['l40s', [{ fromMib: 0, model: 'NVIDIA L40S' }]],
]);
