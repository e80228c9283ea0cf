import { parseNetwork } from '@warder/core';
import { describe, expect, it } from 'vitest';
import { originAddress } from './peer.ts';

const networks = (...all: string[]) => all.flatMap((one) => parseNetwork(one) ?? []);
const trusted = networks('10.0.0.0/8', '::1', '2001:db8::/32');
const from = (socket: string | undefined, forwarded: string | null, proxies = trusted) =>
  originAddress(socket, forwarded, proxies);

describe('where a call comes from', () => {
  it('is the socket, whatever a header says, unless the socket is a trusted proxy', () => {
    expect(from('192.0.2.1', '198.51.100.7')).toBe('192.0.2.1');
    expect(from('10.0.0.1', '198.51.100.7', [])).toBe('10.0.0.1');
    expect(from('10.0.0.1', null)).toBe('10.0.0.1');
    expect(from(undefined, '198.51.100.7')).toBeNull();
  });

  it('is the nearest address that a chain of trusted proxies vouches for', () => {
    expect(from('10.0.0.1', '198.51.100.7')).toBe('198.51.100.7');
    expect(from('10.0.0.1', '203.0.113.5, 198.51.100.7')).toBe('198.51.100.7');
    expect(from('10.0.0.1', '203.0.113.5 , 198.51.100.7,10.0.0.2')).toBe('198.51.100.7');
    expect(from('2001:db8::1', '203.0.113.5, 10.0.0.2, ::1')).toBe('203.0.113.5');
    expect(from('10.0.0.1', '10.0.0.3, 10.0.0.2')).toBe('10.0.0.3');
  });

  it('stops at what is no address: what stands before it is anybody’s word', () => {
    for (const broken of ['', 'unknown', '198.51.100.7:443', '_hidden', '198.51.100', 'a, b,']) {
      expect(from('10.0.0.1', `203.0.113.5, ${broken}`)).toBe('10.0.0.1');
    }
    expect(from('10.0.0.1', '203.0.113.5, nobody, 10.0.0.2')).toBe('10.0.0.2');
  });

  it('is an IPv4 address as such, also where it is written in IPv6', () => {
    expect(from('::ffff:192.0.2.1', null)).toBe('192.0.2.1');
    expect(from('::ffff:10.0.0.1', '::FFFF:198.51.100.7')).toBe('198.51.100.7');
  });
});
