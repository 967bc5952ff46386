// Every step by the name that plans and functions use.

import type { StepDefinition } from '../step';
import { abort } from './abort';
import { adopt } from './adopt';
import { askOperator } from './ask-operator';
import { barrier } from './barrier';
import { begin } from './begin';
import { checkFailback } from './check-failback';
import { checkRecover } from './check-recover';
import { checkSettle } from './check-settle';
import { choose } from './choose';
import { claim } from './claim';
import { confirm } from './confirm';
import { drain } from './drain';
import { end } from './end';
import { fence } from './fence';
import { grant } from './grant';
import { moveVip } from './move-vip';
import { page } from './page';
import { powerOn } from './power-on';
import { preflight } from './preflight';
import { promote } from './promote';
import { reconfigure } from './reconfigure';
import { rejoin } from './rejoin';
import { release } from './release';
import { reopen } from './reopen';
import { restart } from './restart';
import { restoreVip } from './restore-vip';
import { transfer } from './transfer';
import { verify } from './verify';
import { withdrawVip } from './withdraw-vip';

export const steps: Record<string, StepDefinition> = {
  abort,
  adopt,
  'ask-operator': askOperator,
  barrier,
  'begin-failback': begin('failback'),
  'begin-recover': begin('recover'),
  'begin-settle': begin('settle'),
  'begin-switchover': begin('switchover'),
  'check-failback': checkFailback,
  'check-recover': checkRecover,
  'check-settle': checkSettle,
  'choose-after-fence': choose('failover'),
  'choose-for-switchover': choose('switchover'),
  claim,
  confirm,
  drain,
  end,
  fence,
  grant,
  'move-vip': moveVip,
  page,
  'power-on': powerOn,
  preflight,
  promote,
  reconfigure,
  rejoin,
  release,
  reopen,
  restart,
  'restore-vip': restoreVip,
  transfer,
  verify,
  'withdraw-vip': withdrawVip,
};
