import { describe, expect, it } from '@jest/globals';
import { container, gpus, read, shape } from '../../../test/builders/objects.js';
import type { JsonObject, Workload } from '../workload.js';
import { wordPath } from '../workload.js';

describe('an Argo Workflow', () => {
  const workflow = (spec: JsonObject): Workload => read('argoproj.io/v1alpha1', 'Workflow', { spec });

  it('has a pod set for each template, with parameters filled in', () => {
    const workload = workflow({
      arguments: {
        parameters: [
          { name: 'batch', value: 8 },
          { name: 'pool', value: 'a100' },
        ],
      },
      nodeSelector: { pool: '{{workflow.parameters.pool}}' },
      templates: [
        {
          name: 'main',
          steps: [[{ name: 's', template: 'train', arguments: { parameters: [{ name: 'lr', value: '1e-4' }] } }]],
        },
        {
          name: 'train',
          inputs: { parameters: [{ name: 'lr', value: '1e-3' }] },
          container: container(2, {
            args: ['--batch={{workflow.parameters.batch}}', '--lr={{ inputs.parameters.lr }}'],
          }),
        },
      ],
    });
    expect(workload.podSets).toMatchObject([
      { name: 'train/main', path: 'spec.templates[1]', placement: { nodeSelector: { pool: 'a100' } } },
    ]);
    expect(workload.podSets[0]!.containers[0]!.args).toEqual(['--batch=8', '--lr=1e-4']);
    expect(workload.podSets[0]!.containers[0]!.path).toBe('spec.templates[1].container');
  });

  it('runs a script as its command does', () => {
    const script = { image: 'python:3', command: ['python'], source: 'import torch\n', resources: gpus(1) };
    const [podSet] = workflow({ templates: [{ name: 'fit', script }] }).podSets;
    expect(podSet!.containers[0]).toMatchObject({ command: ['python'], args: ['-c', 'import torch\n'] });
    expect(wordPath(podSet!.containers[0]!, 'args', 1)).toBe('spec.templates[0].script.source');
  });

  it('is read into the manifests that it creates', () => {
    const manifest = [
      'apiVersion: kubeflow.org/v1',
      'kind: PyTorchJob',
      'spec:',
      '  pytorchReplicaSpecs:',
      '    Worker:',
      '      replicas: {{workflow.parameters.nodes}}',
      '      template:',
      '        spec:',
      '          containers: [{name: pytorch, resources: {limits: {nvidia.com/gpu: "{{workflow.parameters.gpus}}"}}}]',
    ].join('\n');
    const templates = [
      { name: 'train', resource: { action: 'create', manifest } },
      { name: 'clean', resource: { action: 'delete', manifest: 'not: [yaml' } },
    ];
    const parameters: JsonObject[] = [{ name: 'nodes', value: '4' }, { name: 'gpus' }];
    const workload = workflow({ arguments: { parameters }, templates });
    expect(shape(workload)).toEqual([['worker', 4, 1]]);
    expect(workload.podSets[0]).toMatchObject({
      name: 'train/worker',
      path: 'spec.templates[0].resource.manifest!spec.pytorchReplicaSpecs.Worker.template.spec',
      devices: [{ unresolved: { kind: 'parameter', names: ['workflow.parameters.gpus'] } }],
    });
  });

  it('that loops says that its items are read as one', () => {
    const steps = [[{ name: 's', template: 't', withItems: [1, 2, 3] }]];
    const workload = workflow({
      templates: [
        { name: 'main', steps },
        { name: 't', container: container(1) },
      ] as JsonObject[],
    });
    expect(workload.notes).toEqual([
      'spec.templates[0].steps[0][0] runs once for each of its items (withItems): read as one',
    ]);
  });

  it('whose parameters would grow without bounds is unreadable', () => {
    const value = 'x'.repeat(100_000);
    const args = Array.from({ length: 1000 }, () => '{{workflow.parameters.long}}');
    const spec = {
      arguments: { parameters: [{ name: 'long', value }] },
      templates: [{ name: 't', container: container(1, { args }) }],
    };
    expect(() => workflow(spec)).toThrow('once parameters are filled in');
  });

  it('on a schedule is the same', () => {
    const workflowSpec = { templates: [{ name: 'train', container: container(1) }] };
    expect(shape(read('argoproj.io/v1alpha1', 'CronWorkflow', { spec: { workflowSpec } }))).toEqual([['main', 1, 1]]);
  });
});

describe('a template of Argo that workflows refer to', () => {
  const spec: JsonObject = {
    arguments: { parameters: [{ name: 'gpus', value: '4' }] },
    tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }],
    templates: [
      {
        name: 'finetune',
        inputs: { parameters: [{ name: 'model', value: 'gpt2' }] },
        container: container(1, {
          args: ['--model={{inputs.parameters.model}}'],
          resources: gpus('{{workflow.parameters.gpus}}'),
        }),
      },
      { name: 'report', container: { name: 'r', image: 'busybox' } },
    ],
  };

  it.each([
    ['WorkflowTemplate', { metadata: { name: 'w', namespace: 'team' } }],
    ['ClusterWorkflowTemplate', {}],
  ])('as a %s is read with the values that its parameters have by default', (kind, body) => {
    const workload = read('argoproj.io/v1alpha1', kind, { ...body, spec });
    expect(shape(workload)).toEqual([
      ['main', 1, 4],
      ['main', 1, 0],
    ]);
    expect(workload.podSets[0]).toMatchObject({
      name: 'finetune/main',
      path: 'spec.templates[0]',
      containers: [{ args: ['--model=gpt2'] }],
      placement: { tolerations: [{ key: 'nvidia.com/gpu' }] },
    });
    expect(workload.notes).toEqual([]);
  });

  it.each<JsonObject>([{ name: 'shared' }, { name: 'shared', clusterScope: true }])(
    'is named by the workflow that is made of it: %j',
    (workflowTemplateRef) => {
      const workload = read('argoproj.io/v1alpha1', 'Workflow', { spec: { workflowTemplateRef } });
      const kind = workflowTemplateRef['clusterScope'] === true ? 'ClusterWorkflowTemplate' : 'WorkflowTemplate';
      expect(workload.podSets).toEqual([]);
      expect(workload.notes).toEqual([`the templates of ${kind} shared are not part of this object`]);
    },
  );
});
