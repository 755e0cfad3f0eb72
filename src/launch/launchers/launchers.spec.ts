import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  installedGrammars,
  job,
  manifest,
  readManifest,
  scriptJob,
  setting,
  settings,
} from '../../../test/builders/launch.js';
import type { Grammars } from '../grammars.js';
import type { RunReading } from '../reading.js';

let grammars: Grammars;
beforeAll(async () => {
  grammars = await installedGrammars();
});

const script = (text: string, gpus: number): RunReading | undefined =>
  readManifest(scriptJob(text, { gpus }), grammars)[0];
const processes = (reading: RunReading | undefined): Record<string, unknown> =>
  settings(reading, 'worldSize', 'nodes', 'processesPerNode');

describe('horovodrun', () => {
  const TRAIN = 'python tf_cnn_benchmarks.py --model=resnet50 --batch_size=32 --variable_update=horovod';

  it('starts as many processes as it is told, on the GPUs of one pod', () => {
    const reading = script(`horovodrun -np 4 -H localhost:4 ${TRAIN}`, 4);
    expect(processes(reading)).toEqual({ worldSize: 4, nodes: 1, processesPerNode: 4 });
    expect(setting(reading, 'microBatchSize')).toMatchObject({ value: 32, evidence: { kind: 'read' } });
    expect(setting(reading, 'processesPerNode')).toMatchObject({ evidence: { place: { text: '4' } } });
  });

  it.each([
    'horovodrun --num-proc=2 --gloo --no-stall-check --log-hide-timestamp',
    'horovodrun --mpi --mpi-args="--map-by ppr:2:node" --timeline-filename /tmp/t.json --timeline-mark-cycles -np 2',
    'horovodrun -np 2 --min-np 1 --max-np 2 --host-discovery-script ./discover.sh --verbose',
    'horovodrun -p 2222 -hostfile /etc/mpi/hostfile --tcp --hierarchical-allgather -np 2',
    'python -m horovod.runner.launch -np 2 --disable-cache',
  ])('is told apart from what it starts: %s', (launcher) => {
    const reading = script(`${launcher} ${TRAIN}`, 2);
    expect(processes(reading)).toEqual({ worldSize: 2, nodes: 1, processesPerNode: 2 });
    expect(setting(reading, 'microBatchSize').value).toBe(32);
  });

  it('in the launcher of an MPIJob counts the processes of all workers together', () => {
    const [reading] = readManifest(
      manifest(`
apiVersion: kubeflow.org/v2beta1
kind: MPIJob
metadata: {name: horovod}
spec:
  slotsPerWorker: 4
  mpiReplicaSpecs:
    Launcher:
      template:
        spec:
          containers:
            - name: launcher
              command: [horovodrun, -np, "8", --hostfile, /etc/mpi/hostfile, python, tf_cnn_benchmarks.py]
              args: [--batch_size=64, --model=resnet50, --variable_update=horovod]
    Worker:
      replicas: 2
      template: {spec: {containers: [{name: worker, resources: {limits: {nvidia.com/gpu: 4}}}]}}
`),
      grammars,
    );
    expect(reading?.podSet).toBe('worker');
    expect(processes(reading)).toEqual({ worldSize: 8, nodes: 2, processesPerNode: 4 });
    expect(setting(reading, 'microBatchSize').value).toBe(64);
  });
});

describe('ray job submit', () => {
  const TRAIN = 'python train.py --model_name_or_path gpt2 --per_device_train_batch_size 4';

  it.each([
    `ray job submit --address http://ray-head:8265 --working-dir . --no-wait -- ${TRAIN}`,
    `ray job submit --runtime-env-json='{"pip": ["trl"]}' --entrypoint-num-gpus 1 -- ${TRAIN}`,
    `ray job submit --working-dir /src --no-wait ${TRAIN}`,
  ])('hands on the command that follows its own flags: %s', (text) => {
    const reading = script(text, 1);
    expect(settings(reading, 'model', 'microBatchSize')).toEqual({
      model: { name: 'gpt2', catalogId: null, config: null },
      microBatchSize: 4,
    });
    expect(setting(reading, 'microBatchSize').evidence.kind).toBe('read');
  });

  it('keeps the launcher inside it', () => {
    const reading = script(`ray job submit --no-wait -- torchrun --nproc_per_node=2 ${TRAIN.slice(7)}`, 2);
    expect(processes(reading)).toEqual({ worldSize: 2, nodes: 1, processesPerNode: 2 });
  });

  it('without a command starts no training', () => {
    const reading = readManifest(job({ command: ['ray', 'job', 'submit', '--no-wait'] }), grammars)[0];
    expect(reading?.run ?? null).toBeNull();
  });
});
