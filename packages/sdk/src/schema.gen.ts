// Generated from the OpenAPI document by `npm run generate`. Do not edit.

// The shapes of the API: what it gives, what it takes, and the queries of its lists.

export type Confirm = {
  /** Whether to answer only once every live process obeys the change, or may not answer from memory any more: within 10 seconds. */
  readonly confirm?: boolean | undefined;
};

/** Only in the reply to a change that was asked with `confirm`. */
export type Confirmation = {
  /** How many processes obey the change. */
  readonly obeyed_by: number;
  /** How many could have had something else in memory; all obey where both are the same. */
  readonly of: number;
  /** Milliseconds that it took. */
  readonly after_ms: number;
};

export type CreatedKey = {
  readonly id: string;
  readonly handle: string;
  readonly workspace_id: string | null;
  readonly kind: 'standard' | 'management';
  readonly name: string | null;
  readonly environment: 'live' | 'test';
  readonly format: string;
  readonly prefix: string;
  readonly start: string;
  readonly end: string;
  readonly status:
    | 'deleted'
    | 'revoked'
    | 'disabled'
    | 'soft_blocked'
    | 'expired'
    | 'not_yet_valid'
    | 'active';
  readonly enabled: boolean;
  readonly soft_blocked: boolean;
  readonly owner_id: string | null;
  readonly scopes: readonly string[];
  readonly permissions: readonly string[];
  readonly grants: {
    readonly scopes: readonly string[];
    readonly environments: readonly ('live' | 'test')[];
    readonly max_life_seconds: number | null;
  } | null;
  readonly allowed_cidrs: readonly string[];
  readonly allow_self_revoke: boolean;
  readonly limits: readonly Limit[] | null;
  readonly metadata: { readonly [name: string]: unknown };
  readonly extension: { readonly [name: string]: unknown };
  readonly credits: {
    readonly remaining: number;
    /** When it is filled up next; null for never. */
    readonly refill_at: string | null;
    readonly refill: {
      readonly amount: number;
      readonly interval: 'day' | 'week' | 'month' | 'year';
      /** Its first moment; the others follow at whole intervals, UTC. */
      readonly anchor: string;
    } | null;
  } | null;
  readonly created_by: {
    readonly type: 'key' | 'member' | 'service' | 'system' | 'anyone';
    readonly id: string;
  };
  readonly replaces: string | null;
  readonly created_at: string;
  readonly updated_at: string;
  readonly last_used_at: string | null;
  readonly not_before: string | null;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
  readonly revoked_reason: string | null;
  readonly deleted_at: string | null;
  readonly confirmation?: Confirmation | undefined;
  /** The key itself. Shown in this reply and never again. */
  readonly key: string;
};

export type Crediting = {
  /** So many more. */
  readonly add?: number | undefined;
  /** Exactly so many. */
  readonly set?: number | undefined;
};

export type Event = {
  readonly id: string;
  readonly workspace_id: string | null;
  /** Its place in the chain of its workspace or of the instance; null until it is sealed. */
  readonly number: number | null;
  /** The MAC that seals it there, over the one before it. */
  readonly mac: string | null;
  readonly type: string;
  readonly created_at: string;
  readonly actor: {
    readonly type: 'key' | 'member' | 'service' | 'system' | 'anyone';
    readonly id: string;
  };
  readonly origin: {
    readonly address: string | null;
    readonly request_id: string | null;
    readonly shared_credential: string | null;
  };
  readonly subject: {
    readonly type: string;
    readonly id: string;
  };
  readonly before: { readonly [name: string]: unknown } | null;
  readonly after: { readonly [name: string]: unknown } | null;
  /** When personal data was erased from it. */
  readonly erased_at: string | null;
};

export type EventPage = {
  readonly data: readonly Event[];
  /** Cursor for `after`; null at the end. A page may be short, even empty, and have one. */
  readonly next: string | null;
  /** Cursor for `before`; null at the beginning. */
  readonly prev: string | null;
  /** With include=total: how many there are in all, or at least so many. */
  readonly total?: number | undefined;
  /** With include=total: whether there are no more. Counting ends at 10,000. */
  readonly total_is_exact?: boolean | undefined;
};

