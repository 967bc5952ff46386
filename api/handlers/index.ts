// Which handler answers which route.

import type { Handler } from '../handle';
import type { RouteId } from '../routes';
import { getCluster, getHold, getNode, listClusters, listNodes } from './clusters';
import { getHistory } from './history';
import { getOperation, listOperations, startOperation } from './operations';
import { explainCluster, planOperation } from './plans';
import { getPolicy, putPolicy } from './policy';

export const handlers: Record<RouteId, Handler> = {
  listClusters,
  getCluster,
  listNodes,
  getNode,
  explainCluster,
  planOperation,
  listOperations,
  startOperation,
  getOperation,
  getHold,
  getPolicy,
  putPolicy,
  getHistory,
};
