import { z } from 'zod';

/** One thing that can be set: its environment variable, what values it takes and what it is for. */
export interface SettingDefinition<S extends z.ZodType = z.ZodType> {
  variable: string;
  schema: S;
  /** For people: what it decides. One or two sentences. */
  description: string;
  /** What values it takes, in words. */
  values: string;
  /** Its value is never shown. */
  secret?: true;
}

const setting = <S extends z.ZodType>(definition: SettingDefinition<S>): SettingDefinition<S> => definition;

const port = z.coerce.number().int().min(0).max(65_535);
const milliseconds = (least: number, most: number) => z.coerce.number().int().min(least).max(most);
const list = z
  .string()
  .max(20_000)
  .transform((text) => text.split(/[\s,]+/).filter((item) => item !== ''));
const path = z.string().min(1).max(4096);
const optionalPath = path.nullable().default(null);

const httpUrl = (text: string) => /^https?:$/.test(URL.canParse(text) ? new URL(text).protocol : '');

/**
 * Every setting of the service. Read once, at start, from environment variables; `docs/configuration.md` is generated
 * from this table.
 */
export const SETTING_DEFINITIONS = {
  port: setting({
    variable: 'PORT',
    schema: port.default(8080),
    values: 'a port, 0 to 65535; 0 takes any free one',
    description: 'Port of the REST API, health and metrics.',
  }),
  host: setting({
    variable: 'PLIMSOLL_HOST',
    schema: z.string().min(1).max(255).default('127.0.0.1'),
    values: 'an address or host name',
    description: 'Address that the REST API listens on. Anything but loopback needs `PLIMSOLL_API_AUTH=token-review`.',
  }),
  apiAuthentication: setting({
    variable: 'PLIMSOLL_API_AUTH',
    schema: z.enum(['off', 'token-review']).default('off'),
    values: '`off` or `token-review`',
    description:
      'Who may ask the REST API: anyone (`off`, on loopback only) or bearers of a token that the API server of the cluster knows (`token-review`). Health and metrics stay open.',
  }),
  webhookPort: setting({
    variable: 'WEBHOOK_PORT',
    schema: port.default(8443),
    values: 'a port, 0 to 65535; 0 takes any free one',
    description: 'Port of the admission webhook (HTTPS).',
  }),
  webhookHost: setting({
    variable: 'PLIMSOLL_WEBHOOK_HOST',
    schema: z.string().min(1).max(255).default('127.0.0.1'),
    values: 'an address or host name',
    description: 'Address that the admission webhook listens on. In a cluster: `0.0.0.0` or `::`.',
  }),
  webhookNames: setting({
    variable: 'PLIMSOLL_WEBHOOK_NAMES',
    schema: list.default(['localhost', '127.0.0.1', '::1']),
    values: 'host names and addresses, separated by commas',
    description:
      'What the self-made certificate is valid for: every name under which the API server reaches the webhook.',
  }),
  webhookUrl: setting({
    variable: 'PLIMSOLL_WEBHOOK_URL',
    schema: z.string().startsWith('https://').max(2048).refine(httpUrl).nullable().default(null),
    values: 'an https URL',
    description:
      'Base URL under which the API server reaches the webhook. Where it is set and a cluster is given, Plimsoll registers its webhooks there; else they are left alone.',
  }),
  webhookFailurePolicy: setting({
    variable: 'PLIMSOLL_WEBHOOK_FAILURE_POLICY',
    schema: z.enum(['Ignore', 'Fail']).default('Ignore'),
    values: '`Ignore` or `Fail`',
    description: 'What the API server does when the webhook does not answer, for webhooks that Plimsoll registers.',
  }),
  tlsCertificateFile: setting({
    variable: 'PLIMSOLL_TLS_CERT_FILE',
    schema: optionalPath,
    values: 'the path of a PEM file',
    description:
      'Certificate of the webhook, with its chain. Read again when it changes. Unset: a certificate is made, signed by an authority that is made too and kept in the data folder.',
  }),
  tlsKeyFile: setting({
    variable: 'PLIMSOLL_TLS_KEY_FILE',
    schema: optionalPath,
    values: 'the path of a PEM file',
    description: 'Private key for `PLIMSOLL_TLS_CERT_FILE`.',
  }),
  tlsCaFile: setting({
    variable: 'PLIMSOLL_TLS_CA_FILE',
    schema: optionalPath,
    values: 'the path of a PEM file',
    description:
      'Authority that signed `PLIMSOLL_TLS_CERT_FILE`, for the webhook registration. Unset: the certificate itself is used.',
  }),
  tlsSecret: setting({
    variable: 'PLIMSOLL_TLS_SECRET',
    schema: z.string().min(1).max(253).nullable().default(null),
    values: 'the name of a Secret',
    description:
      'Secret, in the namespace of the pod, in which replicas keep an authority and a certificate that they make themselves and renew well before they end. Unset: the data folder of each.',
  }),
  webhookConfiguration: setting({
    variable: 'PLIMSOLL_WEBHOOK_CONFIGURATION',
    schema: z.string().min(1).max(253).nullable().default(null),
    values: 'the name of webhook configurations',
    description:
      'Mutating and validating webhook configuration whose `caBundle` is kept at the authority of the certificate that is shown, by the replica that leads. Unset: others do that.',
  }),
  webhookClientCaFile: setting({
    variable: 'PLIMSOLL_WEBHOOK_CLIENT_CA_FILE',
    schema: optionalPath,
    values: 'the path of a PEM file',
    description:
      'Authority of the API server’s client certificate (its admission kubeconfig). Where it is set, reviews are only taken of who shows one. Unset: of anyone who can reach the port.',
  }),
  webhookClientName: setting({
    variable: 'PLIMSOLL_WEBHOOK_CLIENT_NAME',
    schema: z.string().min(1).max(253).nullable().default(null),
    values: 'a common name',
    description: 'Common name that the client certificate must have as well.',
  }),
  admissionBudgetMs: setting({
    variable: 'PLIMSOLL_ADMISSION_BUDGET_MS',
    schema: milliseconds(10, 25_000).default(2_500),
    values: 'milliseconds, 10 to 25000',
    description:
      'How long an admission review may wait for an estimate. Past it the workload is admitted with the verdict `unknown`, and the watcher settles it.',
  }),
  admissionWaiting: setting({
    variable: 'PLIMSOLL_ADMISSION_WAITING',
    schema: z.coerce.number().int().min(1).max(10_000).default(64),
    values: 'a number, 1 to 10000',
    description:
      'Reviews that may wait for an estimate at a time. Above it they are admitted unassessed, with a warning.',
  }),
  estimateLimitMs: setting({
    variable: 'PLIMSOLL_ESTIMATE_LIMIT_MS',
    schema: milliseconds(100, 600_000).default(20_000),
    values: 'milliseconds, 100 to 600000',
    description: 'The longest that one assessment may take. Its worker is replaced then.',
  }),
  workers: setting({
    variable: 'PLIMSOLL_WORKERS',
    schema: z.coerce.number().int().min(1).max(64).default(2),
    values: 'a number, 1 to 64',
    description: 'Threads that assess workloads. With one, a slow manifest holds up all others.',
  }),
  workerMemoryMib: setting({
    variable: 'PLIMSOLL_WORKER_MEMORY_MIB',
    schema: z.coerce.number().int().min(32).max(8_192).default(512),
    values: 'a number, 32 to 8192',
    description:
      'Heap that one worker may take, in MiB. One that needs more is ended and replaced; its workload is admitted with a warning.',
  }),
  defaultMode: setting({
    variable: 'PLIMSOLL_DEFAULT_MODE',
    schema: z.enum(['off', 'advise', 'enforce']).default('advise'),
    values: '`off`, `advise` or `enforce`',
    description: 'Mode of namespaces without the label `plimsoll.dev/mode`.',
  }),
  reject: setting({
    variable: 'PLIMSOLL_REJECT',
    schema: list.pipe(z.array(z.enum(['will-not-fit', 'unschedulable'])).min(1)).default(['will-not-fit']),
    values: '`will-not-fit`, `unschedulable`, or both, separated by commas',
    description:
      'Verdicts for which an `enforce` namespace rejects. `unschedulable` is for clusters that do not grow, or whose pools are all named in `PLIMSOLL_NODE_POOLS`: a pool that is scaled to zero looks like no pool.',
  }),
  nodePools: setting({
    variable: 'PLIMSOLL_NODE_POOLS',
    schema: z.string().max(200_000).nullable().default(null),
    values: 'a list in YAML or JSON, as in docs/inventory.md',
    description:
      'Node pools that an autoscaler may let grow, also from nothing. The nodes that they may still get count as places for later.',
  }),
  databaseUrl: setting({
    variable: 'DATABASE_URL',
    schema: z
      .string()
      .max(4096)
      .regex(/^postgres(ql)?:\/\//)
      .nullable()
      .default(null),
    values: 'a URL that begins with postgres:// or postgresql://',
    description: 'Postgres to use. Unset: an embedded one is started in the data folder.',
    secret: true,
  }),
  dataFolder: setting({
    variable: 'PLIMSOLL_DATA_DIR',
    schema: path.default('.data'),
    values: 'the path of a folder that can be written to',
    description: 'Where the embedded Postgres and the self-made certificates are kept.',
  }),
  kubeconfig: setting({
    variable: 'PLIMSOLL_KUBECONFIG',
    schema: optionalPath,
    values: 'the path of a kubeconfig file, or `in-cluster`',
    description:
      'The cluster to watch. Unset: none; `KUBECONFIG` and `~/.kube/config` are not looked at, so that no cluster is touched by mistake.',
  }),
  kubeContext: setting({
    variable: 'PLIMSOLL_CONTEXT',
    schema: z.string().min(1).max(1000).nullable().default(null),
    values: 'the name of a context',
    description: 'Context of the kubeconfig file. Unset: its current one.',
  }),
  leaseNamespace: setting({
    variable: 'PLIMSOLL_LEASE_NAMESPACE',
    schema: z
      .string()
      .max(63)
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
      .nullable()
      .default(null),
    values: 'the name of a namespace',
    description:
      'Where the Lease lies by which replicas choose the one that annotates workloads and tells Events. Unset: the namespace of the pod; outside of a cluster none, and each takes itself to be alone.',
  }),
  dcgmTargets: setting({
    variable: 'PLIMSOLL_DCGM_TARGETS',
    schema: list.pipe(z.array(z.string().refine(httpUrl)).max(10_000)).default([]),
    values: 'http or https URLs, separated by commas',
    description: 'dcgm-exporter endpoints to scrape, such as `http://10.0.0.7:9400/metrics`.',
  }),
  dcgmDiscovery: setting({
    variable: 'PLIMSOLL_DCGM_DISCOVERY',
    schema: z.stringbool().default(true),
    values: '`true` or `false`',
    description: 'Also scrape the dcgm-exporter pods of the watched cluster.',
  }),
  dcgmSelector: setting({
    variable: 'PLIMSOLL_DCGM_SELECTOR',
    schema: z
      .string()
      .min(1)
      .max(1000)
      .default('app.kubernetes.io/name=dcgm-exporter;app=nvidia-dcgm-exporter;app=dcgm-exporter'),
    values: 'label selectors, separated by semicolons',
    description: 'Which pods of the cluster are exporters: those that one of these label selectors matches.',
  }),
  prometheusUrl: setting({
    variable: 'PLIMSOLL_PROMETHEUS_URL',
    schema: z.string().max(2048).refine(httpUrl).nullable().default(null),
    values: 'an http or https URL',
    description:
      'Prometheus, Thanos or VictoriaMetrics that scrapes the exporters itself, such as `http://prometheus.monitoring:9090`. It is asked at every collection, beside the exporters above.',
    secret: true,
  }),
  prometheusMatchers: setting({
    variable: 'PLIMSOLL_PROMETHEUS_MATCHERS',
    schema: z
      .string()
      .max(2000)
      .regex(/^[^{}]*$/)
      .default(''),
    values: 'label matchers without braces',
    description: 'Narrows what Prometheus is asked for, such as `cluster="a",job="dcgm-exporter"`.',
  }),
  prometheusTokenFile: setting({
    variable: 'PLIMSOLL_PROMETHEUS_TOKEN_FILE',
    schema: optionalPath,
    values: 'the path of a file',
    description: 'Bearer token for Prometheus. Read at every query.',
  }),
  prometheusPasswordFile: setting({
    variable: 'PLIMSOLL_PROMETHEUS_PASSWORD_FILE',
    schema: optionalPath,
    values: 'the path of a file',
    description: 'Password of the user in the URL of Prometheus, for basic authentication. Read at every query.',
  }),
  prometheusHeaders: setting({
    variable: 'PLIMSOLL_PROMETHEUS_HEADERS',
    schema: z
      .string()
      .max(10_000)
      .transform((text) => text.split('\n').filter((line) => line.trim() !== ''))
      .pipe(z.array(z.string().regex(/^[A-Za-z0-9-]{1,100}:\s*[\x20-\x7e]{1,2000}$/)).max(20))
      .default([]),
    values: '`Name: value`, one a line',
    description:
      'Headers to send to Prometheus, such as the tenant `X-Scope-OrgID: gpu` (Mimir) or `THANOS-TENANT: gpu` (Thanos).',
    secret: true,
  }),
  prometheusBackfillHours: setting({
    variable: 'PLIMSOLL_PROMETHEUS_BACKFILL_HOURS',
    schema: z.coerce.number().int().min(0).max(24).default(24),
    values: 'hours, 0 to 24',
    description:
      'How far back Prometheus is asked, hour by hour, once a replica begins to collect: capacities and peaks of that time are then known. 0: not at all.',
  }),
  prometheusBackfillStepSeconds: setting({
    variable: 'PLIMSOLL_PROMETHEUS_BACKFILL_STEP_SECONDS',
    schema: z.coerce.number().int().min(15).max(900).default(60),
    values: 'seconds, 15 to 900',
    description: 'Time between two moments of that past. A peak between two of them is not seen.',
  }),
  foldAfterDays: setting({
    variable: 'PLIMSOLL_FOLD_AFTER_DAYS',
    schema: z.coerce.number().int().min(1).max(365).default(2),
    values: 'days, 1 to 365',
    description: 'Age at which samples in windows of 15 minutes become one window a day.',
  }),
  keepDays: setting({
    variable: 'PLIMSOLL_KEEP_DAYS',
    schema: z.coerce.number().int().min(8).max(3650).default(30),
    values: 'days, 8 to 3650',
    description:
      'Age at which samples, devices and nodes that are not seen any more are forgotten. At least the week over which the capacity of a device is the largest.',
  }),
  scrapeIntervalMs: setting({
    variable: 'PLIMSOLL_SCRAPE_INTERVAL_MS',
    schema: milliseconds(1_000, 3_600_000).default(30_000),
    values: 'milliseconds, 1000 to 3600000',
    description: 'Time from one scrape of all exporters to the next.',
  }),
  scrapeTimeoutMs: setting({
    variable: 'PLIMSOLL_SCRAPE_TIMEOUT_MS',
    schema: milliseconds(100, 120_000).default(10_000),
    values: 'milliseconds, 100 to 120000',
    description: 'How long one exporter may take to answer.',
  }),
  clusterName: setting({
    variable: 'PLIMSOLL_CLUSTER_NAME',
    schema: z.string().min(1).max(253).default('default'),
    values: 'a name',
    description:
      'What the cluster is called where estimates are held against what runs used, for several in one database.',
  }),
  observationDays: setting({
    variable: 'PLIMSOLL_OBSERVATION_DAYS',
    schema: z.coerce.number().int().min(1).max(3_650).default(90),
    values: 'days, 1 to 3650',
    description: 'For how long it is remembered what runs used, counted from when they were last seen.',
  }),
  observedLeastMs: setting({
    variable: 'PLIMSOLL_OBSERVED_LEAST_MS',
    schema: milliseconds(1_000, 3_600_000).default(120_000),
    values: 'milliseconds, 1000 to 3600000',
    description:
      'For how long a pod must have used GPU memory for its use to count: shorter ones may not have come to a step of the optimizer.',
  }),
  drainMs: setting({
    variable: 'PLIMSOLL_DRAIN_MS',
    schema: milliseconds(0, 120_000).default(1_000),
    values: 'milliseconds, 0 to 120000',
    description:
      'How long requests are still taken after a stop signal, with readiness off, for load balancers to notice. In a cluster: 5000 to 10000.',
  }),
  exampleCluster: setting({
    variable: 'PLIMSOLL_EXAMPLE_CLUSTER',
    schema: optionalPath,
    values: 'the path of a folder',
    description: 'Exposition texts and a node list to take the inventory from, for a try-out without a cluster.',
  }),
  exampleManifests: setting({
    variable: 'PLIMSOLL_EXAMPLE_MANIFESTS',
    schema: optionalPath,
    values: 'the path of a folder',
    description: 'Manifests to assess at start, for a try-out without a cluster. Their verdicts are printed.',
  }),
  logLevel: setting({
    variable: 'PLIMSOLL_LOG_LEVEL',
    schema: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    values: '`fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`',
    description: 'Least severe level that is logged.',
  }),
  logFormat: setting({
    variable: 'PLIMSOLL_LOG_FORMAT',
    schema: z.enum(['json', 'text']).default('json'),
    values: '`json` or `text`',
    description: 'One JSON object per line, or text for people.',
  }),
} as const satisfies Record<string, SettingDefinition>;

type Definitions = typeof SETTING_DEFINITIONS;

/** The values of all settings. */
export type SettingValues = { readonly [K in keyof Definitions]: z.output<Definitions[K]['schema']> };

export type SettingName = keyof Definitions;
