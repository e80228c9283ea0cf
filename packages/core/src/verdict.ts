// What a verification can say of a key, in the order of its checks (judge.ts).

export const VERDICT_CODES = [
  'malformed',
  'not_found',
  'wrong_workspace',
  'wrong_environment',
  'wrong_kind',
  'revoked',
  'suspended',
  'disabled',
  'soft_blocked',
  'expired',
  'not_yet_valid',
  'forbidden_ip',
  'insufficient_scope',
  'rate_limited',
  'insufficient_credits',
  'valid',
] as const;
export type VerdictCode = (typeof VERDICT_CODES)[number];
