import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { readDocuments } from '../../src/workload/documents/documents.js';
import { readWorkload } from '../../src/workload/read-workload.js';
import type { DeviceRequest, PodSet, Workload } from '../../src/workload/workload.js';

/**
 * What is read of manifests that others publish, as reviewed. The manifests themselves are not part of the project: they
 * are read where they lie beside it. `UPDATE_READINGS=1` writes the readings anew, to be reviewed as a change.
 */
const PUBLIC = '../shared/manifests/public';
const READINGS = 'test/readings/workload';

function summary(workload: Workload): unknown {
  const { reference, podSets, gangSize, suspended, purpose, notes } = workload;
  return {
    kind: `${reference.apiVersion} ${reference.kind}`,
    purpose,
    suspended,
    gangSize,
    podSets: podSets.map(podSetSummary),
    notes,
  };
}

function podSetSummary(podSet: PodSet): unknown {
  const { name, role, replicas, replicasUnresolved, path, containers, devices, placement, launch } = podSet;
  return {
    name,
    role,
    replicas: replicasUnresolved.length === 0 ? replicas : `${replicas} assumed for ${replicasUnresolved[0]?.text}`,
    path,
    containers: containers.map(({ name: container, command, args, env, mounts }) => ({
      name: container,
      words: command.length + args.length,
      env: env.length,
      mounts: mounts.map(({ source }) => source.kind).join(' '),
    })),
    devices: devices.map(deviceSummary),
    placement,
    launch,
  };
}

function deviceSummary({ resource, form, count, unresolved }: DeviceRequest): string {
  const assumed = unresolved === undefined ? '' : ` (${unresolved.text}: assumed ${unresolved.assumed})`;
  return `${count} × ${resource}, by ${form}${assumed}`;
}

const files = existsSync(PUBLIC) ? readdirSync(PUBLIC).filter((file) => file.endsWith('.yaml')) : [];
if (files.length === 0) process.stderr.write(`SKIPPED: readings of public manifests, because ${PUBLIC} is not there\n`);
const whereGiven = files.length === 0 ? describe.skip : describe;

whereGiven('the workload of a published manifest', () => {
  it.each(files)('%s is read as reviewed', (file) => {
    const documents = readDocuments(readFileSync(`${PUBLIC}/${file}`, 'utf8'), file);
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    const workloads = documents.flatMap(({ manifest }) => (manifest === null ? [] : (readWorkload(manifest) ?? [])));
    const reading = `${READINGS}/${file.replace(/\.yaml$/, '.json')}`;
    const text = `${JSON.stringify(workloads.map(summary), null, 2)}\n`;
    if (process.env.UPDATE_READINGS === '1') writeFileSync(reading, text);
    expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(reading, 'utf8')));
  });
});
