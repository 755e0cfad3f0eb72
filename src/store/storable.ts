/**
 * Postgres stores neither U+0000 nor halves of surrogate pairs, and both can come out of a hostile manifest or label:
 * they become U+FFFD.
 */
const LONE = /\0|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/** In JSON text both are always written as escapes; what is left of a pair is never one. */
const LONE_IN_JSON = /\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** The text as Postgres takes it. */
export const storableText = (text: string): string => text.replace(LONE, '\uFFFD');

/** JSON text as Postgres takes it for `jsonb`. */
export const storableJson = (value: unknown): string => JSON.stringify(value).replace(LONE_IN_JSON, '\\ufffd');
