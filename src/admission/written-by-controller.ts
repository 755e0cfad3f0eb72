import type { ReviewRequest } from './protocol/review.js';

/** The service accounts of one namespace. */
const accountsOf = (namespace: string | null) => `system:serviceaccount:${namespace ?? ''}:`;

/** Users that are part of the cluster: kubelets, and the controller manager where it uses one account for all. */
const OF_THE_CLUSTER = /^system:(node:.|kube-controller-manager$)/;

export interface OwnerOf {
  kind: string;
  name: string;
}

/**
 * Whether the word of who sends the request is taken for whose child the object is. An owner reference can be written by
 * hand, to have a workload passed over: it is believed of controllers, which run under service accounts of namespaces of
 * their own. Of an account of the object's own namespace (an operator that serves this namespace alone, an Argo
 * executor) it is believed where the owner is there, and so was looked at itself. Of a person never.
 */
export function isWrittenByController(
  { username, namespace }: Pick<ReviewRequest, 'username' | 'namespace'>,
  owner: OwnerOf,
  isThere: (owner: OwnerOf) => boolean,
): boolean {
  if (OF_THE_CLUSTER.test(username)) return true;
  if (!username.startsWith('system:serviceaccount:')) return false;
  return username.startsWith(accountsOf(namespace)) ? isThere(owner) : true;
}
