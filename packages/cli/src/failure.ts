// Why a command did not do what it was asked, as one message for whoever asked,
// and the exit code that says so to a script.

/** 1: it failed. 2: it was called wrongly. 130: it was interrupted. */
export type FailureExit = 1 | 2 | 130;

export class Failure extends Error {
  override readonly name = 'Failure';
  /** For scripts: `usage`, `start_refused`, a code of the API, ... */
  readonly code: string;
  readonly exitCode: FailureExit;

  constructor(code: string, message: string, exitCode: FailureExit = 1) {
    super(message);
    this.code = code;
    this.exitCode = exitCode;
  }
}

export function usage(message: string): Failure {
  return new Failure('usage', message, 2);
}
