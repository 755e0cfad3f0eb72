/** What a program built on the Trainer changes of its defaults. */
export interface TrainerDefaults {
  /** Package that the changed defaults belong to. */
  of: string;
  /** `gradient_checkpointing` when nothing is said; null: the version is unknown and it may be either. */
  checkpointing?: boolean | null;
  /** `bf16` when neither precision is said; null as above. */
  bf16?: boolean | null;
}