export type Explanation = {
  /** The moment that it is judged at, as the key is now. */
  readonly at: string;
  readonly verdict: Verdict;
  /** In the order that they are made in: the first that failed is the code. */
  readonly checks: readonly {
    readonly code:
      | 'wrong_workspace'
      | 'wrong_environment'
      | 'wrong_kind'
      | 'revoked'
      | 'suspended'
      | 'disabled'
      | 'soft_blocked'
      | 'expired'
      | 'not_yet_valid'
      | 'forbidden_ip'
      | 'insufficient_scope'
      | 'rate_limited'
      | 'insufficient_credits';
    readonly passed: boolean;
    readonly detail: string;
  }[];
  /** The last 10 of 30 days, the newest first, written within a second. */
  readonly last_refusals: readonly {
    readonly at: string;
    readonly code:
      | 'wrong_workspace'
      | 'wrong_environment'
      | 'wrong_kind'
      | 'revoked'
      | 'suspended'
      | 'disabled'
      | 'soft_blocked'
      | 'expired'
      | 'not_yet_valid'
      | 'forbidden_ip'
      | 'insufficient_scope'
      | 'rate_limited'
      | 'insufficient_credits';
    readonly missing_scopes: readonly string[];
    /** As far as the verification named one. */
    readonly ip: string | null;
  }[];
};

export type Health = {
  readonly status: string;
  readonly reason?: string | undefined;
  readonly promise?:
    | {
        /** After how long no verdict is of before a change that was acknowledged. */
        readonly bound_ms: number;
        readonly feed: 'up' | 'down';
        /** For how long it has not been certain that every change was heard. */
        readonly age_ms: number | null;
      }
    | undefined;
};

export type Key = {
  readonly id: string;
  readonly handle: string;
  readonly workspace_id: string | null;
  readonly kind: 'standard' | 'management';
  readonly name: string | null;
  readonly environment: 'live' | 'test';
  readonly format: string;
  readonly prefix: string;
  readonly start: string;
  readonly end: string;
  readonly status:
    | 'deleted'
    | 'revoked'
    | 'disabled'
    | 'soft_blocked'
    | 'expired'
    | 'not_yet_valid'
    | 'active';
  readonly enabled: boolean;
  readonly soft_blocked: boolean;
  readonly owner_id: string | null;
  readonly scopes: readonly string[];
  readonly permissions: readonly string[];
  readonly grants: {
    readonly scopes: readonly string[];
    readonly environments: readonly ('live' | 'test')[];
    readonly max_life_seconds: number | null;
  } | null;
  readonly allowed_cidrs: readonly string[];
  readonly allow_self_revoke: boolean;
  readonly limits: readonly Limit[] | null;
  readonly metadata: { readonly [name: string]: unknown };
  readonly extension: { readonly [name: string]: unknown };
  readonly credits: {
    readonly remaining: number;
    /** When it is filled up next; null for never. */
    readonly refill_at: string | null;
    readonly refill: {
      readonly amount: number;
      readonly interval: 'day' | 'week' | 'month' | 'year';
      /** Its first moment; the others follow at whole intervals, UTC. */
      readonly anchor: string;
    } | null;
  } | null;
  readonly created_by: {
    readonly type: 'key' | 'member' | 'service' | 'system' | 'anyone';
    readonly id: string;
  };
  readonly replaces: string | null;
  readonly created_at: string;
  readonly updated_at: string;
  readonly last_used_at: string | null;
  readonly not_before: string | null;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
  readonly revoked_reason: string | null;
  readonly deleted_at: string | null;
  readonly confirmation?: Confirmation | undefined;
};

