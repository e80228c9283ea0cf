// Changes that are answered once every process obeys them: the option that asks for it,
// and how what came of it is shown.

import type { Confirmation } from '@warder/sdk';
import type { Fact } from './output.ts';

export const CONFIRM = ['--confirm', 'answer only once every process obeys it'] as const;

/** Nothing where it was not asked for. */
export function confirmationFacts({
  confirmation,
}: {
  readonly confirmation?: Confirmation | undefined;
}): Fact[] {
  if (confirmation === undefined) return [];
  const { obeyed_by, of, after_ms } = confirmation;
  return [['obeyed_by', `${obeyed_by} of ${of} processes, after ${after_ms} ms`]];
}
