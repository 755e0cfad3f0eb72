import { known } from '../count.js';
import { embeddedYaml } from '../documents/embedded.js';
import { Field } from '../field.js';
import { readPodSet } from '../pod-template/pod-set.js';
import type { KindReading } from '../workload.js';
import type { Parameters } from './argo-parameters.js';
import { ParameterFilling, inputParameters, workflowParameters } from './argo-parameters.js';
import { joinReadings } from './joined-readings.js';
import type { InnerReader, WorkloadKind } from './workload-kind.js';

const NO_PARAMETERS: Parameters = new Map();
/** What a workflow says for all of its templates. */
const SHARED = ['volumes', 'nodeSelector', 'affinity', 'tolerations', 'podMetadata'] as const;

/**
 * Argo's Workflow: templates that run a container, a script or a set of containers, or create another object whose
 * manifest they hold as text. Each is read as if it ran once; steps and tasks only tell what is passed to them.
 */
export const argoWorkflow: WorkloadKind = {
  apiGroup: 'argoproj.io',
  kind: 'Workflow',
  versions: ['v1alpha1'],
  resource: 'workflows',
  read: (object: Field, inner: InnerReader): KindReading => readWorkflow(object.get('spec'), inner),
};

export const argoWorkflowTemplate: WorkloadKind = {
  ...argoWorkflow,
  kind: 'WorkflowTemplate',
  resource: 'workflowtemplates',
};

export const argoClusterWorkflowTemplate: WorkloadKind = {
  ...argoWorkflow,
  kind: 'ClusterWorkflowTemplate',
  resource: 'clusterworkflowtemplates',
};

export const argoCronWorkflow: WorkloadKind = {
  ...argoWorkflow,
  kind: 'CronWorkflow',
  resource: 'cronworkflows',
  read: (object: Field, inner: InnerReader): KindReading => readWorkflow(object.get('spec', 'workflowSpec'), inner),
};

function readWorkflow(spec: Field, inner: InnerReader): KindReading {
  const workflow = workflowParameters(spec);
  const templates = spec.get('templates').items();
  const inputs = inputParameters(templates, workflow);
  const filling = new ParameterFilling();
  const shared = spec.with(
    Object.fromEntries(SHARED.map((name) => [name, filling.fillIn(spec.get(name), [workflow])])),
  );
  const parts = templates.flatMap((template) => {
    const name = template.get('name').text() ?? '';
    const scopes = [inputs.get(name) ?? NO_PARAMETERS, workflow];
    const reading = readTemplate(filling.fillIn(template, scopes), shared, inner);
    return reading === null ? [] : [{ prefix: `${name}/`, reading }];
  });
  noteReference(spec);
  return { ...joinReadings(parts), suspended: spec.get('suspend').flag() };
}

function noteReference(spec: Field): void {
  const reference = spec.get('workflowTemplateRef');
  const name = reference.get('name').text();
  const kind = reference.get('clusterScope').flag() ? 'ClusterWorkflowTemplate' : 'WorkflowTemplate';
  if (name !== null) spec.log.note(`the templates of ${kind} ${name} are not part of this object`);
}

function readTemplate(template: Field, spec: Field, inner: InnerReader): KindReading | null {
  if (template.get('resource').present) return readResource(template.get('resource'), inner);
  const containers = containersOf(template);
  if (containers === null) return null;
  const podSet = readPodSet(podTemplate(template, spec, containers), {
    name: 'main',
    role: 'main',
    replicas: known(1),
  });
  return { podSets: [podSet], gangSize: null, suspended: false, purpose: 'training' };
}

/** The object that a template creates; what it only looks at or deletes holds no pods. */
function readResource(resource: Field, inner: InnerReader): KindReading | null {
  const action = resource.get('action').text() ?? 'create';
  if (action !== 'create' && action !== 'apply') return null;
  const manifest = embeddedYaml(resource.get('manifest'));
  return manifest.present ? inner(manifest) : null;
}

function containersOf(template: Field): Field[] | null {
  const sidecars = template.get('sidecars').items();
  const [container, script, set] = [template.get('container'), template.get('script'), template.get('containerSet')];
  if (container.present) return [container, ...sidecars];
  if (script.present) return [scriptContainer(script), ...sidecars];
  return set.present ? [...set.get('containers').items(), ...sidecars] : null;
}

/** A script's source is written to a file and given to its command, which is as much as `<command> -c <source>`. */
function scriptContainer(script: Field): Field {
  const source = script.get('source');
  return script.with({ args: source.listOf([source.holding('-c'), source]) });
}

/** A template's own volumes and placement, or the workflow's. */
function podTemplate(template: Field, workflow: Field, containers: readonly Field[]): Field {
  const podSpec = new Field({}, template.path, template.log);
  const either = (name: string): Field => (template.get(name).present ? template.get(name) : workflow.get(name));
  const volumes = podSpec.listOf([...workflow.get('volumes').items(), ...template.get('volumes').items()]);
  return podSpec.with({
    metadata: template.get('metadata').present ? template.get('metadata') : workflow.get('podMetadata'),
    spec: podSpec.with({
      volumes,
      containers: podSpec.listOf(containers),
      initContainers: template.get('initContainers'),
      nodeSelector: either('nodeSelector'),
      affinity: either('affinity'),
      tolerations: either('tolerations'),
    }),
  });
}
