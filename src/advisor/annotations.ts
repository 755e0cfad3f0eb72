/** Everything that Plimsoll reads from or writes to objects of the cluster carries this prefix. */
export const ANNOTATION_PREFIX = 'plimsoll.dev/';

/** What Plimsoll writes on a workload, without the prefix. */
export const ANSWER_ANNOTATIONS = ['verdict', 'memory', 'capacity', 'observed', 'advice', 'assessment'] as const;

/** Values to write; a name that is absent is removed from the object. */
export type AnswerAnnotations = Partial<Record<(typeof ANSWER_ANNOTATIONS)[number], string>>;

/** A person's word on settings that cannot be read: YAML. */
export const RUN_ANNOTATION = `${ANNOTATION_PREFIX}run`;

/** Lets a workload through that an `enforce` namespace would reject. Its value is the reason. */
export const OVERRIDE_ANNOTATION = `${ANNOTATION_PREFIX}override`;

/** Label of a namespace: what Plimsoll does there. */
export const MODE_LABEL = `${ANNOTATION_PREFIX}mode`;

/** Label of a namespace: `true` lets Plimsoll read its ConfigMaps. */
export const CONFIGMAPS_LABEL = `${ANNOTATION_PREFIX}read-configmaps`;

/** `off`: workloads are left alone; `advise`: annotated and warned about; `enforce`: also rejected where they cannot run. */
export const MODES = ['off', 'advise', 'enforce'] as const;
export type Mode = (typeof MODES)[number];

/** The mode that a namespace's label asks for; the default where the label is absent or no mode. */
export function modeFrom(label: string | undefined, defaultMode: Mode): Mode {
  return MODES.find((mode) => mode === label) ?? defaultMode;
}
