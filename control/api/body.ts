/** Reads the body of a request: no more of it than is allowed, of the kind that the route takes. */
import { ApiError } from './api-error.ts';
import type { Body } from './route.ts';

const JSON_BYTES_MOST = 64 * 1_024;
/** 2,000 listeners and 20,000 backends are 1.5 MB. */
const YAML_BYTES_MOST = 16 * 1_024 * 1_024;
const YAML_TYPES = ['application/yaml', 'application/x-yaml', 'text/yaml'];

export async function readBody(request: Request, body: Body): Promise<unknown> {
  switch (body.kind) {
    case 'none':
      if ((await readText(request, 0)) !== '') throw new ApiError(400, 'no body is taken here');
      return undefined;
    case 'yaml':
      requireType(request, YAML_TYPES);
      return readText(request, YAML_BYTES_MOST);
    case 'json': {
      requireType(request, ['application/json']);
      const read = body.schema.safeParse(parseJson(await readText(request, JSON_BYTES_MOST)));
      if (read.success) return read.data;
      const [issue] = read.error.issues;
      const at = issue === undefined || issue.path.length === 0 ? 'body' : issue.path.join('.');
      throw new ApiError(422, `${at}: ${issue?.message ?? 'cannot be understood'}`);
    }
  }
}

function requireType(request: Request, types: readonly string[]): void {
  const given = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (!types.includes(given))
    throw new ApiError(415, `content-type must be ${types[0] ?? ''}, got '${given}'`);
}

async function readText(request: Request, bytesMost: number): Promise<string> {
  const tooLong = () =>
    new ApiError(413, `the body is longer than ${bytesMost} bytes, which is all that is taken`);
  if (Number(request.headers.get('content-length') ?? 0) > bytesMost) throw tooLong();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request.body ?? []) {
      bytes += (chunk as Uint8Array).length;
      if (bytes > bytesMost) throw tooLong();
      chunks.push(chunk as Uint8Array);
    }
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(400, 'the body broke off');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new ApiError(400, 'the body is not UTF-8');
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ApiError(400, `the body is not JSON: ${(error as Error).message}`);
  }
}
