// Warder as a library: the service and what it is put together from.

export { instanceGrant } from './auth.ts';
export { native } from './dialects/native/dialect.ts';
export { createHost, type Pepper, type ServerHost } from './host.ts';
export { openInstallation, StartRefused } from './installation.ts';
export { type Listener, type ListenOptions, listen } from './listen.ts';
export { createLog, type Log } from './log.ts';
export type { Lookup } from './lookup.ts';
export { type ApiDocument, describeApi } from './openapi.ts';
export { FileRefused } from './refusal.ts';
export type { Arrival, Handler, Reply } from './serve.ts';
export { type Migrated, migrateFile, pendingOf } from './storage/embedded/migrate.ts';
export { type EmbeddedOptions, openEmbedded } from './storage/embedded.ts';
export { createWarder, type Warder, type WarderParts } from './warder.ts';
