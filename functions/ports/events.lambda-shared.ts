// EventBridge for the functions that tell the world how it ended.

import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { createClient } from '../../adapters/aws/clients';
import { createEvents } from '../../adapters/aws/events';
import { controlPlane } from '../wiring.lambda-shared';

export const events = () => ({ events: createEvents(createClient(EventBridgeClient, controlPlane)) });
