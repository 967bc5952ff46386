// The command documents of a control plane, as data: `poke` becomes `<control plane>-poke`. A document gets no rights by being listed
// here; who may send it is in infra/grants.ts. The local stack runs them on its nodes as they are.

import { type CommandDocument, documentOf, parameters } from './document';

export type { CommandDocument, Parameter } from './document';

const { cluster, epoch, expires, host: main, file, key, service } = parameters;
const { table, region, source, sha256, nodes, settings } = parameters;

/** Execution bounds in s; each is above what the script itself waits for. */
export const documents = {
  poke: documentOf('poke', 'Mainstay: the agent looks at the lease now', { cluster, epoch, expires }, 30),
  'engine-stop': documentOf(
    'engine-stop',
    'Mainstay: stops the engine of a node whose agent does not act; proves nothing by itself',
    { cluster, epoch, expires },
    60,
  ),
  consumer: documentOf(
    'consumer',
    'Mainstay: points a consumer at the new main (one key of a properties file) and restarts it',
    { cluster, epoch, expires, main, file, key, service },
    90,
  ),
} satisfies Record<string, CommandDocument>;

/** Sent by State Manager alone: no function of the control plane may. */
export const installDocument = documentOf(
  'install-agent',
  'Mainstay: installs, configures or upgrades the agent of a node; changes nothing where nothing has changed',
  { cluster, table, region, source, sha256, nodes, settings },
  300,
);

export const installDocumentNameOf = (controlPlane: string): string => `${controlPlane}-install-agent`;
