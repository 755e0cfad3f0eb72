import type { PatchOperation } from '../annotation-patch.js';

/** What Plimsoll says to one review. */
export interface Answer {
  allowed: boolean;
  /** Given to the person when `allowed` is false. */
  denial?: string;
  /** Printed by kubectl, one line each. */
  warnings?: readonly string[];
  /** Empty or absent: nothing is changed. */
  patch?: readonly PatchOperation[];
  /** Kept in the API server's audit log, with the webhook's name as prefix. Stable keys only. */
  audit?: Readonly<Record<string, string>>;
}

/** Most warnings of one answer, and most characters of each: the API server cuts what is longer in sum. */
const WARNING_COUNT = 3;
const WARNING_LENGTH = 120;

/** An answer as an AdmissionReview of admission.k8s.io/v1, for the review with this uid. */
export function encodeAnswer(uid: string, answer: Answer): string {
  return `${BEFORE_UID}${JSON.stringify(uid)}${afterUid(answer)}`;
}

const BEFORE_UID = '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":';
/** What answers say after the uid: the same for every review that gets the same answer. */
const afterUids = new WeakMap<Answer, string>();

function afterUid(answer: Answer): string {
  const known = afterUids.get(answer);
  if (known !== undefined) return known;
  const text = `,${JSON.stringify(responseOf(answer)).slice(1)}}`;
  afterUids.set(answer, text);
  return text;
}

function responseOf(answer: Answer): Record<string, unknown> {
  const response: Record<string, unknown> = { allowed: answer.allowed };
  const warnings = (answer.warnings ?? []).slice(0, WARNING_COUNT).map((warning) => oneLine(warning, WARNING_LENGTH));
  if (warnings.length > 0) response['warnings'] = warnings;
  if (answer.denial !== undefined) response['status'] = { code: 403, reason: 'Forbidden', message: answer.denial };
  if (answer.audit !== undefined) response['auditAnnotations'] = answer.audit;
  if (answer.patch !== undefined && answer.patch.length > 0) {
    // Both or neither: an empty patch with a type is an error to the API server.
    response['patchType'] = 'JSONPatch';
    response['patch'] = Buffer.from(JSON.stringify(answer.patch)).toString('base64');
  }
  return response;
}

/** Printable ASCII without spaces at its ends or in a row: most texts, and nothing is to be done about them. */
const PLAIN_LINE = /^[!-~]+(?: [!-~]+)*$/;

/** Text on one line of at most `limit` characters, without control characters; what is cut off is marked by "…". */
export function oneLine(text: string, limit: number): string {
  if (text.length <= limit && PLAIN_LINE.test(text)) return text;
  const characters = Array.from(text.replace(/[\s\p{Cc}]+/gu, ' ').trim());
  return characters.length <= limit ? characters.join('') : `${characters.slice(0, limit - 1).join('')}…`;
}
