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

/** An answer as an AdmissionReview of admission.k8s.io/v1, for the review with this uid. JSON in ASCII alone. */
export function encodeAnswer(uid: string, answer: Answer): string {
  return enveloped(uid, afterUid(answer));
}

/** The same for an answer that is given again and again: all but the uid is written once. */
export function encodeRepeatedAnswer(uid: string, answer: Answer): string {
  const known = afterUids.get(answer);
  if (known !== undefined) return enveloped(uid, known);
  const text = afterUid(answer);
  afterUids.set(answer, text);
  return enveloped(uid, text);
}

const enveloped = (uid: string, text: string): string => `${BEFORE_UID}${inAscii(JSON.stringify(uid))}${text}`;

const BEFORE_UID = '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":';
/** What answers say after the uid, of those that are given again: weak references cost each collection something. */
const afterUids = new WeakMap<Answer, string>();

const afterUid = (answer: Answer): string => `,${inAscii(JSON.stringify(responseOf(answer)).slice(1))}}`;

const BEYOND_ASCII = /[^\x00-\x7f]/;
const EACH_BEYOND_ASCII = /[^\x00-\x7f]/g;

/** JSON with \u escapes for all else than ASCII: one character is then one byte, and neither has to be counted nor changed. */
function inAscii(json: string): string {
  if (!BEYOND_ASCII.test(json)) return json;
  return json.replace(EACH_BEYOND_ASCII, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
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
