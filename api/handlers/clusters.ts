// Clusters and nodes, as the command line shows them. Reads only.

import { configOf, nodeIn } from '../../desk/cluster';
import { Failure, failure, must } from '../../desk/problems';
import { lookAt } from '../../desk/view';
import type { Handler } from '../handle';
import { problemBody } from '../problems';

/** A fleet may have a thousand clusters: so many are read at once. */
const AT_ONCE = 20;

export const listClusters: Handler = async ({ desk }) => {
  const names = must(await desk.settings.clusters());
  const clusters: unknown[] = [];
  for (let first = 0; first < names.length; first += AT_ONCE) {
    const looked = names.slice(first, first + AT_ONCE).map((cluster) =>
      lookAt(desk, cluster).catch((error: unknown) => {
        if (error instanceof Failure) return { cluster, error: problemBody(error.problem) };
        throw error;
      }),
    );
    clusters.push(...(await Promise.all(looked)));
  }
  return { status: 200, body: { clusters } };
};

export const getCluster: Handler = async ({ desk, params: { cluster = '' } }) => ({
  status: 200,
  body: await lookAt(desk, cluster),
});

export const listNodes: Handler = async ({ desk, params: { cluster = '' } }) => ({
  status: 200,
  body: { nodes: (await lookAt(desk, cluster)).nodes },
});

export const getNode: Handler = async ({ desk, params: { cluster = '', node = '' } }) => {
  const config = await configOf(desk, cluster);
  nodeIn(config, node);
  const found = (await lookAt(desk, cluster)).nodes.find((view) => view.node === node);
  if (!found) throw failure('UnknownNode', `there is no node '${node}' in ${cluster}`, 'check the name');
  return { status: 200, body: found };
};
