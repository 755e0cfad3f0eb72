import type { Field } from '../field.js';
import type { Json } from '../workload.js';

/** Values by reference, such as `workflow.parameters.gpus`; null: callers disagree, or it is only known when it runs. */
export type Parameters = ReadonlyMap<string, string | null>;
/** Several scopes, looked through in order. */
export type Scopes = readonly Parameters[];

const REFERENCE = /\{\{\s{0,10}(workflow\.parameters|inputs\.parameters)\.([A-Za-z0-9_-]{1,100})\s{0,10}\}\}/g;
/** Filled-in text may not grow beyond this: one long parameter in many places would fill memory. */
const MAX_CHARACTERS = 4 * 2 ** 20;
const MAX_DEPTH = 100;

/** `spec.arguments.parameters` by their references; a parameter without a value is given when the workflow is submitted. */
export function workflowParameters(spec: Field): Parameters {
  return declared(spec.get('arguments', 'parameters'), 'workflow.parameters');
}

/** Values of each template's inputs: what its callers pass where they agree, else its own default. */
export function inputParameters(templates: readonly Field[], outer: Parameters): ReadonlyMap<string, Parameters> {
  const passed = new Map<string, Map<string, string | null>>();
  for (const call of templates.flatMap(callsOf)) {
    const name = call.get('template').text() ?? '';
    noteLoop(call);
    const known = passed.get(name) ?? new Map<string, string | null>();
    for (const [reference, value] of declared(call.get('arguments', 'parameters'), 'inputs.parameters')) {
      agree(known, reference, value === null ? null : settled(value, outer));
    }
    passed.set(name, known);
  }
  return new Map(
    templates.map((template) => {
      const name = template.get('name').text() ?? '';
      const defaults = declared(template.get('inputs', 'parameters'), 'inputs.parameters');
      return [name, new Map([...defaults, ...(passed.get(name) ?? [])])] as const;
    }),
  );
}

/** Fills parameters into the parts of one workflow, all within one bound of size. */
export class ParameterFilling {
  private left = MAX_CHARACTERS;

  /**
   * The value with every reference that has a value filled in; the others are left as they are, to be named where they
   * stand. Object keys are left alone. Throws UnreadableManifest where the text would grow without bounds.
   */
  fillIn(field: Field, scopes: Scopes): Field {
    if (field.value === undefined) return field;
    return field.holding(this.fill(field.value, { field, scopes, depth: 0 }));
  }

  private fill(value: Json, at: Place): Json {
    if (at.depth > MAX_DEPTH) throw at.field.expected(`at most ${MAX_DEPTH} levels`);
    if (typeof value === 'string') return this.fillText(value, at);
    const within = { ...at, depth: at.depth + 1 };
    if (Array.isArray(value)) return value.map((item) => this.fill(item, within));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, this.fill(member, within)]));
  }

  private fillText(text: string, { field, scopes }: Place): string {
    if (!text.includes('{{')) return text;
    const filled = replaceReferences(text, scopes, MAX_CHARACTERS);
    this.left -= filled.length;
    if (this.left < 0) throw field.expected(`at most ${MAX_CHARACTERS} characters once parameters are filled in`);
    return filled;
  }
}

interface Place {
  field: Field;
  scopes: Scopes;
  depth: number;
}

function replaceReferences(text: string, scopes: Scopes, limit: number): string {
  let length = text.length;
  return text.replace(REFERENCE, (whole: string, scope: string, name: string) => {
    const reference = `${scope}.${name}`;
    const value = scopes.find((parameters) => parameters.has(reference))?.get(reference) ?? null;
    if (value === null || length + value.length > limit) return whole;
    length += value.length;
    return value;
  });
}

function declared(list: Field, scope: string): Parameters {
  const pairs = list.items().map((parameter) => {
    const value = parameter.get('value').present ? parameter.get('value') : parameter.get('default');
    const scalar = typeof value.value === 'object' ? null : value.value;
    return [
      `${scope}.${parameter.get('name').text() ?? ''}`,
      scalar === null || scalar === undefined ? null : String(scalar),
    ] as const;
  });
  return new Map(pairs);
}

function noteLoop(call: Field): void {
  const loop = ['withItems', 'withParam', 'withSequence'].find((name) => call.get(name).present);
  if (loop !== undefined) call.log.note(`${call.path} runs once for each of its items (${loop}): read as one`);
}

function callsOf(template: Field): Field[] {
  const steps = template
    .get('steps')
    .items()
    .flatMap((group) => (Array.isArray(group.value) ? group.items() : [group]));
  return [...steps, ...template.get('dag', 'tasks').items()];
}

/** null where something in it is only known when the workflow runs. */
function settled(value: string, outer: Parameters): string | null {
  const filled = replaceReferences(value, [outer], MAX_CHARACTERS);
  return filled.includes('{{') ? null : filled;
}

function agree(known: Map<string, string | null>, reference: string, value: string | null): void {
  const before = known.get(reference);
  known.set(reference, before === undefined || before === value ? value : null);
}
