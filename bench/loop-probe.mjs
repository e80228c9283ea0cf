// Preloaded into a service that is measured: on SIGUSR2 it tells how long its loop was
// held at the longest since the last time, in milliseconds.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.on('SIGUSR2', () => {
  process.stderr.write(`held ${(delay.max / 1e6).toFixed(2)}\n`);
  delay.reset();
});