export type KeyCreate = {
  /** The workspace, for a key of the instance; without it `default`. Null makes a management key of the instance. */
  readonly workspace_id?: string | null | undefined;
  readonly kind?: 'standard' | 'management' | undefined;
  readonly name?: string | null | undefined;
  readonly environment?: 'live' | 'test' | undefined;
  readonly owner_id?: string | null | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly permissions?:
    | 'viewer'
    | 'verifier'
    | 'issuer'
    | 'editor'
    | 'admin'
    | 'owner'
    | readonly (
        | 'keys:read'
        | 'keys:write'
        | 'keys:verify'
        | 'limits:take'
        | 'management_keys:write'
        | 'workspaces:read'
        | 'workspaces:write'
        | 'owners:read'
        | 'owners:write'
        | 'members:read'
        | 'members:write'
        | 'events:read'
        | 'usage:read'
        | '*'
      )[]
    | undefined;
  readonly grants?:
    | {
        readonly scopes?: readonly string[] | undefined;
        readonly environments?: readonly ('live' | 'test')[] | undefined;
        readonly max_life_seconds?: number | null | undefined;
      }
    | undefined;
  readonly allowed_cidrs?: readonly string[] | undefined;
  readonly allow_self_revoke?: boolean | undefined;
  /** In place of key_limits of the workspace; null for those, empty for none. */
  readonly limits?: readonly LimitDraft[] | null | undefined;
  readonly metadata?: { readonly [name: string]: unknown } | undefined;
  readonly credits?:
    | {
        readonly remaining?: number | undefined;
        /** Fills the balance up to an amount at whole intervals; what is above stays. */
        readonly refill?:
          | {
              readonly amount?: number | undefined;
              readonly interval?: 'day' | 'week' | 'month' | 'year' | undefined;
              /** The first moment of a refill; the moment of the call unless given. */
              readonly anchor?: string | undefined;
            }
          | null
          | undefined;
      }
    | null
    | undefined;
  readonly not_before?: string | null | undefined;
  readonly expires_at?: string | null | undefined;
};

export type KeyExplain = {
  /** The moment to judge at; now unless given. */
  readonly at?: string | undefined;
  /** The workspace that the key is expected to be of. */
  readonly workspace_id?: string | undefined;
  /** The key must hold all of these. */
  readonly scopes?: readonly string[] | undefined;
  /** `files:read and (admin or billing:write)` */
  readonly query?: string | undefined;
  /** Where the key is used from. */
  readonly ip?: string | undefined;
  /** What the use would take; 1 unless given. */
  readonly cost?: number | undefined;
};

export type KeyPage = {
  readonly data: readonly Key[];
  /** Cursor for `after`; null at the end. A page may be short, even empty, and have one. */
  readonly next: string | null;
  /** Cursor for `before`; null at the beginning. */
  readonly prev: string | null;
  /** With include=total: how many there are in all, or at least so many. */
  readonly total?: number | undefined;
  /** With include=total: whether there are no more. Counting ends at 10,000. */
  readonly total_is_exact?: boolean | undefined;
};

export type KeyPatch = {
  readonly name?: string | null | undefined;
  readonly owner_id?: string | null | undefined;
  readonly scopes?: readonly string[] | null | undefined;
  readonly permissions?:
    | 'viewer'
    | 'verifier'
    | 'issuer'
    | 'editor'
    | 'admin'
    | 'owner'
    | readonly (
        | 'keys:read'
        | 'keys:write'
        | 'keys:verify'
        | 'limits:take'
        | 'management_keys:write'
        | 'workspaces:read'
        | 'workspaces:write'
        | 'owners:read'
        | 'owners:write'
        | 'members:read'
        | 'members:write'
        | 'events:read'
        | 'usage:read'
        | '*'
      )[]
    | undefined;
  readonly grants?:
    | {
        readonly scopes?: readonly string[] | undefined;
        readonly environments?: readonly ('live' | 'test')[] | undefined;
        readonly max_life_seconds?: number | null | undefined;
      }
    | undefined;
  readonly allowed_cidrs?: readonly string[] | null | undefined;
  readonly allow_self_revoke?: boolean | undefined;
  /** In place of key_limits of the workspace; null for those, empty for none. */
  readonly limits?: readonly LimitDraft[] | null | undefined;
  readonly metadata?: { readonly [name: string]: unknown } | undefined;
  readonly credits?:
    | {
        readonly remaining?: number | undefined;
        /** Fills the balance up to an amount at whole intervals; what is above stays. */
        readonly refill?:
          | {
              readonly amount?: number | undefined;
              readonly interval?: 'day' | 'week' | 'month' | 'year' | undefined;
              /** The first moment of a refill; the moment of the call unless given. */
              readonly anchor?: string | undefined;
            }
          | null
          | undefined;
      }
    | null
    | undefined;
  readonly not_before?: string | null | undefined;
  readonly expires_at?: string | null | undefined;
  /** Whether to answer only once every live process obeys the change, or may not answer from memory any more: within 10 seconds. */
  readonly confirm?: boolean | undefined;
};

export type KeyRevoke = {
  readonly reason?: string | null | undefined;
  /** Whether to answer only once every live process obeys the change, or may not answer from memory any more: within 10 seconds. */
  readonly confirm?: boolean | undefined;
};

