// The TypeScript client of Warder: no dependencies, any runtime that has fetch.

export { createClient, type WarderClient } from './client.ts';
export { type FieldError, WarderApiError, WarderConnectionError } from './error.ts';
export type { MetadataQuery } from './keys.ts';
export type { GoodVerdict, MiddlewareOptions, Needs, Verify } from './middleware.ts';
export type { Listing, Page } from './page.ts';
export type { Reason, Refusal, RefusedVerdict } from './refusal.ts';
export {
  type CallOptions,
  type ChangeOptions,
  type ClientOptions,
  etagOf,
  type RetryableOptions,
} from './request.ts';
export type * from './schema.gen.ts';
