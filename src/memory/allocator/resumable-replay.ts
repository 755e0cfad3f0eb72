import { CachingAllocator } from './caching-allocator.js';
import type { AllocatorConfig } from './config.js';
import { ReplayRun } from './replay-run.js';
import type { Requests } from './requests.js';

/** A replay under a limit that can stop where the limit is met, and from there be copied to run under another one. */
export class ResumableReplay {
  private readonly allocator: CachingAllocator;
  private readonly run: ReplayRun;

  /** `start`: a replay of the same requests with fixed segments that met no limit so far. */
  constructor(
    private readonly requests: Requests,
    private readonly config: AllocatorConfig,
    limitBytes: number,
    start?: ResumableReplay,
  ) {
    this.allocator = new CachingAllocator(config, limitBytes);
    if (start !== undefined) this.allocator.copyFrom(start.allocator);
    this.run = new ReplayRun(requests, this.allocator, null, start?.run ?? null);
  }

  /** The replay as it is now, to go on under a limit. */
  under(limitBytes: number): ResumableReplay {
    return new ResumableReplay(this.requests, this.config, limitBytes, this);
  }

  /** Plays up to the event that meets the limit, and leaves that one out; whether all were played. */
  playToLimit(): boolean {
    this.allocator.givesBack = false;
    return this.run.play();
  }

  /** Plays the rest, giving unused memory back where the limit is met; whether all were played. */
  playOut(): boolean {
    this.allocator.givesBack = true;
    return this.run.play();
  }
}
