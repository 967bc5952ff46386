// What the control plane's REST API offers, as data: infra/ makes a gateway's route of each row, docs/openapi.json tells it, the
// dispatcher checks requests against it. What a row does is in handlers/ under its id.

import type { z } from 'zod';
import * as views from '../desk/shapes';
import * as changes from './change-schemas';
import * as shapes from './schemas';

export interface Answer {
  description: string;
  shape: z.ZodType;
  /** As a page of text as well, when Accept asks for it. */
  markdown?: true;
  /** Headers beside the common ones, by name: what they say. */
  headers?: Record<string, string>;
}

export interface Route {
  method: 'GET' | 'POST' | 'PUT';
  /** `{name}` stands for one segment. */
  path: string;
  summary: string;
  params: Record<string, z.ZodType>;
  query: Record<string, z.ZodType>;
  /** Lower case. */
  headers: Record<string, z.ZodType>;
  body?: z.ZodType;
  /** The answer when it went well, by status. */
  answers: Record<number, Answer>;
  /** Statuses of problems beside the common ones. */
  problems: readonly number[];
}

const onItsWay = 'it has passed the check of its first step and is on its way; or the same key had started it';
const inCluster = { cluster: shapes.clusterName };
const plain = { params: inCluster, query: {}, headers: {} };
const gives = <Shape extends z.ZodType>(shape: Shape, description: string, headers?: Record<string, string>) => ({
  200: { shape, description, ...(headers ? { headers } : {}) },
});
const tagged = { etag: 'for If-Match' };
/** Something on the lease is replaced, if it still is what was read. */
const replaces = { ...plain, headers: { 'if-match': shapes.ifMatch.optional() }, problems: [404, 409, 412, 415, 428] };
const accepted = <Shape extends z.ZodType>(shape: Shape, description: string, headers?: Record<string, string>) => ({
  202: { shape, description, ...(headers ? { headers } : {}) },
});

