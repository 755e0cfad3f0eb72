import { CachingAllocator, OUT_OF_MEMORY } from './caching-allocator.js';
import type { AllocatorConfig } from './config.js';
import type { AllocationEvents } from './replay.js';

/** A replay under a limit that can stop where the limit is met, and from there be copied to run under another one. */
export class ResumableReplay {
  private readonly allocator: CachingAllocator;
  private readonly blockOf: Int32Array;
  private at = 0;

  /** `start`: a replay of the same events with fixed segments that met no limit so far. */
  constructor(
    private readonly events: AllocationEvents,
    private readonly config: AllocatorConfig,
    limitBytes: number,
    start?: ResumableReplay,
  ) {
    this.allocator = new CachingAllocator(config, limitBytes);
    this.blockOf = start?.blockOf.slice() ?? new Int32Array(events.sizes.length);
    if (start === undefined) return;
    this.allocator.copyFrom(start.allocator);
    this.at = start.at;
  }

  /** The replay as it is now, to go on under a limit. */
  under(limitBytes: number): ResumableReplay {
    return new ResumableReplay(this.events, this.config, limitBytes, this);
  }

  /** Plays up to the event that meets the limit, and leaves that one out; whether all were played. */
  playToLimit(): boolean {
    this.allocator.givesBack = false;
    return this.play();
  }

  /** Plays the rest, giving unused memory back where the limit is met; whether all were played. */
  playOut(): boolean {
    this.allocator.givesBack = true;
    return this.play();
  }

  private play(): boolean {
    const { allocator, blockOf } = this;
    const { sizes, streams, events } = this.events;
    for (; this.at < events.length; this.at++) {
      const event = events[this.at]!;
      if (event < 0) {
        allocator.free(blockOf[-event - 1]!);
        continue;
      }
      const block = allocator.allocate(sizes[event]!, streams[event]!);
      if (block === OUT_OF_MEMORY) return false;
      blockOf[event] = block;
    }
    return true;
  }
}
