/**
 * npm run try:go: what Go's Accept, RemoteAddr and net/http say of a client in socket mode. Not a test,
 * for Debian's golang is half a gigabyte: it is tried where Go is.
 */

import { existsSync, writeFileSync } from 'node:fs';
import { EXCHANGE_SERVER_PORT } from './config.ts';
import { openLab } from './lab.ts';
import { runProgram } from './process.ts';
import type { Program } from './tests/programs.ts';
import { peersSeenBy } from './tests/socket-agent.ts';
import { CLIENT_ADDRESS } from './topology.ts';
import { down, up } from './up.ts';

const GO = '/usr/bin/go';
const instance = 'try-go';
const FIRST_PORT = 21_600;
const ENDPOINT = /\d+\.\d+\.\d+\.\d+:\d+/;

const NET = `package main
import ("fmt"; "net")
func main() {
	l, err := net.Listen("NETWORK", ":${EXCHANGE_SERVER_PORT}")
	if err != nil { panic(err) }
	for {
		c, err := l.Accept()
		if err != nil { panic(err) }
		go func() {
			c.Read(make([]byte, 100))
			fmt.Fprintln(c, c.RemoteAddr())
		}()
	}
}`;

const HTTP = `package main
import ("fmt"; "net/http")
func main() {
	panic(http.ListenAndServe(":${EXCHANGE_SERVER_PORT}", http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, r.RemoteAddr) })))
}`;

const PROGRAMS: readonly Program[] = [
  goProgram('Go net, tcp4 (RemoteAddr)', NET.replace('NETWORK', 'tcp4'), 'who?'),
  goProgram('Go net, tcp: a dual-stack socket', NET.replace('NETWORK', 'tcp'), 'who?'),
  goProgram('Go net/http (Request.RemoteAddr)', HTTP, 'GET / HTTP/1.1\r\nHost: lab\r\n\r\n'),
];

if (!existsSync(GO)) {
  process.stderr.write(`needs ${GO}: apt-get install --no-install-recommends golang-go\n`);
  process.exit(1);
}
await up({ instance, servers: 1, agentMode: 'socket', exchange: true });
try {
  const { stdout } = await runProgram([GO, 'version']);
  process.stdout.write(stdout);
  for (const [index, program] of PROGRAMS.entries()) await tryOne(program, FIRST_PORT + index);
} finally {
  await down(instance);
}

async function tryOne(program: Program, port: number): Promise<void> {
  const peers = await peersSeenBy(openLab(instance), program, port);
  const expected = `${CLIENT_ADDRESS}:${port}`;
  const isRight = peers.length >= 2 && peers.every((peer) => peer === expected);
  process.stdout.write(
    `${isRight ? 'ok' : 'WRONG'}  ${program.name}: direct and balanced are ${peers.join(' and ')}, expected ${expected}\n`,
  );
  if (!isRight) process.exitCode = 1;
}

function goProgram(name: string, source: string, request: string): Program {
  return {
    name,
    missing: false,
    prepare: async (folder) => {
      writeFileSync(`${folder}/main.go`, source);
      const binary = `${folder}/server`;
      await runProgram([GO, 'build', '-o', binary, `${folder}/main.go`]);
      return [binary];
    },
    request,
    until: ENDPOINT,
    peers: ({ answers }) => answers.map((answer) => ENDPOINT.exec(answer)?.[0] ?? answer),
  };
}
