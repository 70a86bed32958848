/** Reads structs and enums from the .BTF section of an ELF object: what the compiler really laid out. */

export type BtfField = { name: string; offset: number; bytes: number };
export type BtfStruct = { bytes: number; fields: readonly BtfField[] };
export type Btf = {
  structs: ReadonlyMap<string, BtfStruct>;
  enums: ReadonlyMap<string, ReadonlyMap<string, number>>;
};

/** `sizeOrType` is a size for int, struct, union, enum; the id of another type for the rest. */
type Type = { kind: number; name: string; sizeOrType: number; isBitfield: boolean; extra: Buffer };
type Reader = { types: readonly Type[]; name(offset: number): string };

/** Numbers of https://docs.kernel.org/bpf/btf.html#type-encoding */
const KIND = {
  int: 1,
  pointer: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  prototype: 13,
  variable: 14,
  section: 15,
  float: 16,
  declTag: 17,
  enum64: 19,
} as const;
/** Bytes that follow a type: once, or for each of its members. */
const EXTRA_ONCE: ReadonlyMap<number, number> = new Map([
  [KIND.int, 4],
  [KIND.array, 12],
  [KIND.variable, 4],
  [KIND.declTag, 4],
]);
const EXTRA_EACH: ReadonlyMap<number, number> = new Map([
  [KIND.struct, 12],
  [KIND.union, 12],
  [KIND.enum, 8],
  [KIND.prototype, 8],
  [KIND.section, 12],
  [KIND.enum64, 12],
]);
const TYPE_BYTES = 12;
const MEMBER_BYTES = 12;
const ENUMERATOR_BYTES = 8;
const POINTER_BYTES = 8;
const BTF_MAGIC = 0xeb9f;
const ELF_MAGIC = '\x7fELF';
const VOID: Type = {
  kind: 0,
  name: '',
  sizeOrType: 0,
  isBitfield: false,
  extra: Buffer.alloc(0),
};

/** Throws RangeError when the object has no readable BTF; unnamed types are left out. */
export function parseBtf(elf: Buffer): Btf {
  const reader = openTypes(section(elf, '.BTF'));
  const structs = new Map<string, BtfStruct>();
  const enums = new Map<string, ReadonlyMap<string, number>>();
  for (const type of reader.types) {
    if (type.name === '') continue;
    if (type.kind === KIND.struct)
      structs.set(type.name, { bytes: type.sizeOrType, fields: fieldsOf(type, reader, 0) });
    if (type.kind === KIND.enum) enums.set(type.name, enumeratorsOf(type, reader));
  }
  return { structs, enums };
}

/** An enum of the running kernel, from /sys/kernel/btf/vmlinux: names by number. */
export function enumNames(btf: Buffer, wanted: string): ReadonlyMap<number, string> {
  const reader = openTypes(btf);
  const type = reader.types.find(({ kind, name }) => kind === KIND.enum && name === wanted);
  const names = type ? enumeratorsOf(type, reader) : new Map<string, number>();
  return new Map([...names].map(([name, number]) => [number, name]));
}

function openTypes(btf: Buffer): Reader {
  if (btf.readUInt16LE(0) !== BTF_MAGIC) throw new RangeError('.BTF does not begin with its magic');
  const headerBytes = btf.readUInt32LE(4);
  const typesAt = headerBytes + btf.readUInt32LE(8);
  const typesEnd = typesAt + btf.readUInt32LE(12);
  const strings = btf.subarray(headerBytes + btf.readUInt32LE(16));
  const name = (offset: number) => textAt(strings, offset);

  const types: Type[] = [VOID]; /* id 0 */
  for (let at = typesAt; at < typesEnd;) {
    const info = btf.readUInt32LE(at + 4);
    const kind = (info >>> 24) & 0x1f;
    const extraBytes = EXTRA_ONCE.get(kind) ?? (EXTRA_EACH.get(kind) ?? 0) * (info & 0xffff);
    types.push({
      kind,
      name: name(btf.readUInt32LE(at)),
      sizeOrType: btf.readUInt32LE(at + 8),
      isBitfield: info >>> 31 === 1,
      extra: btf.subarray(at + TYPE_BYTES, at + TYPE_BYTES + extraBytes),
    });
    at += TYPE_BYTES + extraBytes;
  }
  return { types, name };
}

/** Fields of unnamed structs and unions count as the outer one's, as in C. */
function fieldsOf(type: Type, reader: Reader, base: number): BtfField[] {
  return chunks(type.extra, MEMBER_BYTES).flatMap((member) => {
    const name = reader.name(member.readUInt32LE(0));
    const typeId = member.readUInt32LE(4);
    const bits = member.readUInt32LE(8) & (type.isBitfield ? 0xff_ffff : 0xffff_ffff);
    const offset = base + bits / 8;
    const inner = typeAt(reader, typeId);
    if (name === '' && (inner.kind === KIND.struct || inner.kind === KIND.union))
      return fieldsOf(inner, reader, offset);
    return [{ name, offset, bytes: bytesOf(typeId, reader) }];
  });
}

function enumeratorsOf(type: Type, reader: Reader): Map<string, number> {
  return new Map(
    chunks(type.extra, ENUMERATOR_BYTES).map((one) => [
      reader.name(one.readUInt32LE(0)),
      one.readInt32LE(4),
    ]),
  );
}

function bytesOf(typeId: number, reader: Reader): number {
  const type = typeAt(reader, typeId);
  switch (type.kind) {
    case KIND.int:
    case KIND.struct:
    case KIND.union:
    case KIND.enum:
    case KIND.enum64:
    case KIND.float:
      return type.sizeOrType;
    case KIND.pointer:
      return POINTER_BYTES;
    case KIND.array:
      return bytesOf(type.extra.readUInt32LE(0), reader) * type.extra.readUInt32LE(8);
  }
  return bytesOf(type.sizeOrType, reader); /* typedef, const, volatile, restrict, tag */
}

function typeAt({ types }: Reader, id: number): Type {
  const type = types[id];
  if (type === undefined || id === 0) throw new RangeError(`.BTF has no sized type ${id}`);
  return type;
}

/** ELF64, little-endian. */
function section(elf: Buffer, wanted: string): Buffer {
  if (elf.toString('latin1', 0, 4) !== ELF_MAGIC) throw new RangeError('not an ELF object');
  const headersAt = Number(elf.readBigUInt64LE(40));
  const [headerBytes, count, namesIndex] = [
    elf.readUInt16LE(58),
    elf.readUInt16LE(60),
    elf.readUInt16LE(62),
  ];
  const contents = (index: number) => {
    const at = headersAt + index * headerBytes;
    const start = Number(elf.readBigUInt64LE(at + 24));
    return elf.subarray(start, start + Number(elf.readBigUInt64LE(at + 32)));
  };
  const names = contents(namesIndex);
  for (let index = 0; index < count; index++)
    if (textAt(names, elf.readUInt32LE(headersAt + index * headerBytes)) === wanted)
      return contents(index);
  throw new RangeError(`the object has no section ${wanted}; compile it with -g`);
}

function textAt(strings: Buffer, offset: number): string {
  return strings.toString('utf8', offset, strings.indexOf(0, offset));
}

function chunks(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: bytes.length / size }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  );
}
