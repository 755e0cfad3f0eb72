import { deviceKey } from '../inventory/reading.js';
import type { DeviceReading } from '../inventory/reading.js';
import type { SampleWindow } from '../store/inventory-repository.js';

export interface WindowBufferOptions {
  /** Length of a window. */
  seconds: number;
  /** Windows in memory at most, all devices together. */
  mostWaiting: number;
}

/**
 * Gathers readings into windows of equal length until they are written. While the database is away they wait, up to a
 * bound; beyond it, windows of the past become one per device: their extremes stay, their times become coarser, and
 * that is counted.
 */
export class WindowBuffer {
  /** Windows that were merged into another because too many waited. */
  merged = 0;
  /** By start, then by device. */
  readonly #windows = new Map<number, Map<string, SampleWindow>>();

  constructor(private readonly options: WindowBufferOptions) {}

  /** How many windows wait. */
  get waiting(): number {
    return [...this.#windows.values()].reduce((sum, devices) => sum + devices.size, 0);
  }

  add(readings: readonly DeviceReading[]): void {
    for (const reading of readings) this.addOne(reading);
    while (this.#windows.size > 1 && this.waiting > this.options.mostWaiting && this.mergeOldest());
  }

  /** All windows that wait, oldest first. */
  all(): readonly SampleWindow[] {
    const starts = [...this.#windows.keys()].sort((a, b) => a - b);
    return starts.flatMap((startMs) => [...(this.#windows.get(startMs)?.values() ?? [])]);
  }

  /** Forgets the windows that were closed when `nowMs` was; the open one goes on, and is written again. */
  written(nowMs: number): void {
    for (const [startMs, devices] of this.#windows) {
      for (const [key, window] of devices) if (startMs + window.seconds * 1000 <= nowMs) devices.delete(key);
      if (devices.size === 0) this.#windows.delete(startMs);
    }
  }

  clear(): void {
    this.#windows.clear();
  }

  private addOne(reading: DeviceReading): void {
    const { seconds } = this.options;
    const startMs = Math.floor(reading.seenAtMs / (seconds * 1000)) * seconds * 1000;
    const devices = this.#windows.get(startMs) ?? new Map<string, SampleWindow>();
    this.#windows.set(startMs, devices);
    const key = deviceKey(reading);
    const window = devices.get(key);
    const single = windowOf(reading, startMs, seconds);
    devices.set(key, window === undefined ? single : together(window, single));
  }

  /** Puts the oldest windows into the next ones; false where that would touch the newest, which is still open. */
  private mergeOldest(): boolean {
    const [oldest, next, after] = [...this.#windows.keys()].sort((a, b) => a - b);
    if (oldest === undefined || next === undefined || after === undefined) return false;
    const into = this.#windows.get(oldest) ?? new Map<string, SampleWindow>();
    for (const [key, window] of this.#windows.get(next) ?? []) {
      const earlier = into.get(key);
      if (earlier !== undefined) this.merged += 1;
      into.set(
        key,
        earlier === undefined
          ? { ...window, startMs: oldest, seconds: lengthFrom(oldest, window) }
          : together(earlier, window),
      );
    }
    this.#windows.delete(next);
    return true;
  }
}

const windowOf = (reading: DeviceReading, startMs: number, seconds: number): SampleWindow => ({
  uuid: reading.uuid,
  gpuInstance: reading.gpuInstance,
  startMs,
  seconds,
  capacityBytes: reading.capacityBytes,
  usedMinBytes: reading.usedBytes,
  usedMaxBytes: reading.usedBytes,
  samples: 1,
});

/** From `startMs` to the end of the window, in seconds. */
const lengthFrom = (startMs: number, window: SampleWindow): number =>
  (window.startMs - startMs) / 1000 + window.seconds;

/** One window over both; `a` begins first. */
function together(a: SampleWindow, b: SampleWindow): SampleWindow {
  return {
    ...a,
    seconds: Math.max(a.seconds, lengthFrom(a.startMs, b)),
    capacityBytes: Math.max(a.capacityBytes, b.capacityBytes),
    usedMinBytes: extreme(Math.min, a.usedMinBytes, b.usedMinBytes),
    usedMaxBytes: extreme(Math.max, a.usedMaxBytes, b.usedMaxBytes),
    samples: a.samples + b.samples,
  };
}

function extreme(choose: (a: number, b: number) => number, a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return choose(a, b);
}
