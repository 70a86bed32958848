#!/usr/bin/env bash
# Builds what changed: kernel programs and TypeScript into dist/, and the local `fullnat` command.
# `build.sh programs` builds the kernel programs alone, `build.sh typescript` does without a compiler for them.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

main() {
	cd "$root"
	# Two builds at once would read each other's half-written output. The script itself is the
	# lock, so that no lock file is left behind.
	exec 9<tools/build.sh
	flock 9

	# A broken program must not hide what is wrong in the TypeScript, nor the other way round.
	local status=0
	[[ ${1:-} == typescript ]] || build_programs || status=1
	[[ ${1:-} != programs ]] || return "$status"
	build_typescript || status=1
	link_command
	return "$status"
}

build_programs() {
	local source object status=0
	while IFS= read -r -d '' source; do
		object=dist/${source%.c}.o
		if is_older_than_sources "$object" "$source"; then
			say "compiling $source"
			compile_program "$source" "$object" || status=1
		fi
	done < <(find datapath lab -mindepth 2 -maxdepth 2 -name '*.bpf.c' -print0 | sort -z)
	remove_orphans
	return "$status"
}

# A program is rebuilt when its own source, any datapath header or this script (the compiler
# flags) is newer: the headers are few, and a wrong guess would cost more than a second.
is_older_than_sources() {
	local object=$1 source=$2
	[[ -f $object ]] || return 0
	[[ -n $(find datapath "$source" tools/build.sh -type f \
		\( -name '*.h' -o -path "$source" -o -path tools/build.sh \) -newer "$object" -print -quit) ]]
}

compile_program() {
	local source=$1 object=$2
	mkdir -p "$(dirname "$object")"
	# -target bpf does not look in the multiarch directory, where Debian keeps asm/types.h.
	clang -O2 -g -Wall -Wextra -Wno-unused-parameter -Werror -target bpf -mcpu=v3 \
		-I"/usr/include/$(uname -m)-linux-gnu" -Idatapath \
		-c "$source" -o "$object.new" || return 1
	mv "$object.new" "$object"
}

# An object whose source is gone must not be loaded by accident.
remove_orphans() {
	[[ -d dist ]] || return 0
	local object source
	while IFS= read -r -d '' object; do
		source=${object#dist/}
		[[ -f ${source%.o}.c ]] || rm "$object"
	done < <(find dist -name '*.bpf.o' -print0)
}

build_typescript() {
	# Not through npx: it costs half a second.
	node node_modules/typescript/bin/tsc -b
}

# `npx fullnat` finds the checkout's own command here and does not ask the registry.
link_command() {
	[[ -f dist/cli/main.js ]] || return 0
	[[ -x dist/cli/main.js ]] || chmod +x dist/cli/main.js
	local link=node_modules/.bin/fullnat
	[[ $(readlink "$link" || true) == ../../dist/cli/main.js ]] && return 0
	mkdir -p node_modules/.bin
	ln -sfn ../../dist/cli/main.js "$link"
}

say() { echo "build: $*" >&2; }

main "$@"
