// Which handler answers which route.

import type { Handler } from '../handle';
import type { RouteId } from '../routes';
import { approve, askApproval, listApprovals } from './approvals';
import {
  acknowledgeAttempts,
  clearHold,
  getAttempts,
  getHold,
  getPromotion,
  pauseService,
  putPromotion,
  resumePaused,
} from './changes';
import { getCluster, getNode, listClusters, listNodes } from './clusters';
import { getHistory } from './history';
import { getOperation, getReport, listOperations, startOperation } from './operations';
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
  clearHold,
  getPromotion,
  putPromotion,
  getAttempts,
  acknowledgeAttempts,
  pauseService,
  resumeService: resumePaused,
  listApprovals,
  askApproval,
  approve,
  getReport,
  getPolicy,
  putPolicy,
  getHistory,
};
