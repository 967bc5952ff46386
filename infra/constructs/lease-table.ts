// The one table of a control plane. Must never lose an epoch (L1): nothing in it expires, and it outlives its stack. Of the
// kind that other Regions can join later: no index, no stream, no TTL, and no adapter uses a transaction.

import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, Billing, TableEncryptionV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';

export interface LeaseTableProps {
  tableName: string;
  encryptionKey?: IKey;
  deletionProtection: boolean;
}

export const leaseTable = (scope: Construct, id: string, props: LeaseTableProps): TableV2 =>
  new TableV2(scope, id, {
    tableName: props.tableName,
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    sortKey: { name: 'sk', type: AttributeType.STRING },
    billing: Billing.onDemand(),
    encryption: props.encryptionKey
      ? TableEncryptionV2.customerManagedKey(props.encryptionKey)
      : TableEncryptionV2.awsManagedKey(),
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: props.deletionProtection,
    removalPolicy: RemovalPolicy.RETAIN,
  });
