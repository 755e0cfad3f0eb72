import { isRunEdit } from './edits.js';
import { canTell } from './program-flags.js';
import type { AdviceKind, Edit, Proposal, Subject } from './proposal.js';

/** What else becomes of the run by an edit, in this program. */
function following(edit: Edit, { run, options }: Subject): Edit[] {
  if (!isRunEdit(edit) || options?.follows === undefined) return [];
  return options.follows(edit.field, edit.value, run).map((other) => ({ ...other, follows: true as const }));
}

/** The proposals of a kind for one subject, from the mildest to the strongest: those that its program can be told. */
export function rungsOf(kind: AdviceKind, subject: Subject): Proposal[] {
  return kind
    .ladder(subject)
    .filter(({ edits }) => edits.every((edit) => canTell(edit, { ...subject, edits })))
    .map((proposal) => ({
      ...proposal,
      edits: [...proposal.edits, ...proposal.edits.flatMap((edit) => following(edit, subject))],
    }));
}
