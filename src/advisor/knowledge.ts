import { Injectable } from '@nestjs/common';
import { InventoryHolder } from './inventory-holder.js';
import { ObservationHolder } from './observation-holder.js';

/** What the process knows of the cluster: what there is, and what runs were seen to use. All in memory. */
@Injectable()
export class Knowledge {
  constructor(
    readonly inventory: InventoryHolder,
    readonly observations: ObservationHolder,
  ) {}
}
