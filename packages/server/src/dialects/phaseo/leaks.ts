// The public route for leaked keys: whatever is reported, the answer is the same.

import type { Admission } from '../../admission.ts';
import { route } from '../../dialect.ts';
import * as schemas from './schemas.ts';

const REPORTS_A_MINUTE = 30;

/** @param revoke whether a key that is found ends at once */
export function leakRoutes(anyone: Admission, revoke: boolean) {
  return [
    route({
      method: 'POST',
      path: '/security/report-leaked-key',
      operationId: 'reportLeakedKey',
      summary: 'Report a leaked API key',
      description: `Takes no credential: whoever holds a key may report it. ${REPORTS_A_MINUTE} a minute from one address.`,
      permission: null,
      admits: anyone,
      mostAMinute: REPORTS_A_MINUTE,
      body: schemas.LeakReport,
      replies: { 202: schemas.Received },
      run: ({ operations, body: { token, source, reporter_email, evidence_url, comment } }) => {
        const told = { source, reporter_email, evidence_url, comment };
        const facts = Object.entries(told).map(([name, text]) => [name, text ?? null]);
        return operations.reportLeak({ secret: token, facts: Object.fromEntries(facts), revoke });
      },
      out: () => ({ status: 202, body: { status: 'received' } }),
    }),
  ];
}
