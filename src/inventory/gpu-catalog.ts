/** A MIG profile of a GPU; `memoryMib` is what a process can use, null where no output was found. */
export interface MigProfile {
  /** `3g.40gb`, `1g.10gb+me`. */
  profile: string;
  maxInstances: number | null;
  memoryMib: number | null;
}

/** What is known of a GPU model. All sizes in MiB. */
export interface Gpu {
  /** NVML's name, which DCGM publishes as `modelName`: `NVIDIA A100-SXM4-80GB`. */
  model: string;
  vendor: 'nvidia' | 'amd';
  /** The label `nvidia.com/gpu.product` on unshared, unsliced GPUs. */
  gfdProduct: string | null;
  architecture: string;
  /** Such as 8.0; null for AMD. */
  computeCapability: number | null;
  /** nvidia-smi's total on current drivers. */
  totalMib: number | null;
  /** Total less what the driver keeps; null where neither seen nor derived. */
  usableMib: number | null;
  migProfiles: readonly MigProfile[];
}

/** `catalog/gpus.json`. */
export interface GpusFile {
  gpus: readonly {
    model: string;
    vendor: string;
    gfdProduct?: string;
    architecture: string;
    computeCapability?: number;
    totalMib?: number;
    usableMib?: number;
    aliases: readonly string[];
    migProfiles?: readonly { profile: string; maxInstances?: number; memoryMib?: number }[];
  }[];
}

export interface GpuCatalog {
  /**
   * Looks a GPU up by NVML or DCGM name, `nvidia.com/gpu.product` label (also shared or sliced ones) or short name
   * (`a100-40gb`, `h100`, `l4`); null where unknown.
   */
  find(name: string): Gpu | null;
  /** The MIG profile of a GPU, written `3g.40gb`, `mig-3g.40gb` or with `.me`; null where it has none such. */
  findMigProfile(gpu: Gpu, profile: string): MigProfile | null;
  readonly gpus: readonly Gpu[];
}

/** GPU Feature Discovery appends these to the product under time-slicing and the single MIG strategy. */
const PRODUCT_SUFFIX = /-(shared|mig-[0-9a-z.+]+)$/;

/** Lower case, all separators alike: `NVIDIA A100-SXM4-40GB` and `nvidia_a100_sxm4_40gb` are one name. */
const normalise = (name: string): string =>
  name
    .slice(0, 100)
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, '-');

function nameVariants(name: string): readonly string[] {
  const normal = normalise(name).replace(PRODUCT_SUFFIX, '').replace(PRODUCT_SUFFIX, '');
  return [normal, `nvidia-${normal}`, `tesla-${normal}`, normal.replace(/^(nvidia|tesla|amd)-/, ''), `amd-${normal}`];
}

function gpuOf(row: GpusFile['gpus'][number]): Gpu {
  const profiles = row.migProfiles ?? [];
  return {
    model: row.model,
    vendor: row.vendor === 'amd' ? 'amd' : 'nvidia',
    gfdProduct: row.gfdProduct ?? null,
    architecture: row.architecture,
    computeCapability: row.computeCapability ?? null,
    totalMib: row.totalMib ?? null,
    usableMib: row.usableMib ?? null,
    migProfiles: profiles.map(({ profile, maxInstances, memoryMib }) => ({
      profile,
      maxInstances: maxInstances ?? null,
      memoryMib: memoryMib ?? null,
    })),
  };
}

/** The GPU catalog over the content of `catalog/gpus.json`. */
export function createGpuCatalog(file: GpusFile): GpuCatalog {
  const byName = new Map<string, Gpu>();
  const gpus = file.gpus.map((row) => {
    const gpu = gpuOf(row);
    for (const name of [row.model, row.gfdProduct ?? row.model, ...row.aliases]) {
      if (!byName.has(normalise(name))) byName.set(normalise(name), gpu);
    }
    return gpu;
  });
  return {
    gpus,
    find(name) {
      const known = nameVariants(name).find((variant) => byName.has(variant));
      return known === undefined ? null : (byName.get(known) ?? null);
    },
    findMigProfile(gpu, profile) {
      const wanted = profile
        .toLowerCase()
        .replace(/^(nvidia\.com\/)?mig-/, '')
        .replace('.me', '+me');
      return gpu.migProfiles.find((row) => row.profile === wanted) ?? null;
    },
  };
}
