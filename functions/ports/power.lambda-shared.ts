// EC2 power for the functions that cut or restore it.

import { EC2Client } from '@aws-sdk/client-ec2';
import { createClient } from '../../adapters/aws/clients';
import { createPower } from '../../adapters/aws/power';
import { controlPlane } from '../wiring.lambda-shared';

export const power = () => ({ power: createPower(createClient(EC2Client, controlPlane)) });
