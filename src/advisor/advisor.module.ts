import { Module } from '@nestjs/common';
import { InventoryHolder } from './inventory-holder.js';

/** The inventory of the process. Advisors themselves live in the worker threads, with their facts and grammars. */
@Module({ providers: [InventoryHolder], exports: [InventoryHolder] })
export class AdvisorModule {}