export type KeyVerify = {
  /** The key to judge. */
  readonly key: string;
  readonly workspace_id?: string | undefined;
  /** The key must hold all of these. */
  readonly scopes?: readonly string[] | undefined;
  /** `files:read and (admin or billing:write)` */
  readonly query?: string | undefined;
  /** Where the key is used from; needed for keys with allowed_cidrs. */
  readonly ip?: string | undefined;
  /** What the use takes from each limit, and how many credits: 1 unless given, all of them or none. */
  readonly cost?: number | undefined;
  /** False judges without taking anything. */
  readonly spend?: boolean | undefined;
  readonly include?: readonly 'metadata'[] | undefined;
};

export type KeysVerify = {
  readonly keys: readonly KeyVerify[];
};

export type Limit = {
  readonly name: string;
  readonly limit: number;
  readonly window_seconds: number;
  readonly override: {
    readonly limit: number;
    readonly until: string;
  } | null;
};

export type LimitDraft = {
  /** 1 to 64 of a-z, 0-9, `_`, `.` and `-`; once in a list. */
  readonly name: string;
  readonly limit: number;
  /** From the first use on, up to 366 days. */
  readonly window_seconds: number;
  /** Another limit until then. */
  readonly override?:
    | {
        readonly limit: number;
        readonly until: string;
      }
    | null
    | undefined;
};

export type LimitFigure = {
  readonly name: string;
  /** Whose uses count together. */
  readonly per: 'key' | 'owner' | 'workspace' | 'identifier';
  /** What is in force, an override included. */
  readonly limit: number;
  readonly remaining: number;
  readonly window_seconds: number;
  /** When all of it is there again. */
  readonly reset_at: string;
};

export type LimitTake = {
  /** Whom the window is for: an address, a user, anything. Never stored as it stands. */
  readonly identifier: string;
  readonly limit: number;
  /** From the first use on, up to 366 days. */
  readonly window_seconds: number;
  /** 1 unless given; all of it is taken or nothing. */
  readonly cost?: number | undefined;
  /** False tells without taking anything. */
  readonly spend?: boolean | undefined;
  readonly workspace_id?: string | undefined;
};

export type LimitTaken = {
  readonly allowed: boolean;
  readonly name: string;
  readonly limit: number;
  readonly remaining: number;
  readonly window_seconds: number;
  readonly reset_at: string;
  /** Where it is not allowed. */
  readonly retry_after_seconds?: number | undefined;
};

export type Member = {
  readonly id: string;
  readonly workspace_id: string;
  readonly issuer: string;
  readonly subject: string;
  readonly role: 'viewer' | 'editor' | 'admin' | 'owner';
  readonly name: string | null;
  /** Who said its role. Claims that it signs in with change only a role that they gave. */
  readonly source: 'api' | 'claim';
  readonly created_at: string;
  readonly updated_at: string;
  readonly removed_at: string | null;
  readonly confirmation?: Confirmation | undefined;
};

export type MemberAdd = {
  /** The workspace, for a key of the instance; without it `default`. */
  readonly workspace_id?: string | undefined;
  /** The `iss` of its tokens, exactly as they have it. */
  readonly issuer: string;
  /** The `sub` of its tokens; never an e-mail address. */
  readonly subject: string;
  readonly role: 'viewer' | 'editor' | 'admin' | 'owner';
  readonly name?: string | null | undefined;
};

export type MemberPage = {
  readonly data: readonly Member[];
  /** Cursor for `after`; null at the end. A page may be short, even empty, and have one. */
  readonly next: string | null;
  /** Cursor for `before`; null at the beginning. */
  readonly prev: string | null;
  /** With include=total: how many there are in all, or at least so many. */
  readonly total?: number | undefined;
  /** With include=total: whether there are no more. Counting ends at 10,000. */
  readonly total_is_exact?: boolean | undefined;
};

export type MemberPatch = {
  readonly role?: 'viewer' | 'editor' | 'admin' | 'owner' | undefined;
  readonly name?: string | null | undefined;
  /** Whether to answer only once every live process obeys the change, or may not answer from memory any more: within 10 seconds. */
  readonly confirm?: boolean | undefined;
};

