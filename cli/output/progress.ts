/** What a long command is doing: one line that a terminal shows and then forgets; plain lines elsewhere. */
import type { Sink } from '../command.ts';

export type Progress = {
  /** `seconds`: how long it is known to take. */
  begin(what: string, seconds?: number): void;
  /** Before anything else is printed. */
  clear(): void;
};

const TICK_MS = 250;
const BACK_AND_CLEAR = '\r\u001b[K';

/** `isTransient`: the cursor may be moved, and nothing else prints in between. */
export function progressOn(sink: Sink, isTransient: boolean): Progress {
  let timer: NodeJS.Timeout | undefined;
  const clear = () => {
    if (timer === undefined) return;
    clearInterval(timer);
    timer = undefined;
    sink.write(BACK_AND_CLEAR);
  };
  return {
    clear,
    begin: (what, seconds) => {
      if (!isTransient) {
        sink.write(`… ${what}${seconds === undefined ? '' : `, ${seconds} s`}\n`);
        return;
      }
      clear();
      const start = performance.now();
      const draw = () => {
        const passed = ((performance.now() - start) / 1000).toFixed(0);
        const time = seconds === undefined ? `${passed} s` : `${passed} of ${seconds} s`;
        sink.write(`${BACK_AND_CLEAR}${sink.style.quiet(`   … ${what} (${time})`)}`);
      };
      draw();
      timer = setInterval(draw, TICK_MS);
    },
  };
}
