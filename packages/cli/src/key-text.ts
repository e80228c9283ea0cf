// Keys, verdicts and explanations as people read them.

import { type Explanation, etagOf, type Key, type LimitFigure, type Verdict } from '@warder/sdk';
import { confirmationFacts } from './confirmation.ts';
import { creditFacts } from './credits.ts';
import { limitsText } from './limits-text.ts';
import { type Fact, facts, type Output, table } from './output.ts';

export const KEY_HEADS = ['ID', 'NAME', 'KIND', 'STATUS', 'ENV', 'OWNER', 'KEY', 'EXPIRES'];

export function rowOf(key: Key) {
  const { id, name, kind, status, environment, owner_id, expires_at } = key;
  return [id, name, kind, status, environment, owner_id, preview(key), expires_at];
}

function preview({ prefix, start, end }: Pick<Key, 'prefix' | 'start' | 'end'>): string {
  return start === '' ? '' : `${prefix}${start}…${end}`;
}

export function showKey(output: Output, key: Key): void {
  output.data(
    key,
    facts([...factsOf(key), ...confirmationFacts(key), ['etag', etagOf(key) ?? null]]),
  );
}

export function factsOf(key: Key): Fact[] {
  const { grants } = key;
  const rights: Fact[] =
    key.kind === 'standard'
      ? [['scopes', key.scopes.join(', ')]]
      : [
          ['permissions', key.permissions.join(', ')],
          ['grants', grants && JSON.stringify(grants)],
        ];
  return [
    ['id', key.id],
    ['name', key.name],
    ['kind', key.kind],
    ['status', key.status],
    ['environment', key.environment],
    ['key', preview(key)],
    ['workspace', key.workspace_id ?? 'the instance'],
    ['owner', key.owner_id],
    ...rights,
    ['allowed_cidrs', key.allowed_cidrs.join(', ')],
    ['limits', key.limits && limitsText(key.limits)],
    ['metadata', JSON.stringify(key.metadata)],
    ...creditFacts(key.credits),
    ['created_at', key.created_at],
    ['last_used_at', key.last_used_at],
    ['not_before', key.not_before],
    ['expires_at', key.expires_at],
    ['revoked_at', key.revoked_at],
    ['revoked_reason', key.revoked_reason],
  ];
}

export function verdictText(verdict: Verdict): string {
  if (verdict.valid) {
    return facts([
      ['valid', 'yes'],
      ['key', verdict.key_id],
      ['name', verdict.name],
      ['workspace', verdict.workspace_id],
      ['owner', verdict.owner_id],
      ['scopes', verdict.scopes.join(', ')],
      ['expires_at', verdict.expires_at],
      ...verdict.limits.map(figure),
      ...creditFacts(verdict.credits ?? null),
    ]);
  }
  return facts([
    ['valid', 'no'],
    ['code', verdict.code],
    ['why', verdict.message],
    ['key', verdict.key_id ?? null],
    ['missing_scopes', verdict.missing_scopes?.join(', ') ?? null],
    ...(verdict.limits ?? []).map(figure),
    ['retry_after_seconds', verdict.retry_after_seconds?.toString() ?? null],
    ...creditFacts(verdict.credits ?? null),
  ]);
}

export function explanationText({
  verdict,
  checks,
  at,
  last_refusals: refusals,
}: Explanation): string {
  const outcomes = checks.map(({ code, passed, detail }) => [code, passed ? 'yes' : 'NO', detail]);
  const rows = refusals.map((one) => [one.at, one.code, one.missing_scopes.join(', '), one.ip]);
  return [
    facts([
      ['verdict', verdict.code],
      ['at', at],
    ]),
    table(['CHECK', 'PASSED', 'DETAIL'], outcomes),
    rows.length === 0
      ? 'It was not refused of late.'
      : table(['REFUSED AT', 'CODE', 'MISSING SCOPES', 'FROM'], rows),
  ].join('\n\n');
}

function figure(limit: LimitFigure): Fact {
  const whose = limit.per === 'key' ? '' : ` of the ${limit.per}`;
  const text = `${limit.remaining} of ${limit.limit} left until ${limit.reset_at}`;
  return [`limit ${limit.name}${whose}`, text];
}
