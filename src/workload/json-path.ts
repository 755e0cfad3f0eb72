const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** Ends the path of a string that holds YAML itself; what follows is a path within that text. */
export const EMBEDDED = '!';

/** Path of a member: `spec` + `replicas` is `spec.replicas`, other keys are quoted as in `limits["nvidia.com/gpu"]`. */
export function memberPath(base: string, key: string): string {
  if (!PLAIN_KEY.test(key)) return `${base}[${JSON.stringify(key)}]`;
  return base === '' || base.endsWith(EMBEDDED) ? `${base}${key}` : `${base}.${key}`;
}

/** Path of the root of another object, given beside the manifest. */
export function objectRoot(kind: string, name: string): string {
  return `${kind}/${name}${EMBEDDED}`;
}

/** Path of an item of a list. */
export function itemPath(base: string, index: number): string {
  return `${base}[${index}]`;
}

/** A step of a path: member, item, or into the YAML text that stands in a string. */
export type PathStep = string | number | { embedded: true };

/** The steps of a path made by memberPath and itemPath; null where the text is no such path. */
export function parsePath(path: string): PathStep[] | null {
  const steps: PathStep[] = [];
  let at = 0;
  while (at < path.length) {
    const step = stepAt(path, at);
    if (step === null) return null;
    steps.push(step.step);
    at = step.end;
  }
  return steps;
}

function stepAt(path: string, at: number): { step: PathStep; end: number } | null {
  if (path[at] === EMBEDDED) return { step: { embedded: true }, end: at + 1 };
  if (path[at] === '[') return bracketAt(path, at);
  const plain = /\.?([A-Za-z_][A-Za-z0-9_-]*)/y;
  plain.lastIndex = at;
  const found = plain.exec(path);
  return found?.[1] === undefined ? null : { step: found[1], end: plain.lastIndex };
}

function bracketAt(path: string, at: number): { step: PathStep; end: number } | null {
  const bracket = /\[(?:(\d{1,9})|("(?:[^"\\]|\\.)*"))\]/y;
  bracket.lastIndex = at;
  const found = bracket.exec(path);
  if (found === null) return null;
  const step = found[1] === undefined ? (JSON.parse(found[2] ?? '""') as string) : Number(found[1]);
  return { step, end: bracket.lastIndex };
}
