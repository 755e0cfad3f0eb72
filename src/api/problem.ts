/** Problem details of RFC 9457, with the fields that are wrong where a request is at fault. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  instance?: string;
  errors?: readonly { field: string; problem: string }[];
}

/** An answer that is a problem. Thrown by controllers, written by the filter. */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly errors?: Problem['errors'],
  ) {
    super(detail);
    this.name = 'ProblemError';
  }
}
