import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { orNull } from '../../src/cluster/api-client.js';
import type { ApiClient } from '../../src/cluster/api-client.js';
import { connect } from '../../src/cluster/connection.js';
import { startControlPlane } from '../cluster/control-plane.js';
import type { ControlPlane } from '../cluster/control-plane.js';
import { createGpuNode } from '../cluster/gpu-node.js';
import { helm } from './helm.js';

const page = readFileSync(fileURLToPath(new URL('../../docs/operations.md', import.meta.url)), 'utf8');
const PODS = '/api/v1/namespaces/gpu-tools/pods';
/** Only a kubelet has logs. */
const NEEDS_KUBELET = 'kubectl --namespace gpu-tools logs job/plimsoll-migrate';

/** Commands of helm and kubectl in the order of the page: the lines of its blocks, and what stands in backticks. */
function commandsIn(text: string): string[] {
  const found = text.matchAll(/```sh\n([^]*?)```|`((?:kubectl|helm) [^`]+)`/g);
  return [...found].flatMap(([, block, inline]) => (inline === undefined ? linesOf(block!) : [inline])).filter(isWhole);
}

function linesOf(block: string): string[] {
  const joined = block.replace(/\\\n/g, ' ').split('\n');
  return joined
    .map((line) =>
      line
        .replace(/\s#.*$/, '')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter((line) => line !== '');
}

/** A name of a command, as in "at the next `helm upgrade`", is none. */
const isWhole = (command: string): boolean => command.split(' ').length > 3;

/** The words of a command as a shell gives them on. */
const wordsOf = (command: string): string[] =>
  [...command.matchAll(/(?:[^\s']+|'[^']*')+/g)].map(([word]) => word.replaceAll("'", ''));

const commands = commandsIn(page).filter((command) => command !== NEEDS_KUBELET);

let plane: ControlPlane;
let api: ApiClient;
let isOver = false;
let kubelet: Promise<void> = Promise.resolve();

beforeAll(async () => {
  plane = await startControlPlane();
  api = connect(plane.kubeconfig, null);
  await createGpuNode(plane, { name: 'node-0', gpus: 0 });
  await api.call({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: 'research' } } });
  kubelet = attend();
}, 200_000);

afterAll(async () => {
  isOver = true;
  await kubelet;
  await plane?.stop();
}, 60_000);

describe('docs/operations.md', () => {
  it('has the commands from install to uninstall', () => {
    expect(commandsIn(page)).toContain(NEEDS_KUBELET);
    expect(commands.length).toBeGreaterThan(12);
    expect(commands.filter((command) => command.startsWith('helm')).map((command) => wordsOf(command)[1])).toEqual(
      expect.arrayContaining(['install', 'upgrade']),
    );
  });

  it.each(commands)(
    '%s',
    async (command) => {
      const [program, ...args] = wordsOf(command.replaceAll('NAME', 'research'));
      const run = program === 'helm' ? helm(args, plane.kubeconfig) : plane.kubectl(args, { timeoutMs: 120_000 });
      const { code, stderr } = await run;
      expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    },
    180_000,
  );

  it('leaves no webhook in the way of anybody, and nothing of the release', async () => {
    for (const kind of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) {
      const list = await api.call({ method: 'GET', path: `/apis/admissionregistration.k8s.io/v1/${kind}` });
      expect(list['items']).toEqual([]);
    }
    const { items } = await api.call({ method: 'GET', path: '/apis/apps/v1/namespaces/gpu-tools/deployments' });
    expect(items).toEqual([]);
  });
});

interface Pod {
  metadata: { name: string; deletionTimestamp?: string; labels: Record<string, string> };
  spec: { restartPolicy: string };
  status: { phase: string };
}

/** What a kubelet would tell of the release's pods: those that are to end have, others are ready, deleted ones are gone. */
async function attend(): Promise<void> {
  for (; !isOver; await pause(200)) {
    const { items } = await api.call({ method: 'GET', path: PODS });
    for (const pod of items as unknown as Pod[]) await orNull(404, attendTo(pod));
  }
}

async function attendTo({ metadata, spec, status }: Pod): Promise<void> {
  const path = `${PODS}/${metadata.name}`;
  if (metadata.deletionTimestamp !== undefined) {
    await api.call({ method: 'DELETE', path, query: { gracePeriodSeconds: '0' } });
  } else if (status.phase === 'Pending') {
    const lastTransitionTime = new Date().toISOString().replace(/\.\d+/, '');
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime }];
    const next = spec.restartPolicy === 'Always' ? { phase: 'Running', conditions } : { phase: 'Succeeded' };
    const contentType = 'application/merge-patch+json';
    await api.call({ method: 'PATCH', path: `${path}/status`, contentType, body: { status: next } });
  }
}
