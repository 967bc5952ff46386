// Entry of the hypervisor process. Speaks JSON lines to whoever started it: progress, then `ready` with the facts, or
// `failed`. Ends with everything it made on SIGTERM, or when its starter is gone (its stdin ends) unless told `keep`.

import { Hypervisor } from './hypervisor';

const [dir = '', overrides = '{}'] = process.argv.slice(2);
const say = (message: object): void => {
  process.stdout.write(`${JSON.stringify(message)}\n`);
};

const hypervisor = new Hypervisor({ dir, ...JSON.parse(overrides), progress: (line) => say({ progress: line }) });
let keep = false;
let ending = false;

async function end(code: number): Promise<void> {
  ending = true;
  await hypervisor.stop().catch((error: Error) => say({ failed: error.message }));
  // Installers that are still at work are this process's group; it is the leader itself and ignores its own signal.
  process.kill(-process.pid, 'SIGTERM');
  process.exit(code);
}

process.stdin.on('data', (data) => {
  keep ||= data.toString().includes('keep');
});
process.stdin.on('end', () => keep || void end(0));
// Written to a starter that is gone: its stdin end, above, decides.
process.stdout.on('error', () => undefined);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => ending || void end(0));

hypervisor.up().then(
  (facts) => say({ ready: facts }),
  (error: Error) => {
    say({ failed: error.message });
    void end(1);
  },
);
