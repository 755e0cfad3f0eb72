import { Injectable } from '@nestjs/common';

/** How one part is: `down` takes the process out of service, `degraded` is said and served through. */
export type PartHealth = { status: 'up' } | { status: 'degraded' | 'down'; message: string };

export type PartCheck = () => PartHealth | Promise<PartHealth>;

/** Whether the process wants requests. Parts add their checks; draining overrules them all. */
@Injectable()
export class Readiness {
  readonly #checks = new Map<string, PartCheck>();
  #draining = false;

  add(part: string, check: PartCheck): void {
    this.#checks.set(part, check);
  }

  get checks(): ReadonlyMap<string, PartCheck> {
    return this.#checks;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** From now on the process is not ready, whatever its parts say. */
  drain(): void {
    this.#draining = true;
  }
}
