import { describe, expect, it } from 'vitest';
import {
  callerWith,
  INSTANCE,
  managementKey,
  refusalOf,
  standardKey,
  WORKSPACE_ID,
} from '../../../tests/fixtures/domain.ts';
import { chosenWorkspace, requireInstance, requirePermission } from './caller.ts';
import { PERMISSIONS } from './permission.ts';

describe('a permission', () => {
  it.each(PERMISSIONS)('%s is asked of every caller by that very name', (permission) => {
    const rest = PERMISSIONS.filter((one) => one !== permission);
    const lacking = callerWith({ permissions: rest });
    expect(refusalOf(() => requirePermission(lacking, permission))).toBe('forbidden');
    expect(() => requirePermission(lacking, permission)).toThrow(permission);
    expect(
      refusalOf(() => requirePermission(callerWith({ permissions: [permission] }), permission)),
    ).toBe('nothing');
    expect(refusalOf(() => requirePermission(callerWith(), permission))).toBe('nothing');
  });

  it('is never had by an ordinary key, whose refusal says what it is', () => {
    const caller = callerWith({
      permissions: [],
      key: standardKey({ scopes: ['*', 'keys:write'] }),
    });
    expect(() => requirePermission(caller, 'keys:write')).toThrow(/ordinary key.*management key/);
  });
});

describe('the workspace of a call', () => {
  it("is a workspace key's own, and another is refused", () => {
    const caller = callerWith({ key: managementKey() });
    expect(chosenWorkspace(caller, undefined)).toBe(WORKSPACE_ID);
    expect(chosenWorkspace(caller, WORKSPACE_ID)).toBe(WORKSPACE_ID);
    expect(refusalOf(() => chosenWorkspace(caller, 'another'))).toBe('forbidden');
    expect(refusalOf(() => chosenWorkspace(caller, ''))).toBe('forbidden');
    expect(refusalOf(() => requireInstance(caller))).toBe('forbidden');
  });

  it('is what an instance key names, and none where it names none', () => {
    const caller = callerWith({ home: INSTANCE });
    expect(chosenWorkspace(caller, undefined)).toBeUndefined();
    expect(chosenWorkspace(caller, 'another')).toBe('another');
    expect(requireInstance(caller)).toBe(INSTANCE.instance);
  });
});
