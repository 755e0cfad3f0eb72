import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { useManifestBodies } from './api/manifest-body.js';
import { refuseOtherMethods } from './api/known-methods.js';
import { openApiDocument } from './api/openapi.js';
import { AppModule } from './app.module.js';
import type { SettingValues } from './config/settings.js';
import { applicationLogger, createLog, requestLogging } from './telemetry/logging.js';

/** The whole application, put together and not started: `listen` starts it. */
export async function createApplication(settings: SettingValues): Promise<NestExpressApplication> {
  const log = createLog(settings);
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(settings), {
    bodyParser: false,
    logger: applicationLogger(log),
    abortOnError: false,
  });
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.use(requestLogging(log));
  const description = openApiDocument(app);
  serveOpenApi(app, description);
  refuseOtherMethods(app, description);
  useManifestBodies(app);
  // As process 1 of a container it would never die of the signal that it sends itself by default.
  app.enableShutdownHooks([], { useProcessExit: true });
  return app;
}

function serveOpenApi(app: NestExpressApplication, description: OpenAPIObject): void {
  const text = JSON.stringify(description);
  app.use('/openapi.json', (_request: Request, response: Response) => {
    response.type('application/json').send(text);
  });
}
