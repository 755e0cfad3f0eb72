import { type CanActivate, type ExecutionContext, Inject, Injectable, Optional } from '@nestjs/common';
import type { Request } from 'express';
import { LRUCache } from 'lru-cache';
import { Cluster, fingerprint } from '../cluster/cluster.js';
import type { TokenOwner } from '../cluster/cluster.js';
import { SETTINGS } from '../config/settings.module.js';
import type { SettingValues } from '../config/settings.js';
import { ProblemError } from './problem.js';

const REMEMBERED_MS = 60_000;
const REMEMBERED = 10_000;
/** All that is told without a token, letter by letter: routes are found whatever their case. */
const OPEN: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

/** Lets in whom the API server of the cluster knows, by bearer token; anyone where authentication is off. */
@Injectable()
export class AuthenticationGuard implements CanActivate {
  /** By fingerprint: tokens themselves are not kept. */
  readonly #owners = new LRUCache<string, TokenOwner>({ max: REMEMBERED, ttl: REMEMBERED_MS });

  constructor(
    @Inject(SETTINGS) private readonly settings: Pick<SettingValues, 'apiAuthentication'>,
    @Optional() @Inject(Cluster) private readonly cluster: Cluster | null,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.settings.apiAuthentication === 'off') return true;
    const request = context.switchToHttp().getRequest<Request>();
    if (OPEN.has(request.path)) return true;
    const token = /^Bearer ([\w.~+/=-]{1,8192})$/.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) throw new ProblemError(401, 'Send a token of the cluster: Authorization: Bearer <token>.');
    if ((await this.#ownerOf(token)) === null) throw new ProblemError(401, 'The cluster does not know this token.');
    return true;
  }

  async #ownerOf(token: string): Promise<TokenOwner | null> {
    const key = fingerprint(token);
    const known = this.#owners.get(key);
    if (known) return known;
    const owner = (await this.cluster?.ownerOf(token)) ?? null;
    if (owner) this.#owners.set(key, owner);
    return owner;
  }
}
