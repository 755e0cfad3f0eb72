import { createHash } from 'node:crypto';
import { Inject, Injectable, Optional, SetMetadata } from '@nestjs/common';
import type { Request } from 'express';
import { LRUCache } from 'lru-cache';
import { Cluster } from '../cluster/cluster.js';
import type { AccessQuestion, TokenOwner } from '../cluster/cluster.js';
import { SETTINGS } from '../config/settings.module.js';
import type { SettingValues } from '../config/settings.js';
import { ProblemError } from './problem.js';

/** What RBAC grants: resources of a group that has no objects. Roles name them like any other. */
export type Right = Omit<AccessQuestion, 'namespace'>;

/** What a handler takes of who asks. Its namespace is the query parameter of this name; without one it is all of them. */
export const Requires = (right: Right): MethodDecorator => SetMetadata(REQUIRED, right);
export const REQUIRED = 'plimsoll:required';

const owners = new WeakMap<Request, TokenOwner>();
/** A right that is taken away is taken away soon; one that is given is not waited for long. */
const GRANTED_MS = 60_000;
const DENIED_MS = 10_000;
const REMEMBERED = 10_000;

/** Who sent a request, once its token was looked at; null where nobody is asked for one. */
export const ownerOf = (request: Request): TokenOwner | null => owners.get(request) ?? null;

export function setOwner(request: Request, owner: TokenOwner): void {
  owners.set(request, owner);
}

/** Asks the API server of the cluster, by SubjectAccessReview, what who asks may see. Everything where authentication is off. */
@Injectable()
export class Access {
  readonly #answers = new LRUCache<string, boolean>({ max: REMEMBERED, ttl: GRANTED_MS });

  constructor(
    @Inject(SETTINGS) private readonly settings: Pick<SettingValues, 'apiAuthentication'>,
    @Optional() @Inject(Cluster) private readonly cluster: Pick<Cluster, 'mayAccess'> | null,
  ) {}

  /** Throws ProblemError 403 where who asks has not this right in this namespace (null: in all of them). */
  async demand(request: Request, right: Right, namespace: string | null): Promise<void> {
    if (await this.has(request, right, namespace)) return;
    const { verb, resource } = right;
    const where = namespace === null ? 'in all namespaces; name one with ?namespace=' : `in the namespace ${namespace}`;
    throw new ProblemError(403, `You may not ${verb} ${resource}.plimsoll.dev ${where}.`);
  }

  /** Whether who asks has this right in this namespace (null: in all of them). */
  async has(request: Request, right: Right, namespace: string | null): Promise<boolean> {
    if (this.settings.apiAuthentication === 'off') return true;
    const owner = ownerOf(request);
    if (owner === null || this.cluster === null) return false;
    const key = keyOf(owner, { ...right, namespace });
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const isGranted = await this.cluster.mayAccess(owner, { ...right, namespace });
    this.#answers.set(key, isGranted, { ttl: isGranted ? GRANTED_MS : DENIED_MS });
    return isGranted;
  }
}

function keyOf(owner: TokenOwner, question: AccessQuestion): string {
  return createHash('sha256')
    .update(JSON.stringify([owner, question]))
    .digest('base64url');
}
