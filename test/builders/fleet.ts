/** A fleet of exporters that behave like recorded ones: what each prints depends on its node and the round alone. */
export interface FleetModel {
  name: string;
  freeMib: number;
  /** MIG profile and sizes of its instances; left out: whole GPUs. */
  mig?: { profile: string; freeMib: number; perGpu: number };
}

/** FREE of idle devices as exporters showed it (docs/inventory.md); MIG sizes as nvidia-smi lists them. */
export const FLEET_MODELS: readonly FleetModel[] = [
  { name: 'NVIDIA A100-SXM4-80GB', freeMib: 81_226 },
  { name: 'NVIDIA H100 80GB HBM3', freeMib: 81_090 },
  { name: 'NVIDIA A100-SXM4-40GB', freeMib: 40_536 },
  { name: 'NVIDIA L40S', freeMib: 45_459 },
  { name: 'Tesla T4', freeMib: 14_912 },
  { name: 'NVIDIA L4', freeMib: 22_563 },
  { name: 'NVIDIA A10G', freeMib: 22_515 },
  { name: 'NVIDIA A100-SXM4-80GB', freeMib: 81_226, mig: { profile: '3g.40gb', freeMib: 40_192, perGpu: 2 } },
];

export const FLEET_GPUS = 8;

/** Series that dcgm-exporter shows of each device besides those that are read. */
const OTHER_METRICS = ['SM_CLOCK', 'MEM_CLOCK', 'MEMORY_TEMP', 'GPU_TEMP', 'POWER_USAGE', 'GPU_UTIL', 'XID_ERRORS'];

export const fleetNodeName = (node: number): string => `gpu-node-${node}`;
export const fleetModelOf = (node: number): FleetModel =>
  FLEET_MODELS[node % FLEET_MODELS.length] ?? { name: '', freeMib: 0 };

/** Devices that the node's exporter shows when it is well. */
export function fleetDevicesOf(node: number): number {
  const { mig } = fleetModelOf(node);
  return FLEET_GPUS * (mig?.perGpu ?? 1);
}

interface Shown {
  labels: string;
  freeMib: number;
  usedMib: number;
}

/** Held to a degree that changes from round to round; every fourth device is idle. */
function usedMibOf(node: number, device: number, round: number, sizeMib: number): number {
  if (device % 4 === 0) return 3;
  return Math.floor(sizeMib * (((node * 31 + device * 17 + round * 7) % 90) / 100));
}

function shownOn(node: number, round: number): Shown[] {
  const { name, freeMib, mig } = fleetModelOf(node);
  return Array.from({ length: fleetDevicesOf(node) }, (_, device) => {
    const [gpu, instance] = [Math.floor(device / (mig?.perGpu ?? 1)), device % (mig?.perGpu ?? 1)];
    const sizeMib = mig?.freeMib ?? freeMib;
    const usedMib = usedMibOf(node, device, round, sizeMib);
    const slice = mig === undefined ? '' : `,GPU_I_PROFILE="${mig.profile}",GPU_I_ID="${instance + 1}"`;
    const pod = usedMib > 3 ? `,container="main",namespace="team",pod="job-${node}-${device}"` : '';
    const labels =
      `gpu="${gpu}",UUID="GPU-${node}-${gpu}",pci_bus_id="00000000:10:1C.0",device="nvidia${gpu}",modelName="${name}"` +
      `${slice},Hostname="${fleetNodeName(node)}",DCGM_FI_DRIVER_VERSION="570.133.20"${pod}`;
    return { labels, freeMib: sizeMib - usedMib, usedMib };
  });
}

const family = (metric: string, lines: readonly string[]): string =>
  `# HELP ${metric} as dcgm-exporter prints it.\n# TYPE ${metric} gauge\n${lines.join('\n')}\n`;

/** What the exporter of a node prints in a round. */
export function fleetExposition(node: number, round: number): string {
  const shown = shownOn(node, round);
  const others = OTHER_METRICS.map((name, index) =>
    family(
      `DCGM_FI_DEV_${name}`,
      shown.map(({ labels }) => `DCGM_FI_DEV_${name}{${labels}} ${index * 100 + round}`),
    ),
  );
  const free = shown.map(({ labels, freeMib }) => `DCGM_FI_DEV_FB_FREE{${labels}} ${freeMib}`);
  const used = shown.map(({ labels, usedMib }) => `DCGM_FI_DEV_FB_USED{${labels}} ${usedMib}`);
  return others.join('') + family('DCGM_FI_DEV_FB_FREE', free) + family('DCGM_FI_DEV_FB_USED', used);
}

/** How a node's exporter is in a round: most are well, some answer with an error, some have just been restarted. */
export function fleetStateOf(node: number, round: number): 'well' | 'failing' | 'restarted' {
  const turn = (node * 7 + round * 13) % 100;
  if (round > 0 && turn < 2) return 'failing';
  return round > 0 && turn < 4 ? 'restarted' : 'well';
}
