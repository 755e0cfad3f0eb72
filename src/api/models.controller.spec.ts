import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { ModelsController } from './models.controller.js';
import type { Page } from './paging.js';
import { modelSchema } from './schemas/inventory.js';

describe('the models of the catalog', () => {
  it('are all given as they are described, page by page', () => {
    const controller = new ModelsController();
    const described = z.strictObject(modelSchema.shape);
    const pages: Page<unknown>[] = [];
    let cursor: string | undefined;
    do {
      const page = controller.models({ limit: 500, cursor });
      pages.push(page);
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
    const models = pages.flatMap(({ items }) => items);
    expect(models.length).toBeGreaterThan(500);
    expect(models.filter((model) => !described.safeParse(model).success)).toEqual([]);
  });
});
