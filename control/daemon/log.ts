/** What a daemon says, on stderr: JSON lines for programs, one readable line an event on a terminal. */
import { pino } from 'pino';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Data first, then what happened: `log.info({ pool, backend }, 'backend is up')`. */
export type Log = Readonly<Record<LogLevel, (data: object, message: string) => void>>;

const STDERR = 2;
const LEVEL_NAMES: Readonly<Record<number, string>> = {
  20: 'debug',
  30: '',
  40: 'WARN',
  50: 'ERROR',
};

export function createLog(
  level: LogLevel,
  isTerminal: boolean,
  write: (line: string) => void = (line) => void process.stderr.write(line),
): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (name: string) => ({ level: name }) },
  };
  if (!isTerminal) {
    const destination = pino.destination({ fd: STDERR, sync: true });
    destination.on('error', () => {}); /* whoever read the log is gone; the daemon goes on */
    return pino(options, destination);
  }
  process.stderr.on('error', () => {});
  const { formatters: _, ...numbered } = options;
  return pino(numbered, { write: (line: string) => write(readable(line)) });
}

/** @example readable('{"level":30,"time":"2026-…T10:00:00.000Z","pool":"web","msg":"backend is up"}\n') */
export function readable(line: string): string {
  const { level, time, msg, ...data } = JSON.parse(line) as {
    level: number;
    time: string;
    msg: string;
  } & Record<string, unknown>;
  const details = Object.entries(data).map(([name, value]) => `${name}=${show(value)}`);
  const words = [time.slice(11, 23), LEVEL_NAMES[level] ?? '', msg, ...details];
  return `${words.filter((word) => word !== '').join('  ')}\n`;
}

function show(value: unknown): string {
  return typeof value === 'string' && !/\s/.test(value) ? value : JSON.stringify(value);
}
