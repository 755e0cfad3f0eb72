import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { loadFacts } from '../advisor/facts.js';
import type { ModelRow } from '../model/catalog.js';
import { ApiProblems } from './api-problems.js';
import { pageSchema } from './described-page.js';
import { cursorSchema, limitSchema, pageOf } from './paging.js';
import type { Page } from './paging.js';
import { modelSchema } from './schemas/inventory.js';

const query = z.strictObject({
  search: z.string().min(1).max(200).optional().describe('Only models whose id or alias contains this text'),
  limit: limitSchema,
  cursor: cursorSchema,
});

type Model = Omit<ModelRow, 'config' | 'recorded' | 'graph'>;

/** The models that manifests may name. */
@ApiTags('catalog')
@Controller('v1/models')
export class ModelsController {
  readonly #facts = loadFacts();

  @Get()
  @ApiOperation({ summary: 'Models of the catalog, by id' })
  @ApiOkResponse({ description: 'Models by id', standardSchema: pageSchema(modelSchema) })
  @ApiProblems(400, 404)
  models(@Query({ schema: query }) request: z.output<typeof query>): Page<Model> {
    const search = request.search?.toLowerCase() ?? '';
    const rows = this.#facts.models.rows.filter(({ id, aliases }) =>
      [id, ...aliases].some((name) => name.toLowerCase().includes(search)),
    );
    const page = pageOf(rows, ({ modelType, id }) => `${id}\u0000${modelType}`, request);
    return { ...page, items: page.items.map(shown) };
  }
}

/** What the description has of a model: not how it is computed. */
function shown({ id, aliases, modelType, params, paramsActive, imageSize, sources }: ModelRow): Model {
  return { id, aliases, modelType, params, paramsActive, imageSize, sources };
}
