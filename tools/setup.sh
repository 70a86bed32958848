#!/usr/bin/env bash
# Makes a fresh Debian 12 machine with Node able to build, test and demonstrate fullnat.
# Idempotent: when nothing is missing it touches no network and says nothing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
node_minimum=20.19.0
stamp=node_modules/.fullnat-setup
policy=/usr/sbin/policy-rc.d
what_to_build=

packages=(
	clang llvm libbpf-dev linux-libc-dev libc6-dev # compile the kernel programs
	libbpf1                                        # load them
	bpftool iproute2 ethtool procps util-linux     # look at them; networks, namespaces
	tcpdump tshark tcptrace nmap curl python3      # capture, probe and compare, in tests
	wrk iperf3 nftables nginx-light haproxy        # load, and what benchmarks compare with
	libnginx-mod-stream                            # nginx for TCP
	redis-server openssh-server postgresql         # programs that must see their clients, in tests
	zsh fish                                       # shells that completion is tried in
	clang-format shellcheck                        # npm run check
	mandoc groff-base                              # readers of our manual pages
)

# What the packages above would run as system services: installed for the lab only.
declare -A services=(
	[nginx-light]=nginx [haproxy]=haproxy
	[redis-server]=redis-server [openssh-server]=ssh [postgresql]=postgresql
)

# --portable: without root, what is missing of the kernel's side is told and done without.
main() {
	cd "$root"
	check_node
	# Two set-ups at once would fight over node_modules.
	exec 8<tools/setup.sh
	flock 8 2>/dev/null || true # util-linux may be what is missing

	install_packages "${1:-}"
	install_modules
	[[ ${1:-} == --portable ]] || fetch_promtool
	bash tools/build.sh ${what_to_build:+"$what_to_build"} 8<&-
}

check_node() {
	local found
	found=$(node --version 2>/dev/null) ||
		fail "Node.js >= $node_minimum is needed and \`node\` is not in PATH; see https://nodejs.org/en/download"
	found=${found#v}
	[[ $(printf '%s\n' "$node_minimum" "$found" | sort -V | head -n 1) == "$node_minimum" ]] ||
		fail "Node.js >= $node_minimum is needed, this is $found; see https://nodejs.org/en/download"
	command -v npm >/dev/null || fail "npm is needed and not in PATH; it is part of Node.js"
}

install_packages() {
	if ! command -v dpkg-query >/dev/null; then
		say "not a Debian machine: make sure that it has the equivalents of ${packages[*]}"
		return
	fi
	local missing
	mapfile -t missing < <(missing_packages)
	((${#missing[@]} > 0)) || return 0

	if ((EUID != 0)) && [[ ${1:-} == --portable ]]; then
		say "without Debian packages: ${missing[*]}"
		what_to_build=typescript
		return
	fi
	if ((EUID != 0)); then
		say "Debian packages are missing; run this as root, then try again:"
		echo "apt-get install --no-install-recommends ${missing[*]}" >&2
		exit 1
	fi
	say "installing Debian packages: ${missing[*]}"
	without_services apt_install "${missing[@]}"
	disable_services "${missing[@]}"
}

missing_packages() {
	local installed
	# dpkg-query fails when it does not know one of them; what it knows is printed all the same.
	installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null |
		sed -n 's/^installed //p' || true)
	printf '%s\n' "${packages[@]}" | grep -vxF -f <(echo "$installed") || true
}

apt_install() {
	export DEBIAN_FRONTEND=noninteractive
	local options=(-qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
	apt-get "${options[@]}" update >&2
	apt-get "${options[@]}" install -y --no-install-recommends "$@" >&2 </dev/null
}

# Runs a command while package scripts may start no daemon: policy-rc.d is Debian's switch for
# that. One that is there already is put back afterwards.
without_services() {
	local kept=
	if [[ -e $policy || -L $policy ]]; then
		kept=$policy.before-fullnat
		mv -f "$policy" "$kept"
	fi
	# shellcheck disable=SC2064 # the values of now
	trap "restore_policy '$kept'" EXIT
	trap 'exit 130' INT TERM
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	"$@"
	trap - EXIT INT TERM
	restore_policy "$kept"
}

restore_policy() {
	rm -f "$policy"
	[[ -z $1 ]] || mv -f "$1" "$policy"
}

# Nor may a daemon that only came with us start at the next boot.
disable_services() {
	local service package
	for package in "$@"; do
		service=${services[$package]:-}
		[[ -n $service ]] || continue
		update-rc.d "$service" disable >/dev/null 2>&1 || say "could not disable the service $service"
	done
}

install_modules() {
	local wanted
	wanted=$(sha256sum package-lock.json)
	[[ $(cat "$stamp" 2>/dev/null || true) == "$wanted" ]] && return 0
	say 'installing npm packages'
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 8<&- ||
		fail 'npm ci failed; what it said is above'
	echo "$wanted" >"$stamp"
}

# Checks metrics and alert rules, in tests. Out of Debian's package and nothing else of it: the rest
# is 50 MB, web pages and a daemon.
fetch_promtool() {
	local place=node_modules/.bin/promtool work
	[[ -x $place ]] || command -v promtool >/dev/null && return 0
	command -v apt-get >/dev/null || return 0
	say "fetching promtool out of Debian's package prometheus (19 MB)"
	work=$(mktemp -d)
	# apt fetches as a user of its own, which must reach the folder
	chmod 755 "$work"
	if (cd "$work" && apt-get -qq download prometheus >&2) &&
		dpkg-deb --fsys-tarfile "$work"/prometheus_*.deb | tar -x -C "$work" ./usr/bin/promtool; then
		mv "$work/usr/bin/promtool" "$place"
	else
		say 'promtool could not be fetched: tests of metrics and alerts will be skipped'
	fi
	rm -rf "$work"
}

say() { echo "setup: $*" >&2; }

fail() {
	say "$@"
	exit 1
}

main "$@"