export type Owner = {
  readonly id: string;
  readonly workspace_id: string;
  readonly owner_id: string;
  readonly type: string | null;
  readonly name: string | null;
  readonly metadata: { readonly [name: string]: unknown };
  readonly limits: readonly Limit[] | null;
  /** Shared by all its keys that have none of their own. */
  readonly credits: {
    readonly remaining: number;
    /** When it is filled up next; null for never. */
    readonly refill_at: string | null;
    readonly refill: {
      readonly amount: number;
      readonly interval: 'day' | 'week' | 'month' | 'year';
      /** Its first moment; the others follow at whole intervals, UTC. */
      readonly anchor: string;
    } | null;
  } | null;
  readonly created_at: string;
  readonly updated_at: string;
  readonly suspended_at: string | null;
  /** When its erasure began. Once it is done, owner_id is the id itself. */
  readonly erased_at: string | null;
  readonly confirmation?: Confirmation | undefined;
};

export type OwnerPage = {
  readonly data: readonly Owner[];
  /** Cursor for `after`; null at the end. A page may be short, even empty, and have one. */
  readonly next: string | null;
  /** Cursor for `before`; null at the beginning. */
  readonly prev: string | null;
  /** With include=total: how many there are in all, or at least so many. */
  readonly total?: number | undefined;
  /** With include=total: whether there are no more. Counting ends at 10,000. */
  readonly total_is_exact?: boolean | undefined;
};

export type OwnerPatch = {
  readonly type?: string | null | undefined;
  readonly name?: string | null | undefined;
  readonly metadata?: { readonly [name: string]: unknown } | undefined;
  /** Shared by its keys, in place of owner_limits of its workspace. */
  readonly limits?: readonly LimitDraft[] | null | undefined;
  readonly credits?:
    | {
        readonly remaining?: number | undefined;
        /** Fills the balance up to an amount at whole intervals; what is above stays. */
        readonly refill?:
          | {
              readonly amount?: number | undefined;
              readonly interval?: 'day' | 'week' | 'month' | 'year' | undefined;
              /** The first moment of a refill; the moment of the call unless given. */
              readonly anchor?: string | undefined;
            }
          | null
          | undefined;
      }
    | null
    | undefined;
  /** Whether to answer only once every live process obeys the change, or may not answer from memory any more: within 10 seconds. */
  readonly confirm?: boolean | undefined;
};

export type OwnerPut = {
  readonly type?: string | null | undefined;
  readonly name?: string | null | undefined;
  readonly metadata?: { readonly [name: string]: unknown } | undefined;
  /** Shared by its keys, in place of owner_limits of its workspace. */
  readonly limits?: readonly LimitDraft[] | null | undefined;
  readonly credits?:
    | {
        readonly remaining?: number | undefined;
        /** Fills the balance up to an amount at whole intervals; what is above stays. */
        readonly refill?:
          | {
              readonly amount?: number | undefined;
              readonly interval?: 'day' | 'week' | 'month' | 'year' | undefined;
              /** The first moment of a refill; the moment of the call unless given. */
              readonly anchor?: string | undefined;
            }
          | null
          | undefined;
      }
    | null
    | undefined;
  /** Whether to answer only once every live process obeys the change, or may not answer from memory any more: within 10 seconds. */
  readonly confirm?: boolean | undefined;
  readonly workspace_id?: string | undefined;
};

export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly request_id: string;
  readonly errors?:
    | readonly {
        readonly pointer: string;
        readonly message: string;
      }[]
    | undefined;
};

export type Usage = {
  readonly step: 'hour' | 'day' | 'month';
  readonly from: string;
  /** Where the last of `data` ends. */
  readonly to: string;
  /** How many verifications there were. */
  readonly total: number;
  readonly valid: number;
  /** How many were refused, by code; those that there were. */
  readonly refused: {
    readonly wrong_workspace?: number | undefined;
    readonly wrong_environment?: number | undefined;
    readonly wrong_kind?: number | undefined;
    readonly revoked?: number | undefined;
    readonly suspended?: number | undefined;
    readonly disabled?: number | undefined;
    readonly soft_blocked?: number | undefined;
    readonly expired?: number | undefined;
    readonly not_yet_valid?: number | undefined;
    readonly forbidden_ip?: number | undefined;
    readonly insufficient_scope?: number | undefined;
    readonly rate_limited?: number | undefined;
    readonly insufficient_credits?: number | undefined;
  };
  /** Every hour, day or month from `from` on, also those without a verification. */
  readonly data: readonly {
    readonly start: string;
    /** How many verifications there were. */
    readonly total: number;
    readonly valid: number;
    /** How many were refused, by code; those that there were. */
    readonly refused: {
      readonly wrong_workspace?: number | undefined;
      readonly wrong_environment?: number | undefined;
      readonly wrong_kind?: number | undefined;
      readonly revoked?: number | undefined;
      readonly suspended?: number | undefined;
      readonly disabled?: number | undefined;
      readonly soft_blocked?: number | undefined;
      readonly expired?: number | undefined;
      readonly not_yet_valid?: number | undefined;
      readonly forbidden_ip?: number | undefined;
      readonly insufficient_scope?: number | undefined;
      readonly rate_limited?: number | undefined;
      readonly insufficient_credits?: number | undefined;
    };
  }[];
};

