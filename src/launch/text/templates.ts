import { Tracked } from './tracked.js';

/** Longest `{{ … }}` that is taken for one template expression. */
const MAX_TEMPLATE_CHARS = 500;

/**
 * Marks the expressions of text templates (`{{ .Values.batch }}` of Helm, `{{workflow.parameters.x}}` of Argo) as
 * unresolved pieces: they are filled in before Kubernetes sees the manifest, and here they were not.
 */
export function markTemplates(text: Tracked): Tracked {
  if (!text.text.includes('{{')) return text;
  const parts: Tracked[] = [];
  let at = 0;
  for (let open = text.text.indexOf('{{'); open >= 0; open = text.text.indexOf('{{', at)) {
    const close = text.text.indexOf('}}', open + 2);
    if (close < 0 || close - open > MAX_TEMPLATE_CHARS) break;
    const written = text.slice(open, close + 2);
    parts.push(text.slice(at, open), Tracked.unresolved(written, `template ${written.text} is not filled in`));
    at = close + 2;
  }
  parts.push(text.slice(at));
  return Tracked.join(parts.filter((part) => part.length > 0));
}
