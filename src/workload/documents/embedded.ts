import { parseDocument } from 'yaml';
import { Field } from '../field.js';
import { EMBEDDED } from '../json-path.js';
import { toJson } from './yaml-json.js';

const MAX_CHARACTERS = 2 ** 20;

/**
 * The YAML (or JSON) that a string of a manifest holds, at the path `<path of the string>!`. An absent field where there
 * is no such string; throws UnreadableManifest where the text is no YAML or too large.
 */
export function embeddedYaml(field: Field): Field {
  const text = field.text();
  const path = `${field.path}${EMBEDDED}`;
  if (text === null) return new Field(undefined, path, field.log);
  if (text.length > MAX_CHARACTERS) throw field.expected(`at most ${MAX_CHARACTERS} characters of YAML`);
  const converted = parse(text);
  if (typeof converted === 'string') throw field.expected(`YAML (${converted})`);
  return new Field(converted.value, path, field.log);
}

function parse(text: string): ReturnType<typeof toJson> {
  try {
    const document = parseDocument(text, { uniqueKeys: false, strict: false, prettyErrors: false });
    const [error] = document.errors;
    return error === undefined ? toJson(document.contents) : error.message;
  } catch (error) {
    if (error instanceof RangeError) return 'nested too deeply';
    throw error;
  }
}
