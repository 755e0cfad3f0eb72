import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { API_VERSION_PATTERN, KIND_PATTERN } from './manifests.js';

/** The OpenAPI document of everything under /v1. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Plimsoll')
    .setDescription(
      'What GPU memory training jobs need, held against the GPUs that are there. Errors are problem details (RFC 9457).',
    )
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addBearerAuth()
    .build();
  const description = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (_controller, method) => method,
  });
  const operations = Object.values(description.paths).flatMap(({ get, post }) => [get, post]);
  for (const operation of operations) if (operation) asProblems(operation.responses);
  for (const operation of operations) if (operation?.requestBody) asManifest(operation.requestBody);
  return description;
}

const MANIFEST_SCHEMA = {
  type: 'object',
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  properties: {
    apiVersion: { type: 'string', pattern: API_VERSION_PATTERN },
    kind: { type: 'string', pattern: KIND_PATTERN },
    metadata: { type: 'object' },
    spec: { type: 'object' },
  },
};

/** Bodies are taken as text, and that is all that the decorators know of them: what the text holds is a manifest. */
function asManifest(body: object): void {
  const { content } = body as { content?: Record<string, { schema?: object }> };
  for (const type of Object.values(content ?? {})) type.schema = MANIFEST_SCHEMA;
}

/** Every error is `application/problem+json`, which the decorators have no word for. */
function asProblems(responses: object): void {
  for (const [status, response] of Object.entries(responses) as [string, { content?: Record<string, unknown> }][]) {
    const described = response.content?.['application/json'];
    if (Number(status) < 400 || described === undefined) continue;
    response.content = { 'application/problem+json': described };
  }
}
