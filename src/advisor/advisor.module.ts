import { Module } from '@nestjs/common';
import { InventoryHolder } from './inventory-holder.js';
import { Knowledge } from './knowledge.js';
import { ObservationHolder } from './observation-holder.js';

/** The inventory of the process, and what runs were seen to use. Advisors themselves live in the worker threads, with their facts and grammars. */
@Module({
  providers: [InventoryHolder, ObservationHolder, Knowledge],
  exports: [InventoryHolder, ObservationHolder, Knowledge],
})
export class AdvisorModule {}
