import { Module } from '@nestjs/common';
import { createAdvisor } from './advisor.js';
import { loadFacts } from './facts.js';
import { InventoryHolder } from './inventory-holder.js';
import { loadGrammars } from './load-grammars.js';

/** Injection token of the Advisor. */
export const ADVISOR = Symbol('advisor');

/** The advisor of the process, with facts and grammars loaded, and the inventory that it is asked against. */
@Module({
  providers: [
    InventoryHolder,
    { provide: ADVISOR, useFactory: async () => createAdvisor({ facts: loadFacts(), grammars: await loadGrammars() }) },
  ],
  exports: [ADVISOR, InventoryHolder],
})
export class AdvisorModule {}
