// Warder as a library: the service and what it is put together from.

export { type Issuer, parseIssuers } from './auth/tokens/issuers.ts';
export { COOLDOWN_SECONDS, MAX_AGE_SECONDS, MAX_STALE_SECONDS } from './auth/tokens/key-cache.ts';
export { readKeyFile } from './auth/tokens/key-source.ts';
export { createTokenVerifier, type TokenVerifier, type VerifiedToken } from './auth/tokens.ts';
export { instanceGrant } from './auth.ts';
export { AuthorizationError, type WithHeaders } from './authorization.ts';
export { type BackupFacts, type SealedBackup, sealBackup, unsealBackup } from './backup.ts';
export {
  type DatabaseExamination,
  examinePostgres,
  grantsInPostgres,
  knownInPostgres,
  migratePostgres,
  openPostgres,
  type PostgresOptions,
  pendingInPostgres,
  transferToPostgres,
  withSealedEvents,
} from './database.ts';
export type { Dialect, DialectKind } from './dialect.ts';
export { native } from './dialects/native/dialect.ts';
export { type ActingAs, createWarder, type EmbeddedWarder } from './embed.ts';
export type { EmbedOptions } from './embed-options.ts';
export { createEventLog, type EventLog } from './event-log.ts';
export type { GatewayPlan } from './gateway.ts';
export { GATEWAYS, parseGatewayPlan } from './gateway-plan.ts';
export type { Head, HeadHandler, HeadReply } from './head.ts';
export { createHost, type Pepper, type ServerHost } from './host.ts';
export { checkSecrets, openInstallation, StartRefused } from './installation.ts';
export { createStoredLimits } from './limits/stored.ts';
export type { Channel, Procedures } from './line.ts';
export {
  type Listener,
  type ListenOptions,
  listen,
  listenToHeads,
} from './listen.ts';
export { type ListenAddress, refuseServed } from './listen-address.ts';
export { createLog, type Log } from './log.ts';
export type { Lookup } from './lookup.ts';
export { openTelemetry } from './open-telemetry.ts';
export { type ApiDocument, describeApi } from './openapi.ts';
export { makeFolder, readIfThere, writeOnce } from './private-file.ts';
export { type Chosen, dialectsOf, managingFormats, PRODUCTS } from './products.ts';
export type { ProcessFigures, ToldMetric } from './prometheus.ts';
export { openRedisFeed, type RedisFeed } from './redis-feed.ts';
export { FileRefused } from './refusal.ts';
export { livesOfTables } from './retention.ts';
export type { SealedChains } from './sealed-chains.ts';
export type { Arrival, Handler, Reply } from './serve.ts';
export type { SharedCredential } from './shared-credentials.ts';
export { openRedisLimits, type SharedLimitSetting } from './shared-limits.ts';
export {
  copyHot,
  discard,
  type EventMark,
  type Progress,
  syncFolder,
} from './storage/embedded/copy.ts';
export {
  type Examination,
  examine,
  type NamedKey,
  type NamedWorkspace,
} from './storage/embedded/examination.ts';
export type { Pending } from './storage/embedded/file.ts';
export { takeFile } from './storage/embedded/lock.ts';
export { type Migrated, migrateFile, pendingOf } from './storage/embedded/migrate.ts';
export {
  examineDraft,
  type Known,
  knownIn,
  putInPlace,
} from './storage/embedded/replacement.ts';
export { openSealedEvents } from './storage/embedded/sealed.ts';
export { type Writing, writeHere } from './storage/embedded/writing.ts';
export { type EmbeddedOptions, openEmbedded } from './storage/embedded.ts';
export { openSupervised, type Supervised } from './supervised.ts';
export { type Attendance, createSupervision, NO_WRITING, type Supervision } from './supervision.ts';
export type { Telemetry } from './tracing.ts';
export { assembleWarder, type Warder, type WarderParts } from './warder.ts';
