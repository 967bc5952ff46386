// What a command's `run` is given beside its options: the desk, the screen, and who sits before it.

import type { Desk } from '../desk/desk';
import type { Screen } from './output';

export interface Session {
  desk: Desk;
  screen: Screen;
  /** Name of the operating system's user: the default of --by. */
  user: string;
  /** True once Ctrl-C was pressed: whoever waits stops waiting and says what goes on. */
  interrupted: () => boolean;
}