export type Verdict =
  | {
      readonly valid: true;
      readonly code: 'valid';
      readonly key_id: string;
      readonly workspace_id: string | null;
      readonly owner_id: string | null;
      readonly name: string | null;
      readonly environment: 'live' | 'test';
      readonly scopes: readonly string[];
      readonly created_at: string;
      readonly not_before: string | null;
      readonly expires_at: string | null;
      readonly owner: {
        readonly id: string;
        readonly owner_id: string;
        readonly type: string | null;
        readonly name: string | null;
        readonly metadata?: { readonly [name: string]: unknown } | undefined;
      } | null;
      readonly metadata?: { readonly [name: string]: unknown } | undefined;
      readonly limits: readonly LimitFigure[];
      /** What is left of the credits of the key or, where it has none of its own, of its owner. */
      readonly credits?:
        | {
            readonly remaining: number;
            readonly refill_at: string | null;
          }
        | undefined;
    }
  | {
      readonly valid: false;
      readonly code:
        | 'malformed'
        | 'not_found'
        | 'wrong_workspace'
        | 'wrong_environment'
        | 'wrong_kind'
        | 'revoked'
        | 'suspended'
        | 'disabled'
        | 'soft_blocked'
        | 'expired'
        | 'not_yet_valid'
        | 'forbidden_ip'
        | 'insufficient_scope'
        | 'rate_limited'
        | 'insufficient_credits';
      readonly message: string;
      readonly key_id?: string | undefined;
      readonly workspace_id?: string | null | undefined;
      readonly owner_id?: string | null | undefined;
      readonly missing_scopes?: readonly string[] | undefined;
      readonly limits?: readonly LimitFigure[] | undefined;
      readonly retry_after_seconds?: number | undefined;
      readonly credits?:
        | {
            readonly remaining: number;
            readonly refill_at: string | null;
          }
        | undefined;
    };

export type Verdicts = {
  readonly data: readonly Verdict[];
};

export type Whoami = {
  readonly identity: {
    readonly type: 'key' | 'member' | 'service' | 'system' | 'anyone';
    readonly id: string;
  };
  readonly kind: 'standard' | 'management' | null;
  /** Whether it acts in every workspace. */
  readonly instance: boolean;
  readonly workspace: {
    readonly id: string;
    readonly name: string;
    readonly slug: string;
  } | null;
  readonly permissions: readonly string[];
  readonly key: Key | null;
};

export type Workspace = {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
  readonly is_default: boolean;
  readonly settings: {
    readonly token_prefix: string | null;
    readonly default_life_seconds: number | null;
    readonly max_life_seconds: number | null;
    readonly max_keys: number | null;
    readonly max_keys_per_owner: number | null;
    readonly known_scopes: readonly string[] | null;
    readonly metadata_filters: readonly string[];
    readonly ordinary_keys_manage: boolean;
    readonly key_limits: readonly Limit[];
    readonly owner_limits: readonly Limit[];
    readonly workspace_limits: readonly Limit[];
  };
  readonly created_by: {
    readonly type: 'key' | 'member' | 'service' | 'system' | 'anyone';
    readonly id: string;
  };
  readonly created_at: string;
  readonly updated_at: string;
  readonly suspended_at: string | null;
  readonly deleted_at: string | null;
  readonly confirmation?: Confirmation | undefined;
};

