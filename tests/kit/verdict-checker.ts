// Holds every verdict to what was acknowledged before it was asked for: the three
// invariants of SECURITY.md, on one clock. Whoever asks tells when they asked and when they
// were answered; what was never answered may have been done at any time.

/** What is done to a key after it was made. */
export type KeyChange = 'revoke' | 'disable' | 'enable';

export interface CheckedKey {
  readonly id: string;
  readonly secret: string;
  /** How many uses may be admitted in all; null for any number. */
  readonly allowance: number | null;
  /** Uses admitted and refused so far. */
  admitted: number;
  refused: number;
}

export interface Verdict {
  readonly process: string;
  readonly code: string;
  /** When it was asked for. */
  readonly started: number;
}

/** What became of a change that was asked for: done, refused for certain, or nobody knows. */
export type Outcome = 'done' | 'refused' | 'unknown';

export interface VerdictChecker {
  /** A key whose making was acknowledged now. */
  made(id: string, secret: string, allowance: number | null): CheckedKey;
  /** Called when a change is asked for; answers what to call with what became of it. */
  asks(key: CheckedKey, change: KeyChange): (outcome: Outcome) => void;
  /** Called when a verdict arrives. */
  judge(key: CheckedKey, verdict: Verdict): void;
  readonly violations: readonly string[];
  /** Verdicts judged, and changes acknowledged. */
  readonly counts: { verdicts: number; changes: number };
  /** How long after an acknowledged end the last "valid" was asked for, in milliseconds; 0 where none was. Begins anew. */
  takeLongestLie(): number;
}

interface Life extends CheckedKey {
  readonly madeAt: number;
  /** When an end was first asked for, and when one was acknowledged. */
  endAsked: number;
  ended: number;
  /** Since when it is certain to be disabled, or enabled; infinite while it is neither. */
  disabled: number;
  enabled: number;
  disableAsked: boolean;
  /** A change whose outcome nobody knows may still come to pass. */
  isUncertain: boolean;
  /** When each process first said that it is revoked. */
  readonly said: Map<string, number>;
}

const NEVER = Number.POSITIVE_INFINITY;

/**
 * @param bound milliseconds after an acknowledgement within which other processes may not know yet
 * @param now one clock for all that is told here, in milliseconds
 */
export function createVerdictChecker(bound: number, now: () => number): VerdictChecker {
  const lives = new Map<CheckedKey, Life>();
  const violations: string[] = [];
  const counts = { verdicts: 0, changes: 0 };
  let longestLie = 0;

  const lifeOf = (key: CheckedKey): Life => {
    const life = lives.get(key);
    if (life === undefined) throw new RangeError(`key ${key.id} is not known`);
    return life;
  };

  /** Why a key can not be valid in a verdict that was asked for then; null where it can. */
  const againstValid = (life: Life, { process, started }: Verdict): string | null => {
    if (started > life.ended + bound) return 'valid after its end was acknowledged';
    if (started > life.disabled + bound) return 'valid after its disabling was acknowledged';
    for (const [sayer, at] of life.said) {
      if (started > at + (sayer === process ? 0 : bound))
        return `valid after ${sayer} said revoked`;
    }
    if (life.allowance !== null && life.admitted > life.allowance) {
      return `use ${life.admitted} of ${life.allowance} was admitted`;
    }
    return null;
  };

  const against = (life: Life, verdict: Verdict): string | null => {
    const { code, started } = verdict;
    switch (code) {
      case 'valid':
        return againstValid(life, verdict);
      case 'revoked':
        return life.endAsked === NEVER ? 'revoked, which nobody asked for' : null;
      case 'disabled':
        if (!life.disableAsked) return 'disabled, which nobody asked for';
        return started > life.enabled + bound ? 'disabled after it was enabled again' : null;
      case 'not_found':
        return started > life.madeAt + bound
          ? 'not found, though its making was acknowledged'
          : null;
      case 'rate_limited':
      case 'insufficient_credits':
        return life.allowance === null ? `${code}, though nothing limits it` : null;
      default:
        return `${code}, which nothing explains`;
    }
  };

  return {
    violations,
    counts,
    made(id, secret, allowance) {
      counts.changes++;
      const key: Life = {
        ...{ id, secret, allowance, admitted: 0, refused: 0, madeAt: now(), said: new Map() },
        ...{ endAsked: NEVER, ended: NEVER, disabled: NEVER, enabled: NEVER },
        ...{ disableAsked: false, isUncertain: false },
      };
      lives.set(key, key);
      return key;
    },
    asks(key, change) {
      const life = lifeOf(key);
      if (change === 'revoke') life.endAsked = Math.min(life.endAsked, now());
      else {
        life.disableAsked ||= change === 'disable';
        life.disabled = NEVER;
        life.enabled = NEVER;
      }
      return (outcome) => {
        if (outcome === 'done') counts.changes++;
        if (outcome === 'unknown' && change !== 'revoke') life.isUncertain = true;
        if (outcome !== 'done') return;
        if (change === 'revoke') life.ended = Math.min(life.ended, now());
        else if (!life.isUncertain) life[change === 'disable' ? 'disabled' : 'enabled'] = now();
      };
    },
    judge(key, verdict) {
      const life = lifeOf(key);
      const { process, code, started } = verdict;
      counts.verdicts++;
      if (code === 'valid') {
        life.admitted++;
        const since = Math.min(life.ended, life.disabled);
        if (started > since) longestLie = Math.max(longestLie, started - since);
      } else life.refused++;
      const why = against(life, verdict);
      if (why !== null) {
        const times = `started ${Math.round(started)}, now ${Math.round(now())}, ended ${Math.round(life.ended)}, disabled ${Math.round(life.disabled)}, made ${Math.round(life.madeAt)}`;
        violations.push(`${why}: key ${life.id}, ${process}, ${times}`);
      }
      if (code === 'revoked' && !life.said.has(process)) life.said.set(process, now());
    },
    takeLongestLie() {
      const found = longestLie;
      longestLie = 0;
      return found;
    },
  };
}