export const routes = {
  listClusters: {
    ...{ method: 'GET', path: '/v1/clusters', params: {}, query: {}, headers: {}, problems: [] },
    summary: 'All clusters at a glance; one that cannot be read hides no other',
    answers: gives(shapes.clusterList, 'every cluster, or why it cannot be read'),
  },
  getCluster: {
    ...{ ...plain, method: 'GET', path: '/v1/clusters/{cluster}', problems: [404] },
    summary: 'One cluster: lease, policy, nodes, and who could become main',
    answers: gives(views.clusterView, 'the cluster, as the command line shows it'),
  },
  listNodes: {
    ...{ ...plain, method: 'GET', path: '/v1/clusters/{cluster}/nodes', problems: [404] },
    summary: 'The nodes of a cluster',
    answers: gives(shapes.nodeList, 'every node'),
  },
  getNode: {
    ...{ ...plain, method: 'GET', path: '/v1/clusters/{cluster}/nodes/{node}', problems: [404] },
    params: { ...inCluster, node: shapes.nodeName },
    summary: 'One node',
    answers: gives(views.nodeView, 'the node'),
  },
  explainCluster: {
    ...{ ...plain, method: 'GET', path: '/v1/clusters/{cluster}/explanation', problems: [404, 409] },
    summary: 'Is it safe now, what would happen if the main died this second, and why it did or did not fail over last',
    answers: gives(views.explanationView, 'as the command line tells it'),
  },
  planOperation: {
    ...{ ...plain, method: 'GET', path: '/v1/clusters/{cluster}/plan', problems: [404, 409] },
    query: {
      kind: shapes.plannedKind,
      to: shapes.nodeName.optional(),
      force: shapes.flag.optional().describe('of a failover'),
      acceptLoss: shapes.flag.optional().describe('of a failover'),
    },
    summary: 'What an operation would do; nothing is begun',
    answers: gives(shapes.planView, 'the plan; its id starts exactly this'),
  },
  listOperations: {
    ...{ ...plain, method: 'GET', path: '/v1/clusters/{cluster}/operations', problems: [404] },
    query: { limit: shapes.whole(1, 100, 20) },
    summary: 'The latest operations, newest first, of the last 1,000 entries of the journal',
    answers: gives(shapes.operationList, 'how each of them ended'),
  },
  startOperation: {
    ...{ ...plain, method: 'POST', path: '/v1/clusters/{cluster}/operations', problems: [404, 409, 415, 422] },
    headers: { 'idempotency-key': shapes.idempotencyKey },
    body: shapes.operationRequest,
    summary: 'Start a switchover, a failover, a failback or a recovery',
    answers: accepted(shapes.operationStarted, onItsWay, { location: 'where the operation can be looked at' }),
  },
  getOperation: {
    ...{ ...plain, method: 'GET', path: '/v1/clusters/{cluster}/operations/{operation}', problems: [404] },
    params: { ...inCluster, operation: shapes.operationId },
    summary: 'One operation: how far it is, how it ended, and what it has written down',
    answers: gives(shapes.operationView, 'the operation'),
  },
  getHold: {
    ...{ ...plain, method: 'GET', path: '/v1/clusters/{cluster}/hold', problems: [404] },
    summary: 'What is held back after a failover, and who is kept out',
    answers: gives(shapes.holdView, 'the hold, null when there is none', tagged),
  },
  clearHold: {
    ...{ ...replaces, method: 'POST', path: '/v1/clusters/{cluster}/hold/clear' },
    body: changes.reasonRequest,
    summary: 'Lift the hold that was looked at; shunned nodes stay out until they are recovered',
    answers: gives(changes.holdCleared, 'it is lifted'),
  },
  getPromotion: {
    ...{ ...plain, method: 'GET', path: '/v1/clusters/{cluster}/nodes/{node}/promotion', problems: [404] },
    params: { ...inCluster, node: shapes.nodeName },
    summary: 'Whether a person has barred this node from becoming main',
    answers: gives(changes.promotionView, 'who has barred it and why, if anybody has', tagged),
  },
  putPromotion: {
    ...{ ...replaces, method: 'PUT', path: '/v1/clusters/{cluster}/nodes/{node}/promotion' },
    params: { ...inCluster, node: shapes.nodeName },
    body: changes.promotionRequest,
    summary: 'Bar a node from becoming main, by hand or by itself, or let it again',
    answers: gives(changes.promotionSet, 'as it is now', { etag: 'for the next If-Match' }),
  },
  getAttempts: {
    ...{ ...plain, method: 'GET', path: '/v1/clusters/{cluster}/attempts', problems: [404] },
    summary: 'The automatic failovers that nobody has acknowledged',
    answers: gives(changes.attemptsView, 'they count against the day’s maximum', tagged),
  },
  acknowledgeAttempts: {
    ...{ ...replaces, method: 'POST', path: '/v1/clusters/{cluster}/attempts/acknowledge' },
    body: changes.reasonRequest,
    summary: 'The automatic failovers that were looked at count no more',
    answers: gives(changes.attemptsAcknowledged, 'none is left'),
  },
  pauseService: {
    ...{ ...plain, method: 'POST', path: '/v1/clusters/{cluster}/pause', problems: [404, 409, 415] },
    body: changes.reasonRequest,
    summary: 'Stop the main cleanly; backups do not take over',
    answers: accepted(changes.serviceChange, 'the main is asked; the cluster’s phase is paused when it has stopped'),
  },
  resumeService: {
    ...{ ...plain, method: 'POST', path: '/v1/clusters/{cluster}/resume', problems: [404, 409, 415] },
    body: changes.reasonRequest,
    summary: 'Bring a paused service back, on the node that was main',
    answers: accepted(changes.serviceChange, 'it may be main again; the cluster’s phase is held when it is'),
  },
  listApprovals: {
    ...{ ...plain, method: 'GET', path: '/v1/clusters/{cluster}/approvals', problems: [404, 409] },
    summary: 'Failovers that lose acknowledged data and wait for a second person',
    answers: gives(changes.lossQuestions, 'those of the last hour, newest first'),
  },
  askApproval: {
    ...{ ...plain, method: 'POST', path: '/v1/clusters/{cluster}/approvals', problems: [404, 409, 415] },
    body: changes.lossRequest,
    summary: 'Ask for a failover that loses acknowledged data; nothing is begun',
    answers: {
      201: {
        shape: changes.lossQuestion,
        description: 'it stands in the journal; asked again, its hour begins anew',
        headers: { location: 'where another person approves it' },
      },
    },
  },
  approve: {
    ...{ ...plain, method: 'POST', path: '/v1/clusters/{cluster}/approvals/{plan}', problems: [404, 409, 422] },
    params: { ...inCluster, plan: shapes.planId },
    headers: { 'idempotency-key': shapes.idempotencyKey },
    summary: 'The second person’s yes: starts exactly the failover that was asked for',
    answers: accepted(shapes.operationStarted, onItsWay, { location: 'where the operation can be looked at' }),
  },
  getReport: {
    ...{ ...plain, method: 'GET', path: '/v1/clusters/{cluster}/report', problems: [404, 406] },
    query: { operation: shapes.operationId.optional() },
    headers: { accept: shapes.accept.optional() },
    summary: 'The account of one operation, the last one by default, ready to be posted',
    answers: { 200: { shape: shapes.reportView, markdown: true, description: 'as the command line writes it' } },
  },
  getPolicy: {
    ...{ ...plain, method: 'GET', path: '/v1/clusters/{cluster}/policy', problems: [404] },
    summary: 'Who decides on failovers',
    answers: gives(shapes.policyView, 'the policy', tagged),
  },
  putPolicy: {
    ...{ ...plain, method: 'PUT', path: '/v1/clusters/{cluster}/policy', problems: [404, 412, 415, 428] },
    headers: { 'if-match': shapes.ifMatch.optional() },
    body: shapes.policyRequest,
    summary: 'Set the policy, with a reason, if it still is what was read',
    answers: gives(shapes.policyView, 'the policy as it is now', { etag: 'for the next If-Match' }),
  },
  getHistory: {
    ...{ ...plain, method: 'GET', path: '/v1/clusters/{cluster}/history', problems: [404] },
    query: {
      limit: shapes.whole(1, 500, 100),
      before: shapes.before.optional(),
      operation: shapes.operationId.optional(),
    },
    summary: 'The journal, page by page from the newest; entries of one page stand oldest first',
    answers: gives(shapes.historyPage, 'one page'),
  },
} as const satisfies Record<string, Route>;

export type RouteId = keyof typeof routes;

/** The routes with their ids, every one of the same type. */
export const allRoutes = Object.entries(routes) as [RouteId, Route][];

/** What any request may be refused with. */
export const commonProblems: Record<number, string> = {
  400: 'the request is not well-formed; every fault is listed',
  401: 'no IAM principal',
  404: 'there is nothing of this name',
  405: 'the path does not know the method',
  406: 'it can be had as application/json and text/markdown only',
  409: 'refused: nothing was changed',
  412: 'it is not what was read any more',
  413: 'the body is too large',
  415: 'the body is not application/json',
  422: 'the key was used with another body',
  428: 'If-Match is missing',
  429: 'too many requests (the gateway)',
  500: 'a fault of mainstay',
  502: 'the control plane found something broken',
  503: 'the store or Step Functions did not answer: it may or may not have happened',
};
/** Of these, what every route may answer. */
export const everywhere = [400, 401, 405, 413, 429, 500, 502, 503];
