import { endOfName } from './characters.js';
import { markTemplates } from './templates.js';
import { Tracked } from './tracked.js';

interface Range {
  start: number;
  end: number;
}

/** The `$NAME` or `${NAME}` that begins at `start`, or null. */
function placeholderAt(text: string, start: number): Range | null {
  const braced = text.charAt(start + 1) === '{';
  const from = start + (braced ? 2 : 1);
  const end = endOfName(text, from);
  if (end === from) return null;
  if (!braced) return { start, end };
  return text.charAt(end) === '}' ? { start, end: end + 1 } : null;
}

/**
 * Marks what no shell will ever expand as unresolved: `$NAME` and `${NAME}` that were left for envsubst or a
 * deployment script, and template expressions. For strings that are used as they stand (exec-form words, env values).
 */
export function markPlaceholders(text: Tracked): Tracked {
  const marked = markTemplates(text);
  if (!marked.text.includes('$')) return marked;
  const parts: Tracked[] = [];
  let at = 0;
  for (let open = marked.text.indexOf('$'); open >= 0; open = marked.text.indexOf('$', Math.max(at, open + 1))) {
    const range = placeholderAt(marked.text, open);
    if (range === null) continue;
    const written = marked.slice(range.start, range.end);
    parts.push(marked.slice(at, range.start));
    parts.push(Tracked.unresolved(written, `${written.text} is not filled in (envsubst or a script does that)`));
    at = range.end;
  }
  parts.push(marked.slice(at));
  return Tracked.join(parts.filter((part) => part.length > 0));
}
