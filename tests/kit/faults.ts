// What can go wrong with an installation, each as it begins and as it ends: processes that
// die or stand still, servers and networks that do the same.

import type { FaultRig } from './fault-rig.ts';

export interface Fault {
  /** As the page of results has it. */
  readonly name: string;
  /** For how long it lasts, unless its beginning is all of it. */
  readonly milliseconds: number;
  begin(rig: FaultRig, turn: number): unknown;
  end?(rig: FaultRig, turn: number): unknown;
}

const processOf = ({ processes }: FaultRig, turn: number) => {
  const process = processes[turn % processes.length];
  if (process === undefined) throw new RangeError('there are processes');
  return process;
};

export const FAULTS: readonly Fault[] = [
  {
    name: 'a process is killed',
    milliseconds: 500,
    begin: (rig, turn) => processOf(rig, turn).kill(),
    end: (rig, turn) => processOf(rig, turn).start(),
  },
  {
    name: 'a process stands still',
    milliseconds: 6_500,
    begin: (rig, turn) => processOf(rig, turn).signal('SIGSTOP'),
    end: (rig, turn) => processOf(rig, turn).signal('SIGCONT'),
  },
];