export type WorkspaceCreate = {
  readonly name: string;
  readonly slug?: string | undefined;
  readonly settings?:
    | {
        readonly token_prefix?: string | null | undefined;
        readonly default_life_seconds?: number | null | undefined;
        readonly max_life_seconds?: number | null | undefined;
        readonly max_keys?: number | null | undefined;
        readonly max_keys_per_owner?: number | null | undefined;
        readonly known_scopes?: readonly string[] | null | undefined;
        readonly metadata_filters?: readonly string[] | null | undefined;
        readonly ordinary_keys_manage?: boolean | undefined;
        /** The limits of each key that has none of its own. */
        readonly key_limits?: readonly LimitDraft[] | null | undefined;
        /** Shared by all keys of one owner. */
        readonly owner_limits?: readonly LimitDraft[] | null | undefined;
        /** Shared by all keys. */
        readonly workspace_limits?: readonly LimitDraft[] | null | undefined;
      }
    | undefined;
};

export type WorkspacePage = {
  readonly data: readonly Workspace[];
  /** Cursor for `after`; null at the end. A page may be short, even empty, and have one. */
  readonly next: string | null;
  /** Cursor for `before`; null at the beginning. */
  readonly prev: string | null;
  /** With include=total: how many there are in all, or at least so many. */
  readonly total?: number | undefined;
  /** With include=total: whether there are no more. Counting ends at 10,000. */
  readonly total_is_exact?: boolean | undefined;
};

export type WorkspacePatch = {
  readonly name?: string | undefined;
  readonly slug?: string | undefined;
  readonly settings?:
    | {
        readonly token_prefix?: string | null | undefined;
        readonly default_life_seconds?: number | null | undefined;
        readonly max_life_seconds?: number | null | undefined;
        readonly max_keys?: number | null | undefined;
        readonly max_keys_per_owner?: number | null | undefined;
        readonly known_scopes?: readonly string[] | null | undefined;
        readonly metadata_filters?: readonly string[] | null | undefined;
        readonly ordinary_keys_manage?: boolean | undefined;
        /** The limits of each key that has none of its own. */
        readonly key_limits?: readonly LimitDraft[] | null | undefined;
        /** Shared by all keys of one owner. */
        readonly owner_limits?: readonly LimitDraft[] | null | undefined;
        /** Shared by all keys. */
        readonly workspace_limits?: readonly LimitDraft[] | null | undefined;
      }
    | undefined;
  /** Whether to answer only once every live process obeys the change, or may not answer from memory any more: within 10 seconds. */
  readonly confirm?: boolean | undefined;
};

export type ListKeysQuery = {
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  readonly include?: 'total' | undefined;
  readonly workspace_id?: string | undefined;
  /** Any of these, separated by commas: deleted, revoked, disabled, soft_blocked, expired, not_yet_valid, active. */
  readonly status?: string | undefined;
  readonly kind?: 'standard' | 'management' | undefined;
  readonly owner_id?: string | undefined;
  /** Keys that have this very scope. */
  readonly scope?: string | undefined;
  readonly environment?: 'live' | 'test' | undefined;
  /** Id of the key, member or service that made it. */
  readonly created_by?: string | undefined;
  /** From this moment on; keys that never expire are left out. */
  readonly expires_after?: string | undefined;
  /** Before this moment. */
  readonly expires_before?: string | undefined;
  /** From this moment on. */
  readonly created_after?: string | undefined;
  /** Before this moment. */
  readonly created_before?: string | undefined;
  /** From this day on. By whole days, UTC: the moment stands for its day. */
  readonly last_used_after?: string | undefined;
  /** Before this day, keys never used left out. By whole days, UTC: the moment stands for its day. */
  readonly last_used_before?: string | undefined;
  readonly never_used?: boolean | undefined;
  /** Part of the name, the owner_id or what is shown of the key. Case and accents do not matter. */
  readonly search?: string | undefined;
  /** -created_at unless given; a minus is for the greatest first. */
  readonly sort?:
    | 'created_at'
    | '-created_at'
    | 'expires_at'
    | '-expires_at'
    | 'last_used_at'
    | '-last_used_at'
    | 'name'
    | '-name'
    | undefined;
  readonly include_deleted?: boolean | undefined;
};

export type GetKeyQuery = {
  readonly include_deleted?: boolean | undefined;
};

