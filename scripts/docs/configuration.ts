import { SETTING_DEFINITIONS } from '../../src/config/settings.js';
import type { SettingDefinition } from '../../src/config/settings.js';

const HEAD = `# Configuration

Generated from \`src/config/settings.ts\` by \`npm run docs\`; a check keeps it up to date.

The service reads its settings once, at start, from environment variables. An empty variable counts as unset. What cannot
be used is said all at once, with the variable and the remedy, and the service does not start.

| variable | takes | default | what it decides |
|---|---|---|---|
`;

const TAIL = `
Per namespace, by label: \`plimsoll.dev/mode\` (\`off\`, \`advise\`, \`enforce\`) and \`plimsoll.dev/read-configmaps: "true"\`,
which lets Plimsoll read the ConfigMaps of that namespace for the settings of a training that lie there.

Per workload, by annotation: \`plimsoll.dev/run\` (YAML: any setting of the training run that cannot be read from the
manifest) and \`plimsoll.dev/override: "<reason>"\` (lets through what an \`enforce\` namespace would reject).
`;

/** The table of all settings as Markdown. */
export function renderConfiguration(): string {
  return HEAD + Object.values(SETTING_DEFINITIONS).map(row).join('') + TAIL;
}

function row(definition: SettingDefinition): string {
  const { variable, values, description } = definition;
  return `| \`${variable}\` | ${values} | ${defaultOf(definition)} | ${description} |\n`;
}

function defaultOf({ schema }: SettingDefinition): string {
  const value = schema.parse(undefined) as string | number | boolean | string[] | null;
  if (value === null) return 'unset';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : `\`${value.join(',')}\``;
  return `\`${value}\``;
}
