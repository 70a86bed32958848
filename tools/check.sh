#!/usr/bin/env bash
# Checks everything that is not a test: format, lint, layers, unused code, links. Runs all of
# them before it fails, so that one run shows all there is to mend.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
failed=()

main() {
	cd "$root"
	PATH="$root/node_modules/.bin:$PATH"

	step 'format of TypeScript and documents' prettier --check --log-level warn .
	step 'format of kernel programs' c_format
	step 'lint' oxlint --type-aware --report-unused-disable-directives-severity=error
	step 'layers' node tools/check-layers.mjs
	step 'unused files, exports and dependencies' knip --no-progress --no-config-hints
	step 'OpenAPI documents' node tools/check-openapi.mjs
	step 'links in documents' node tools/check-links.mjs
	step 'reference of the command line' node dist/cli/reference/main.js check
	step 'documented verdicts and helpers' node tools/check-documented.mjs
	step 'tests that show compliance' node tools/check-rfc-compliance.mjs
	step 'shell scripts' shellcheck tools/*.sh .ci/run deploy/debian/p*

	((${#failed[@]} == 0)) || {
		echo "check: failed: $(join_list "${failed[@]}")" >&2
		exit 1
	}
	echo 'check: all passed' >&2
}

step() {
	local name=$1
	shift
	echo "check: $name" >&2
	"$@" || failed+=("$name")
}

# Names the files only, as prettier does: `npm run format` mends them.
c_format() {
	local file status=0
	while IFS= read -r file; do
		clang-format --dry-run -Werror "$file" 2>/dev/null && continue
		echo "[warn] $file"
		status=1
	done < <(find datapath lab -name '*.h' -o -name '*.c' | sort)
	return "$status"
}

join_list() {
	local list
	list=$(printf '%s; ' "$@")
	echo "${list%; }"
}

main
