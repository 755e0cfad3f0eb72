import type { RunValues } from '../run/training-run.js';
import type { Forecast } from './forecast.js';

/** Bytes by which figures may lie below (at most 0) and above (at least 0) the simulated ones. */
export interface Widening {
  allocated: { below: number; above: number };
  reserved: { below: number; above: number };
}

/** Something that the simulation cannot settle and that no setting of the run decides. */
export interface Uncertainty {
  readonly name: string;
  readonly remedy: string | null;
  /** null where it plays no part. `again`: what the run would be at other values, null where that cannot be estimated. */
  widening(at: Forecast, again: (values: RunValues) => Forecast | null): Widening | null;
}
