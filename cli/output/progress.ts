/** What a long command is doing: one line that a terminal shows and then forgets; plain lines elsewhere. */
import type { Sink } from '../command.ts';

export type Progress = {
  begin(what: string): void;
  /** Before something else is printed; the line comes back below it. */
  giveWay(): void;
  end(): void;
};

const REDRAW_MS = 250;
const BACK_AND_CLEAR = '\r\u001b[K';

/** `isTransient`: the cursor may be moved, and nobody else prints on this terminal. */
export function progressOn(sink: Sink, isTransient: boolean): Progress {
  let timer: NodeJS.Timeout | undefined;
  const giveWay = () => {
    if (timer !== undefined) sink.write(BACK_AND_CLEAR);
  };
  const end = () => {
    giveWay();
    clearInterval(timer);
    timer = undefined;
  };
  const begin = (what: string) => {
    if (!isTransient) return sink.write(`… ${what}\n`);
    end();
    const start = performance.now();
    const draw = () => {
      const seconds = ((performance.now() - start) / 1000).toFixed(0);
      const line = `   … ${what} (${seconds} s)`.slice(0, sink.columns - 1);
      sink.write(`${BACK_AND_CLEAR}${sink.style.quiet(line)}`);
    };
    draw();
    timer = setInterval(draw, REDRAW_MS);
  };
  return { begin, giveWay, end };
}