export type ListWorkspacesQuery = {
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  readonly include?: 'total' | undefined;
  /** From this moment on. */
  readonly created_after?: string | undefined;
  /** Before this moment. */
  readonly created_before?: string | undefined;
  /** Part of its name, or of its own id, subject or slug. Case and accents do not matter. */
  readonly search?: string | undefined;
  /** -created_at unless given. */
  readonly sort?: 'created_at' | '-created_at' | undefined;
};

export type DeleteWorkspaceQuery = {
  readonly keys?: 'revoke' | undefined;
};

export type ListOwnersQuery = {
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  readonly include?: 'total' | undefined;
  /** From this moment on. */
  readonly created_after?: string | undefined;
  /** Before this moment. */
  readonly created_before?: string | undefined;
  /** Part of its name, or of its own id, subject or slug. Case and accents do not matter. */
  readonly search?: string | undefined;
  /** -created_at unless given. */
  readonly sort?: 'created_at' | '-created_at' | undefined;
  readonly workspace_id?: string | undefined;
};

export type GetOwnerQuery = {
  readonly workspace_id?: string | undefined;
};

export type UpdateOwnerQuery = {
  readonly workspace_id?: string | undefined;
};

export type CreditOwnerQuery = {
  readonly workspace_id?: string | undefined;
};

export type SuspendOwnerQuery = {
  readonly workspace_id?: string | undefined;
};

export type ResumeOwnerQuery = {
  readonly workspace_id?: string | undefined;
};

export type EraseOwnerQuery = {
  readonly workspace_id?: string | undefined;
  readonly keys?: 'erase' | undefined;
};

export type ListMembersQuery = {
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  readonly include?: 'total' | undefined;
  /** From this moment on. */
  readonly created_after?: string | undefined;
  /** Before this moment. */
  readonly created_before?: string | undefined;
  /** Part of its name, or of its own id, subject or slug. Case and accents do not matter. */
  readonly search?: string | undefined;
  /** -created_at unless given. */
  readonly sort?: 'created_at' | '-created_at' | undefined;
  readonly workspace_id?: string | undefined;
  readonly role?: 'viewer' | 'editor' | 'admin' | 'owner' | undefined;
};

export type RemoveMemberQuery = {
  /** Ids of keys that stay as they are, separated by commas: 100 at most. */
  readonly keep_keys?: string | undefined;
};

export type ListEventsQuery = {
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  readonly include?: 'total' | undefined;
  readonly workspace_id?: string | undefined;
  /** About this key. */
  readonly key_id?: string | undefined;
  /** About this owner or its keys. A key of the instance names the workspace by workspace_id; without it `default`. */
  readonly owner_id?: string | undefined;
  /** Made by this actor. */
  readonly actor_id?: string | undefined;
  /** Any of these, separated by commas. */
  readonly type?: string | undefined;
  /** From this moment on. */
  readonly created_after?: string | undefined;
  readonly created_before?: string | undefined;
};

export type ExportEventsQuery = {
  readonly workspace_id?: string | undefined;
  /** About this key. */
  readonly key_id?: string | undefined;
  /** About this owner or its keys. A key of the instance names the workspace by workspace_id; without it `default`. */
  readonly owner_id?: string | undefined;
  /** Made by this actor. */
  readonly actor_id?: string | undefined;
  /** Any of these, separated by commas. */
  readonly type?: string | undefined;
  /** From this moment on. */
  readonly created_after?: string | undefined;
  readonly created_before?: string | undefined;
};

export type GetUsageQuery = {
  /** day unless given. */
  readonly step?: 'hour' | 'day' | 'month' | undefined;
  /** The hour, day or month it is in is the first. Without it the last 24 hours, 30 days or 12 months; 1000 of them at the most. */
  readonly from?: string | undefined;
  /** Before this moment; now unless given. */
  readonly to?: string | undefined;
  readonly workspace_id?: string | undefined;
  /** Of the keys that were this owner's when they were used. A key of the instance names the workspace by workspace_id; without it `default`. */
  readonly owner_id?: string | undefined;
  readonly key_id?: string | undefined;
};

export type GetKeyUsageQuery = {
  /** day unless given. */
  readonly step?: 'hour' | 'day' | 'month' | undefined;
  /** The hour, day or month it is in is the first. Without it the last 24 hours, 30 days or 12 months; 1000 of them at the most. */
  readonly from?: string | undefined;
  /** Before this moment; now unless given. */
  readonly to?: string | undefined;
};
