import type { SourcePlace } from '../../run/setting.js';
import type { RunDraft } from '../run-draft.js';

/** Puts a model's name into the run, as it was read at a place. */
export function readNamed(draft: RunDraft, name: string, place: SourcePlace | null): void {
  draft.read('model', { name: name.slice(0, 300), catalogId: null, config: null }, place);
}
