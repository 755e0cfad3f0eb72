import { Ajv } from 'ajv';
import type { ValidateFunction } from 'ajv';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goModuleFolder } from '../cluster/go-modules.js';
import type { Manifest } from './helm.js';

interface Schema {
  properties?: Record<string, unknown>;
  additionalProperties?: unknown;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-group-version-kind'?: { kind: string }[];
}

/** Every fault that one version of Kubernetes finds with objects of its own kinds. */
export interface KubernetesSchemas {
  /** `<kind> <name>: <where> <what>`; empty where there is none. null: this version does not have the kind. */
  faults(object: Manifest): readonly string[] | null;
}

/** The published OpenAPI descriptions of a release, which its Go module carries. */
export async function schemasOf(version: string): Promise<KubernetesSchemas> {
  const folder = join(await goModuleFolder(`k8s.io/kubernetes@v${version}`), 'api', 'openapi-spec', 'v3');
  const validators = new Map<string, ValidateFunction | null>();
  const validatorOf = ({ apiVersion, kind }: Manifest): ValidateFunction | null => {
    const key = `${apiVersion}/${kind}`;
    const known = validators.get(key);
    if (known !== undefined) return known;
    const made = compiled(folder, apiVersion, kind);
    validators.set(key, made);
    return made;
  };
  return {
    faults(object) {
      const validate = validatorOf(object);
      if (validate === null) return null;
      const isValid: boolean = validate(object);
      if (isValid) return [];
      const what = `${object.kind} ${object.metadata.name}`;
      return (validate.errors ?? []).map(
        ({ instancePath, message, params }) => `${what}: ${instancePath} ${message} ${JSON.stringify(params)}`,
      );
    },
  };
}

function compiled(folder: string, apiVersion: string, kind: string): ValidateFunction | null {
  const group = apiVersion.includes('/') ? `apis__${apiVersion.replace('/', '__')}` : `api__${apiVersion}`;
  const file = join(folder, `${group}_openapi.json`);
  if (!existsSync(file)) return null;
  const document = JSON.parse(readFileSync(file, 'utf8')) as { components: { schemas: Record<string, Schema> } };
  const { schemas } = document.components;
  const [name] = Object.entries(schemas).find(([, schema]) => isOf(schema, kind)) ?? [];
  if (name === undefined) return null;
  Object.values(schemas).forEach(closed);
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  return ajv.addSchema({ $id: 'kubernetes', ...document }).compile({ $ref: `kubernetes#/components/schemas/${name}` });
}

const isOf = (schema: Schema, kind: string): boolean =>
  (schema['x-kubernetes-group-version-kind'] ?? []).length === 1 &&
  schema['x-kubernetes-group-version-kind']![0]!.kind === kind;

/** The descriptions let unknown fields pass; the API server's strict validation does not. */
function closed(schema: Schema): void {
  if (schema.properties === undefined || schema['x-kubernetes-preserve-unknown-fields']) return;
  schema.additionalProperties ??= false;
}
