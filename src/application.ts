import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Request, Response } from 'express';
import { Logger } from 'nestjs-pino';
import { useManifestBodies } from './api/manifest-body.js';
import { openApiDocument } from './api/openapi.js';
import { AppModule } from './app.module.js';
import type { SettingValues } from './config/settings.js';

/** The whole application, put together and not started: `listen` starts it. */
export async function createApplication(settings: SettingValues): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(settings), {
    bodyParser: false,
    bufferLogs: true,
    abortOnError: false,
  });
  app.useLogger(app.get(Logger));
  app.flushLogs();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  useManifestBodies(app);
  serveOpenApi(app);
  app.enableShutdownHooks();
  return app;
}

function serveOpenApi(app: NestExpressApplication): void {
  const text = JSON.stringify(openApiDocument(app));
  app.use('/openapi.json', (_request: Request, response: Response) => {
    response.type('application/json').send(text);
  });
}
