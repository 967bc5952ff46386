// What tests of infra/ build stacks from.

import type { ClusterInput } from '../../infra/config';

/** Three nodes and an Elastic IP address; everything else by default. */
export const clusterInput = (name: string): ClusterInput => ({
  name,
  engine: 'postgres',
  nodes: ['db1', 'db2', 'db3'].map((node, index) => ({
    name: node,
    instanceId: `i-0123456789abcde0${index}`,
    zone: 'us-east-1a',
    host: `10.0.0.${index + 1}`,
  })),
  vip: { kind: 'eip', allocationId: 'eipalloc-0123456789abcdef0', host: '203.0.113.10' },
});
