// What an operator set about a gateway, held together: a plan in a file, where it is
// answered, and, where others than this machine could ask, the secret that it sends.

import { readFileSync } from 'node:fs';
import { type GatewayPlan, parseGatewayPlan } from '@warder/server';
import { type Flags, findSetting, readSetting } from '../config.ts';
import { Failure, usage } from '../failure.ts';
import type { GatewayAddress } from '../parse.ts';
import { isLoopback } from './listeners.ts';

export interface GatewayInUse {
  /** The file that holds the plan. */
  readonly file: string;
  readonly plan: GatewayPlan;
  readonly at: GatewayAddress;
  /** What the gateway sends with each request; null for nothing. */
  readonly secret: string | null;
}

/** Null where no gateway is set. @throws Failure for a plan or an address that cannot be used */
export function gatewayIn(flags: Flags): GatewayInUse | null {
  const file = readSetting('gateway', flags);
  const at = readSetting('gatewayListen', flags);
  const secret = readSetting('gatewaySecret', flags) ?? null;
  if (file === undefined && at === undefined) return null;
  if (file === undefined || at === undefined) {
    throw usage('--gateway and --gateway-listen belong together: give both or neither.');
  }
  if ('host' in at && !isLoopback(at) && secret === null) {
    throw usage(
      `${findSetting('gatewayListen', flags)?.where} names an address that other machines can reach, where whoever asks learns which keys are good: give --gateway-secret-file too, or unix:/PATH or an address of this machine.`,
    );
  }
  return { file, plan: planIn(file), at, secret };
}

function planIn(file: string): GatewayPlan {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
    throw new Failure('unreadable_file', `The gateway file ${file} cannot be read${code}.`);
  }
  try {
    return parseGatewayPlan(text);
  } catch (error) {
    const rule = error instanceof Error ? error.message : 'cannot be read';
    throw new Failure('bad_gateway_file', `The gateway file ${file}: ${rule}.`);
  }
}
