// The domain of Warder: what keys, owners and workspaces are, who may do what
// with them, and whether a key is good. It imports nothing and touches nothing.

export * from './audit.ts';
export * from './caller.ts';
export * from './cidr.ts';
export * from './credit.ts';
export type { KeyDraft } from './draft.ts';
export * from './error.ts';
export * from './event.ts';
export * from './explain.ts';
export * from './filter.ts';
export * from './installation.ts';
export * from './judge.ts';
export * from './key.ts';
export * from './limit.ts';
export * from './limit-figure.ts';
export * from './member.ts';
export * from './metadata.ts';
export type { EventQuery } from './operations/events.ts';
export type { CreatedKey, KeyEdit, OwnedKey, ReplacedKey } from './operations/keys.ts';
export type { TakeRequest } from './operations/limits.ts';
export type { MemberDraft, MemberQuery } from './operations/members.ts';
export type { OwnerAddress } from './operations/owners.ts';
export {
  askOf,
  type LeakReport,
  type VerifyRequest,
  type WhoAmI,
} from './operations/presented.ts';
export type { ExplainedKey, ExplainRequest, Usage, UsageQuery } from './operations/usage.ts';
export * from './operations.ts';
export * from './order.ts';
export * from './owner.ts';
export * from './page.ts';
export * from './permission.ts';
export * from './ports.ts';
export * from './restoration.ts';
export * from './scope.ts';
export * from './seal.ts';
export * from './sign-in.ts';
export * from './terms.ts';
export * from './token.ts';
export * from './usage.ts';
export * from './uuid.ts';
export * from './verdict.ts';
export * from './window-take.ts';
export type { IfVersion, Keep, Parts } from './work.ts';
export * from './workspace.ts';
