// The command documents of a stack, as data: what the control plane may have done on a host, and nothing else. Named
// `<stack>-<name>`. Used by the CDK app and, as they are, by the local stack, which runs them on its nodes.

import { documentOf, parameters } from './document';

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
  install: documentOf(
    'install',
    'Mainstay: installs, configures or upgrades the agent of a node; changes nothing where nothing has changed',
    { cluster, table, region, source, sha256, nodes, settings },
    300,
  ),
};

export type DocumentName = keyof typeof documents;

export const documentNameOf = (stackName: string, name: DocumentName): string => `${stackName}-${name}`;
