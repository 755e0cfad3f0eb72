import { isLoopback } from './loopback.js';
import { SETTING_DEFINITIONS } from './settings.js';
import type { SettingDefinition, SettingName, SettingValues } from './settings.js';

/** Settings that cannot be used: one line each, naming the variable, what it takes and what to do. */
export class UnusableSettings extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'UnusableSettings';
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The settings that the environment gives, the rest at their defaults. An empty variable counts as unset.
 * Throws UnusableSettings with every problem at once.
 */
export function readSettings(environment: Environment): SettingValues {
  const problems: string[] = [];
  const entries = Object.entries(SETTING_DEFINITIONS).map(([name, definition]) => {
    const read = readOne(definition, environment);
    if ('problem' in read) problems.push(read.problem);
    return [name, 'value' in read ? read.value : undefined];
  });
  if (problems.length > 0) throw new UnusableSettings(problems);
  const settings = Object.fromEntries(entries) as SettingValues;
  const clashes = CROSS_CHECKS.flatMap((check) => check(settings) ?? []);
  if (clashes.length > 0) throw new UnusableSettings(clashes);
  return settings;
}

function readOne(definition: SettingDefinition, environment: Environment): { value: unknown } | { problem: string } {
  const text = environment[definition.variable];
  const result = definition.schema.safeParse(text === '' ? undefined : text);
  if (result.success) return { value: result.data };
  const shown = definition.secret ? 'its value' : `"${text?.slice(0, 100)}"`;
  return {
    problem: `${definition.variable}: ${shown} is not usable. It takes ${definition.values}; unset it for the default.`,
  };
}

const variable = (name: SettingName) => SETTING_DEFINITIONS[name].variable;

/** Settings that exclude or need one another. */
const CROSS_CHECKS: readonly ((settings: SettingValues) => string | undefined)[] = [
  ({ tlsCertificateFile, tlsKeyFile }) =>
    (tlsCertificateFile === null) === (tlsKeyFile === null)
      ? undefined
      : `${variable('tlsCertificateFile')} and ${variable('tlsKeyFile')} belong together: set both, or none for a self-made certificate.`,
  ({ apiAuthentication, host }) =>
    apiAuthentication === 'off' && !isLoopback(host)
      ? `${variable('host')}: "${host}" can be reached from outside, and ${variable('apiAuthentication')} is off. Set ${variable('apiAuthentication')}=token-review, or ${variable('host')}=127.0.0.1.`
      : undefined,
  ({ apiAuthentication, kubeconfig }) =>
    apiAuthentication === 'token-review' && kubeconfig === null
      ? `${variable('apiAuthentication')}=token-review asks the API server of a cluster: set ${variable('kubeconfig')}.`
      : undefined,
  ({ tlsSecret, kubeconfig, tlsCertificateFile }) =>
    tlsSecret !== null && (kubeconfig === null || tlsCertificateFile !== null)
      ? `${variable('tlsSecret')} keeps certificates that are made here in a Secret of the cluster: set ${variable('kubeconfig')}, and ${variable('tlsCertificateFile')} not.`
      : undefined,
  ({ webhookClientName, webhookClientCaFile }) =>
    webhookClientName !== null && webhookClientCaFile === null
      ? `${variable('webhookClientName')} is looked for in a client certificate: set ${variable('webhookClientCaFile')}.`
      : undefined,
  ({ kubeContext, kubeconfig }) =>
    kubeContext !== null && (kubeconfig === null || kubeconfig === 'in-cluster')
      ? `${variable('kubeContext')} chooses within a kubeconfig file: set ${variable('kubeconfig')} to that file.`
      : undefined,
];
