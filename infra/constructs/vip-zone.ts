// What the functions may do in a hosted zone that holds VIPs: one set of statements per zone, however many clusters it serves. IAM knows
// no tags of hosted zones, so a zone is named; records of other types than a VIP's, and UPSERT, which asks nobody, are denied to them by
// never being allowed.

import { Aws } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { type Right, rights } from '../grants';
import type { ControlPlane } from './control-plane';

const arn = (resource: string): string => `arn:${Aws.PARTITION}:route53:::${resource}`;

const functionsWith = (right: Right): string[] =>
  Object.entries(rights).flatMap(([name, row]) => (row.includes(right) ? [name] : []));

class VipZone extends Construct {
  constructor(controlPlane: ControlPlane, id: string, hostedZoneId: string) {
    super(controlPlane, id);
    const zone = [arn(`hostedzone/${hostedZoneId}`)];
    const allow = (names: readonly string[], statement: ConstructorParameters<typeof PolicyStatement>[0]) => {
      for (const name of names) controlPlane.functionOf(name).addToRolePolicy(new PolicyStatement(statement));
    };
    const movers = [...functionsWith('move-vip'), ...functionsWith('take-vip')];
    allow([...movers, ...functionsWith('see-vip')], { actions: ['route53:ListResourceRecordSets'], resources: zone });
    allow(movers, {
      actions: ['route53:ChangeResourceRecordSets'],
      resources: zone,
      conditions: {
        'ForAllValues:StringEquals': {
          'route53:ChangeResourceRecordSetsRecordTypes': ['A', 'AAAA', 'TXT'],
          'route53:ChangeResourceRecordSetsActions': ['CREATE', 'DELETE'],
        },
      },
    });
    const watchers = functionsWith('see-spread');
    allow(watchers, { actions: ['route53:GetHostedZone'], resources: zone });
    allow(watchers, { actions: ['route53:GetChange'], resources: [arn('change/*')] });
  }
}

/** Once for each zone, whoever asks first. */
export function allowVipZone(controlPlane: ControlPlane, hostedZoneId: string): void {
  const id = `VipZone-${hostedZoneId}`;
  if (!controlPlane.node.tryFindChild(id)) new VipZone(controlPlane, id, hostedZoneId);
}
