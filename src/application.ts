import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Request, Response } from 'express';
import { useManifestBodies } from './api/manifest-body.js';
import { openApiDocument } from './api/openapi.js';
import { AppModule } from './app.module.js';
import type { SettingValues } from './config/settings.js';
import { applicationLogger, createLog } from './telemetry/logging.js';

/** The whole application, put together and not started: `listen` starts it. */
export async function createApplication(settings: SettingValues): Promise<NestExpressApplication> {
  const log = createLog(settings);
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(settings, log), {
    bodyParser: false,
    logger: applicationLogger(log),
    abortOnError: false,
  });
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  useManifestBodies(app);
  serveOpenApi(app);
  // As process 1 of a container it would never die of the signal that it sends itself by default.
  app.enableShutdownHooks([], { useProcessExit: true });
  return app;
}

function serveOpenApi(app: NestExpressApplication): void {
  const text = JSON.stringify(openApiDocument(app));
  app.use('/openapi.json', (_request: Request, response: Response) => {
    response.type('application/json').send(text);
  });
}
