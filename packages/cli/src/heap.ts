// A service that lists much leaves much behind and keeps little: V8 would rather take
// several times the memory than clear it. The two bounds are V8's own, and the first
// can only be set while it runs by ending the growth where it is enough.

import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Both halves of what is new. */
const YOUNG_BYTES = 8 * 1024 * 1024;

/** Keeps the heap of this thread within some three times of what is in use. */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=50');
  const observer = new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
    if (young === undefined || young.space_size < YOUNG_BYTES) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    observer.disconnect();
  });
  observer.observe({ entryTypes: ['gc'] });
}
