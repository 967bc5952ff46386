// The text of docs/invariants.md, drawn from the tables: invariants, faults, and planted bugs. Run as a program it writes it.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { callFaults } from './calls';
import { stepFaults } from './cloud';
import { lasting, strikes } from './faults';
import { invariants } from './invariants';
import { mutants } from './mutants';

const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

const drawn = Object.entries({ ...strikes, ...lasting }).map(([name, { traps }]) => [name, traps.join(', ')]);
const onTheWay = Object.entries({ ...callFaults, ...stepFaults }).map(([name, what]) => [name, what]);

export const invariantsText = (): string => `# What must always hold

Each of these has a checker that sees every event of every simulated history (\`test/sim/invariants.ts\`), and each checker is
proven able to fail by the planted bugs at the end. Drawn from the tables of the code by \`npm run docs\`.

${table(
  ['id', 'invariant'],
  Object.entries(invariants).map(([id, { sentence }]) => [id, sentence]),
)}

## How they are tried

The agents' loop, the plans and the steps run as they are, in one process, under a virtual clock (\`test/sim\`); engine, network
and cloud are models. A history is a minute of faults drawn from its seed, then the heal, then the demand that the cluster
comes to rest (I17). The same seed is the same history, byte for byte.

    npm run sim -- --seeds 5000        histories by the thousand, with their coverage
    npm run sim -- --seed 4711         one of them, as a story
    npm run sim -- --scenario T25      a named scenario for a trap
    npm run sim -- --crash-points      every plan stopped at every place, then left alone, redriven, or followed
    npm run sim -- --exhaustive        all interleavings of a small world
    npm run sim -- --mutants           every planted bug, and the seeds that it takes to find it

Faults that strike, with the traps that they make the protocol meet; the last ones stay until the heal:

${table(['fault', 'traps'], drawn)}

Besides, events, commands and status events are lost, late, or come twice, and calls and steps go wrong on their way:

${table(['fault', 'what happens'], onTheWay)}

## Planted bugs

Each is one real mistake, as an edit of the source that only the simulation's build makes. All must be found.

${table(
  ['bug', 'mistake'],
  Object.entries(mutants).map(([name, { mistake }]) => [`\`${name}\``, mistake]),
)}
`;

if (require.main === module) writeFileSync(join(__dirname, '..', '..', 'docs', 'invariants.md'), invariantsText());
