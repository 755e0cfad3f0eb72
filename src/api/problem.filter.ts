import { STATUS_CODES } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { AssessmentTooLong, AssessorBusy, NoInventory } from '../advisor/assessor.js';
import { StoreUnavailable } from '../store/store-unavailable.js';
import { ProblemError } from './problem.js';
import type { Problem } from './problem.js';

type Answer = Pick<Problem, 'status' | 'detail' | 'errors'>;

const DATABASE_AWAY =
  'The database does not answer. Advice, estimates, nodes, devices and models are still served; try again later.';

/** Writes every error of the REST API as problem details. What is not the caller's fault is logged, and told in general terms. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #logger = new Logger('Api');

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const [request, response] = [http.getRequest<Request>(), http.getResponse<Response>()];
    const answer = answerFor(error);
    // A controller that says by itself that it is not ready did not fail: probes ask every few seconds.
    if (answer.status >= 500 && !(error instanceof HttpException))
      this.#logger.error({ err: error }, 'a request failed');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const { status, detail, errors } = answer;
    const title = STATUS_CODES[status] ?? 'Error';
    const problem: Problem = { type: 'about:blank', title, status, detail, instance: request.path, errors };
    if (status === 401) response.setHeader('www-authenticate', 'Bearer');
    if (status === 503) response.setHeader('retry-after', '5');
    response.status(status).type('application/problem+json').send(JSON.stringify(problem));
  }
}

function answerFor(error: unknown): Answer {
  if (error instanceof ProblemError) return error;
  if (error instanceof AssessorBusy)
    return { status: 503, detail: 'Too many workloads wait to be assessed. Try again.' };
  if (error instanceof NoInventory)
    return { status: 503, detail: 'The GPUs of the cluster are not known yet. Try again.' };
  if (error instanceof AssessmentTooLong) return { status: 422, detail: error.message };
  if (error instanceof StoreUnavailable) return { status: 503, detail: DATABASE_AWAY };
  if (error instanceof HttpException) return { status: error.getStatus(), detail: error.message };
  return bodyProblem(error) ?? { status: 500, detail: 'Something went wrong here. The log says what, by request id.' };
}

/** Errors of the body parser carry their own status. */
function bodyProblem(error: unknown): Answer | null {
  const { status, type } = (error ?? {}) as { status?: unknown; type?: unknown };
  if (typeof type !== 'string' || typeof status !== 'number' || status < 400 || status > 499) return null;
  const detail = type === 'entity.too.large' ? 'The body is too large.' : 'The body cannot be read.';
  return { status, detail };
}
