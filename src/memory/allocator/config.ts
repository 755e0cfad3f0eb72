import { LARGE_SEGMENT_BYTES, ROUNDUP_SIZE_CLASSES } from './constants.js';

const MIB = 1 << 20;
const MAX_TOKENS = 200;

/** How the caching allocator behaves: what PYTORCH_ALLOC_CONF sets. */
export interface AllocatorConfig {
  backend: 'native' | 'cudaMallocAsync';
  /** Blocks of this size and above are never split; Infinity: all may be. */
  maxSplitBytes: number;
  /** How much larger than the request an unsplittable block may be. */
  maxNonSplitRoundingBytes: number;
  /** Per size class (1 MiB, 2 MiB, ... 64 GiB): steps between powers of two that requests are rounded up to; 0 or 1: none. */
  roundupDivisions: readonly number[];
  expandableSegments: boolean;
  /** Share of the allowed memory above which old cached segments are dropped; 0: never. Needs `memoryFraction`. */
  garbageCollectionThreshold: number;
  /** Share of the device that may be reserved (set_per_process_memory_fraction); null: not limited. */
  memoryFraction: number | null;
}

/** PyTorch's defaults: what an unset PYTORCH_ALLOC_CONF means. */
export const DEFAULT_ALLOCATOR_CONFIG: AllocatorConfig = {
  backend: 'native',
  maxSplitBytes: Infinity,
  maxNonSplitRoundingBytes: LARGE_SEGMENT_BYTES,
  roundupDivisions: new Array<number>(ROUNDUP_SIZE_CLASSES).fill(0),
  expandableSegments: false,
  garbageCollectionThreshold: 0,
  memoryFraction: null,
};

/** An option's value in the text, its effect, or in words why PyTorch would refuse it. */
type OptionReader = (value: string) => Partial<AllocatorConfig> | string;

const isPowerOfTwo = (value: number): boolean => value > 0 && Number.isInteger(Math.log2(value));

function readMebibytes(value: string): number | null {
  const mebibytes = /^\d{1,12}$/.test(value) ? Number(value) : 0;
  return mebibytes * MIB >= LARGE_SEGMENT_BYTES ? mebibytes * MIB : null;
}

function readShare(value: string, largest: number): number | null {
  const share = /^\d*\.?\d+(e-?\d+)?$/i.test(value) ? Number(value) : 0;
  return share > 0 && share <= largest ? share : null;
}

/** One entry of a size class list, `interval:steps`, interval in MiB or `>` for all from the last one on. */
function readDivisionEntry(entry: string): { interval: number | '>'; steps: number } | string {
  const match = /^(>|\d{1,9}):(\d{1,9})$/.exec(entry);
  const steps = Number(match?.[2]);
  if (!match || !(steps === 0 || isPowerOfTwo(steps))) return `cannot be read at "${entry.slice(0, 40)}"`;
  if (match[1] === '>') return { interval: '>', steps };
  const interval = Number(match[1]);
  return isPowerOfTwo(interval) ? { interval, steps } : `interval ${interval} is not a power of two`;
}

/** A size class list such as `[256:1,512:2,>:8]`; a bare number stands for all classes. */
function readDivisions(value: string): Partial<AllocatorConfig> | string {
  const divisions = new Array<number>(ROUNDUP_SIZE_CLASSES).fill(0);
  if (/^\d{1,9}$/.test(value)) {
    const steps = Number(value);
    return isPowerOfTwo(steps) ? { roundupDivisions: divisions.fill(steps) } : 'must be a power of two';
  }
  let last = 0;
  for (const [position, text] of value
    .replace(/^\[|\]$/g, '')
    .split(',')
    .entries()) {
    const entry = readDivisionEntry(text);
    if (typeof entry === 'string') return entry;
    if (entry.interval === '>') {
      divisions.fill(entry.steps, last);
      continue;
    }
    last = Math.min(Math.log2(entry.interval), ROUNDUP_SIZE_CLASSES - 1);
    divisions.fill(entry.steps, position === 0 ? 0 : last, last + 1);
  }
  return { roundupDivisions: divisions };
}

const ignored: OptionReader = () => ({});

/** Options by name; those that change no device memory are accepted and ignored. */
const OPTIONS: Readonly<Record<string, OptionReader>> = {
  backend: (value) =>
    value === 'native' || value === 'cudaMallocAsync' ? { backend: value } : 'must be native or cudaMallocAsync',
  max_split_size_mb: (value) => {
    const bytes = readMebibytes(value);
    return bytes === null ? 'must be a number of at least 20' : { maxSplitBytes: bytes };
  },
  max_non_split_rounding_mb: (value) => {
    const bytes = readMebibytes(value);
    return bytes === null ? 'must be a number of at least 20' : { maxNonSplitRoundingBytes: bytes };
  },
  garbage_collection_threshold: (value) => {
    const share = readShare(value, 1);
    return share === null || share === 1 ? 'must lie between 0 and 1' : { garbageCollectionThreshold: share };
  },
  per_process_memory_fraction: (value) => {
    const share = readShare(value, 1);
    return share === null ? 'must lie between 0 and 1' : { memoryFraction: share };
  },
  expandable_segments: (value) =>
    value === 'True' || value === 'False' ? { expandableSegments: value === 'True' } : 'must be True or False',
  roundup_power2_divisions: readDivisions,
  release_lock_on_cudamalloc: ignored,
  release_lock_on_hipmalloc: ignored,
  pinned_use_cuda_host_register: ignored,
  pinned_use_hip_host_register: ignored,
  pinned_num_register_threads: ignored,
  pinned_use_background_threads: ignored,
  pinned_reserve_segment_size_mb: ignored,
  graph_capture_record_stream_reuse: ignored,
};

/** `name:value` pairs; a comma inside square brackets belongs to the value. */
function splitOptions(text: string): readonly string[] {
  return text
    .replace(/\s+/g, '')
    .split(/,(?![^[\]]*\])/)
    .filter((option) => option !== '')
    .slice(0, MAX_TOKENS);
}

/**
 * Reads the value of PYTORCH_ALLOC_CONF (or PYTORCH_CUDA_ALLOC_CONF).
 *
 * Returns the configuration and, for every option that PyTorch would refuse, one line that says why; such an option
 * keeps its default. Never throws. Source: pytorch c10/core/AllocatorConfig.cpp, parseArgs.
 */
export function parseAllocatorConfig(text: string): { config: AllocatorConfig; problems: readonly string[] } {
  let config = DEFAULT_ALLOCATOR_CONFIG;
  const problems: string[] = [];
  for (const option of splitOptions(text)) {
    const colon = option.indexOf(':');
    const name = colon < 0 ? option : option.slice(0, colon);
    const read = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
    const result = read ? read(option.slice(name.length + 1)) : 'is not an option of the CUDA caching allocator';
    if (typeof result === 'string') problems.push(`PYTORCH_ALLOC_CONF: ${name.slice(0, 60)} ${result}`);
    else config = { ...config, ...result };
  }
  return { config, problems };
}
