import { z } from 'zod';

const amounts = z.record(z.string(), z.number()).describe('By resource name, in base units');

export const nodeSchema = z
  .object({
    name: z.string(),
    labels: z.record(z.string(), z.string()),
    taints: z.array(z.object({ key: z.string(), value: z.string(), effect: z.string() })),
    unschedulable: z.boolean(),
    ready: z.boolean(),
    allocatable: amounts,
    requested: amounts,
  })
  .meta({ id: 'Node', description: 'A node as the scheduler sees it' });

export const deviceSchema = z
  .object({
    uuid: z.string(),
    gpuInstance: z.string().nullable().describe('GPU instance id for MIG'),
    node: z.string(),
    index: z.number(),
    model: z.string(),
    migProfile: z.string().nullable(),
    resource: z.string().describe('Extended resource under which it is handed out'),
    replicas: z.number().describe('Containers that share it at a time'),
    capacityBytes: z.number().describe('Bytes that a process can ever use'),
    capacitySource: z.string(),
    capacityNote: z.string().optional(),
    usedBytes: z.number().nullable(),
    seenAtMs: z.number().describe('Milliseconds since 1970'),
    pods: z.array(z.string()),
  })
  .meta({ id: 'Device', description: 'A GPU or MIG instance as something that a container can be given' });

export const modelSchema = z
  .object({
    id: z.string(),
    aliases: z.array(z.string()),
    modelType: z.string(),
    params: z.number().nullable(),
    paramsActive: z.number().nullable(),
    imageSize: z.union([z.number(), z.array(z.number()).length(2)]).nullable(),
    sources: z.array(z.string()),
  })
  .meta({ id: 'Model', description: 'A model that manifests may name' });
