import { type CanActivate, type ExecutionContext, Inject, Injectable, Optional } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { LRUCache } from 'lru-cache';
import { Cluster, fingerprint } from '../cluster/cluster.js';
import type { TokenOwner } from '../cluster/cluster.js';
import { SETTINGS } from '../config/settings.module.js';
import type { SettingValues } from '../config/settings.js';
import { Access, REQUIRED, setOwner } from './access.js';
import type { Right } from './access.js';
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
    @Optional() @Inject(Cluster) private readonly cluster: Pick<Cluster, 'ownerOf'> | null,
    private readonly access: Access,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.settings.apiAuthentication === 'off') return true;
    const request = context.switchToHttp().getRequest<Request>();
    if (OPEN.has(request.path)) return true;
    const token = /^Bearer ([\w.~+/=-]{1,8192})$/.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) throw new ProblemError(401, 'Send a token of the cluster: Authorization: Bearer <token>.');
    const owner = await this.#ownerOf(token);
    if (owner === null) throw new ProblemError(401, 'The cluster does not know this token.');
    setOwner(request, owner);
    const right = this.reflector.get<Right | undefined>(REQUIRED, context.getHandler());
    if (right !== undefined) await this.access.demand(request, right, namespaceAsked(request));
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

/** Given twice it is a list, which the handler's own schema refuses: nothing is granted by it. */
function namespaceAsked({ query }: Request): string | null {
  const { namespace } = query;
  return typeof namespace === 'string' && namespace !== '' ? namespace : null;
}
