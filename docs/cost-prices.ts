// What AWS asks for each unit, in US dollars, us-east-1, on demand, without free tiers: the only place where a price stands.
// `seen` says how sure it is: a price in AWS's own words, in somebody else's, or from memory and to be looked up again.

export interface Price {
  dollars: number;
  per: string;
  seen: 'AWS' | 'others' | 'memory';
  source: string;
}

/** When the table was last gone through. */
export const pricesAsOf = '2026-11-20';

// biome-ignore format: the prices stay visible as a table
export const prices = {
  readUnit: { dollars: 0.125e-6, per: 'read request unit', seen: 'others', source: 'DynamoDB pricing since 2024-11, on demand' },
  writeUnit: { dollars: 0.625e-6, per: 'write request unit', seen: 'others', source: 'DynamoDB pricing since 2024-11, on demand' },
  readCapacityHour: { dollars: 0.00013, per: 'read capacity unit and hour', seen: 'others', source: 'DynamoDB pricing, provisioned' },
  writeCapacityHour: { dollars: 0.00065, per: 'write capacity unit and hour', seen: 'others', source: 'DynamoDB pricing, provisioned' },
  lambdaRequest: { dollars: 0.2e-6, per: 'invocation', seen: 'others', source: 'Lambda pricing, first 1 M free not counted' },
  lambdaGbSecond: { dollars: 0.0000133334, per: 'GB-second on arm64', seen: 'others', source: 'Lambda pricing, first 400,000 free not counted' },
  transition: { dollars: 0.025e-3, per: 'state transition', seen: 'memory', source: 'Step Functions Standard, first 4,000 free not counted' },
  customEvent: { dollars: 1e-6, per: 'event put on the bus by us', seen: 'memory', source: 'EventBridge; events of AWS services and schedules are free' },
  trace: { dollars: 5e-6, per: 'trace recorded', seen: 'memory', source: 'X-Ray, first 100,000 free not counted' },
  logGb: { dollars: 0.5, per: 'GB of logs taken in', seen: 'memory', source: 'CloudWatch Logs' },
  metricMonth: { dollars: 0.3, per: 'custom metric and month, by the hour', seen: 'others', source: 'CloudWatch, first 10,000' },
  alarmMonth: { dollars: 0.1, per: 'alarm and month', seen: 'others', source: 'CloudWatch, standard resolution' },
  dashboardMonth: { dollars: 3, per: 'dashboard and month', seen: 'memory', source: 'CloudWatch, first 3 free not counted' },
  publicAddressHour: { dollars: 0.005, per: 'public IPv4 address and hour', seen: 'memory', source: 'VPC pricing since 2024-02' },
  zoneMonth: { dollars: 0.5, per: 'hosted zone and month', seen: 'memory', source: 'Route 53, first 25 zones' },
  etcdNodeHour: { dollars: 0.0168, per: 't4g.small and hour', seen: 'memory', source: 'EC2 on demand' },
  etcdDiskMonth: { dollars: 0.64, per: '8 GB of gp3 and month', seen: 'memory', source: 'EBS, 0.08 a GB' },
  rdsStandbyHour: { dollars: 0.225, per: 'standby of a Multi-AZ db.r6g.large and hour', seen: 'memory', source: 'RDS for PostgreSQL' },
} as const satisfies Record<string, Price>;

export type PriceName = keyof typeof prices;
