// The clusters that this account's control plane protects. Copy to mainstay.config.ts and fill in; every field, its default
// and its faults are in docs/configuration.md. Read at `npx cdk synth` and `npx cdk deploy`.

import { defineConfig } from './infra/config';

export default defineConfig({
  clusters: [
    {
      name: 'alpha',
      engine: 'postgres',
      nodes: [
        { name: 'db1', instanceId: 'i-0a1b2c3d4e5f60001', zone: 'eu-central-1a', host: '10.0.1.11' },
        { name: 'db2', instanceId: 'i-0a1b2c3d4e5f60002', zone: 'eu-central-1b', host: '10.0.2.11' },
        // Kept for reports: follows, and is never promoted.
        { name: 'db3', instanceId: 'i-0a1b2c3d4e5f60003', zone: 'eu-central-1c', host: '10.0.3.11', priority: 0 },
      ],
      // An Elastic IP address; clients connect to `host`. A record in Route 53: { kind: 'route53', hostedZoneId: 'Z…', name: 'db.example.com' }.
      vip: { kind: 'eip', allocationId: 'eipalloc-0a1b2c3d4e5f60001', host: '203.0.113.10' },
      // What is left out here has its default: replication, timings, fence and the rest, field by field in docs/configuration.md.
    },
  ],
});
