import type { Field } from '../field.js';
import { memberPath } from '../json-path.js';
import type { KindReading, PodSet } from '../workload.js';
import { joinReadings } from './joined-readings.js';
import type { InnerReader, WorkloadKind } from './workload-kind.js';

/** AppWrapper: objects of any kind, wrapped to be queued as one (project-codeflare/appwrapper). */
export const appWrapper: WorkloadKind = {
  apiGroup: 'workload.codeflare.dev',
  kind: 'AppWrapper',
  versions: ['v1beta2', 'v1beta1'],
  resource: 'appwrappers',
  read(object: Field, inner: InnerReader): KindReading {
    const components = object.get('spec', 'components').items();
    const several = components.length > 1;
    const parts = components.flatMap((component, index) => {
      const reading = inner(component.get('template'));
      if (reading === null) return [];
      compareDeclared(component, reading.podSets);
      return [{ prefix: several ? `${index}/` : '', reading }];
    });
    return { ...joinReadings(parts), suspended: object.get('spec', 'suspend').flag() };
  },
};

/** The wrapper may say how many pods there are of each template; where it disagrees, the wrapped object is right. */
function compareDeclared(component: Field, podSets: readonly PodSet[]): void {
  const byPath = new Map(podSets.map((podSet) => [podSet.path, podSet]));
  for (const declared of component.get('podSets').items()) {
    const path = declared.get('path').text() ?? '';
    const replicas = declared.get('replicas').count(1).value;
    const podSet = byPath.get(`${component.path}.${path}.spec`);
    if (podSet !== undefined && podSet.replicas !== replicas) {
      declared.log.note(
        `${memberPath(declared.path, 'replicas')} says ${replicas} pods, but ${path} makes ${podSet.replicas}`,
      );
    }
  }
}
