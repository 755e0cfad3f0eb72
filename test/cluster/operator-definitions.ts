import { join } from 'node:path';
import type { ControlPlane } from './control-plane.js';
import { goModuleFolder } from './go-modules.js';

/** A Go module that carries an operator's CustomResourceDefinitions, and which of its files are needed. */
interface DefinitionsModule {
  module: string;
  files: readonly string[];
}

/**
 * The definitions as their operators publish them, pinned. `mpijobs.kubeflow.org` is defined by two operators with
 * different versions, of which one cluster can have one: here the MPI operator's v2beta1.
 */
export const OPERATORS = {
  jobset: {
    module: 'sigs.k8s.io/jobset@v0.12.0',
    files: ['config/components/crd/bases/jobset.x-k8s.io_jobsets.yaml'],
  },
  trainer: {
    module: 'github.com/kubeflow/trainer/v2@v2.3.0',
    files: ['clustertrainingruntimes', 'trainingruntimes', 'trainjobs'].map(
      (name) => `manifests/base/crds/trainer.kubeflow.org_${name}.yaml`,
    ),
  },
  trainingOperator: {
    module: 'github.com/kubeflow/training-operator@v1.9.3',
    files: ['manifests/base/crds/kubeflow.org_pytorchjobs.yaml'],
  },
  mpiOperator: {
    module: 'github.com/kubeflow/mpi-operator@v0.8.0',
    files: ['manifests/base/kubeflow.org_mpijobs.yaml'],
  },
  kuberay: {
    module: 'github.com/ray-project/kuberay/ray-operator@v1.6.2',
    files: ['config/crd/bases/ray.io_rayjobs.yaml'],
  },
  volcano: {
    module: 'volcano.sh/volcano@v1.15.1',
    files: ['config/crd/volcano/bases/batch.volcano.sh_jobs.yaml'],
  },
  leaderWorkerSet: {
    module: 'sigs.k8s.io/lws@v0.9.0',
    files: ['config/crd/bases/leaderworkerset.x-k8s.io_leaderworkersets.yaml'],
  },
  appWrapper: {
    module: 'github.com/project-codeflare/appwrapper@v1.2.0',
    files: ['config/crd/bases/workload.codeflare.dev_appwrappers.yaml'],
  },
} as const satisfies Record<string, DefinitionsModule>;

/**
 * Applies the definitions of these operators and waits until the API server serves their kinds. The modules come through
 * Go's module cache. Throws with what go or kubectl said.
 */
export async function defineKinds(plane: ControlPlane, operators: readonly DefinitionsModule[]): Promise<void> {
  const files: string[] = [];
  for (const { module, files: names } of operators) {
    const folder = await goModuleFolder(module);
    files.push(...names.map((name) => join(folder, name)));
  }
  const named = files.flatMap((file) => ['--filename', file]);
  // Client-side apply writes the whole object into an annotation, which is too small for the larger definitions.
  await told(plane, ['apply', '--server-side', ...named]);
  await told(plane, ['wait', '--for=condition=Established', '--timeout=120s', ...named]);
}

async function told(plane: ControlPlane, args: readonly string[]): Promise<void> {
  const { code, stderr } = await plane.kubectl(args, { timeoutMs: 180_000 });
  if (code !== 0) throw new Error(`kubectl ${args[0]} ended with status ${code}: ${stderr.trim()}`);
}
