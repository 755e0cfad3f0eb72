import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { InventoryHolder } from '../advisor/inventory-holder.js';
import type { Device, Node } from '../inventory/inventory.js';
import { Requires } from './access.js';
import { ApiProblems } from './api-problems.js';
import { pageSchema } from './described-page.js';
import { cursorSchema, limitSchema, pageOf } from './paging.js';
import type { Page } from './paging.js';
import { deviceSchema, nodeSchema } from './schemas/inventory.js';

const nodesQuery = z.strictObject({
  name: z.string().max(253).optional().describe('Only the node of this name'),
  limit: limitSchema,
  cursor: cursorSchema,
});

const devicesQuery = z.strictObject({
  node: z.string().max(253).optional().describe('Only devices of this node'),
  model: z.string().max(200).optional().describe('Only devices whose model contains this text'),
  resource: z.string().max(253).optional().describe('Only devices handed out under this extended resource'),
  limit: limitSchema,
  cursor: cursorSchema,
});

/** What the cluster has, from memory: served without the database. */
@ApiTags('inventory')
@Controller('v1')
export class InventoryController {
  constructor(private readonly inventory: InventoryHolder) {}

  @Get('nodes')
  @Requires({ verb: 'list', resource: 'nodes' })
  @ApiOperation({ summary: 'Nodes with their labels, taints and amounts' })
  @ApiOkResponse({ description: 'Nodes by name', standardSchema: pageSchema(nodeSchema) })
  @ApiProblems(400, 403, 404)
  nodes(@Query({ schema: nodesQuery }) query: z.output<typeof nodesQuery>): Page<Node> {
    const nodes = this.inventory.current().nodes.filter(({ name }) => query.name === undefined || name === query.name);
    return pageOf(nodes, ({ name }) => name, query);
  }

  @Get('devices')
  @Requires({ verb: 'list', resource: 'devices' })
  @ApiOperation({ summary: 'GPUs and MIG instances with their capacity, where it was learnt, and its age' })
  @ApiOkResponse({ description: 'Devices by node and index', standardSchema: pageSchema(deviceSchema) })
  @ApiProblems(400, 403, 404)
  devices(@Query({ schema: devicesQuery }) query: z.output<typeof devicesQuery>): Page<Device> {
    const model = query.model?.toLowerCase();
    const devices = this.inventory
      .current()
      .devices.filter((device) => query.node === undefined || device.node === query.node)
      .filter((device) => query.resource === undefined || device.resource === query.resource)
      .filter((device) => model === undefined || device.model.toLowerCase().includes(model));
    return pageOf(devices, keyOf, query);
  }
}

const keyOf = ({ node, index, uuid, gpuInstance }: Device) =>
  [node, String(index).padStart(4, '0'), uuid, gpuInstance ?? ''].join('\u0000');
