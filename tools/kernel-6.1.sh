#!/usr/bin/env bash
# Boots Debian 12's kernel, the oldest that is supported, in qemu and runs there: the load of all
# programs with the verifier's figures, then the compliance suite. Exits with what they exit with.
#
# Software emulation, so that it runs where there is no KVM. The guest has the host's root file
# system, read-only, and from Debian's package only the kernel and the modules named below.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
package=linux-image-amd64
packages=(qemu-system-x86 busybox-static)
memory_mib=3072
limit_seconds=1500 # emulated, and no_timer_check below because a busy host delays the timer
mark='guest exit code:'

# In the order they are loaded: each needs only those before it.
modules=(
	drivers/virtio/{virtio_ring,virtio,virtio_pci_legacy_dev,virtio_pci_modern_dev,virtio_pci}
	net/9p/{9pnet,9pnet_virtio} fs/netfs/netfs fs/fscache/fscache fs/9p/9p
	drivers/net/veth net/sched/{sch_ingress,cls_bpf}
)

main() {
	[[ $(uname -m) == x86_64 ]] || fail 'needs an x86-64 machine'
	bash "$root/tools/setup.sh"
	install_packages
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	unpack_kernel
	build_initramfs
	boot
}

install_packages() {
	dpkg-query -W "${packages[@]}" >/dev/null 2>&1 && return
	((EUID == 0)) || fail "run as root: apt-get install --no-install-recommends ${packages[*]}"
	say "installing ${packages[*]}"
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${packages[@]}" \
		-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 >&2
}

# The metapackage names the current one.
unpack_kernel() {
	local current
	current=$(apt-cache depends "$package" | sed -n 's/^ *Depends: \(linux-image-6\.1[^ ]*\)$/\1/p')
	[[ -n $current ]] || fail "apt knows no $package of 6.1; this script is for Debian 12"
	say "downloading $current"
	(cd "$work" && apt-get download -qq -o APT::Sandbox::User=root "$current" && dpkg-deb -x "$current"_*.deb kernel)
	release=${current#linux-image-}
}

build_initramfs() {
	local tree=$work/initramfs module
	mkdir -p "$tree"/{bin,modules,host,proc}
	cp "$(command -v busybox)" "$tree/bin/busybox"
	for module in "${modules[@]}"; do
		cp "$work/kernel/lib/modules/$release/kernel/$module.ko" "$tree/modules/"
		echo "/bin/busybox insmod /modules/${module##*/}.ko"
	done >"$tree/load"
	guest_init >"$tree/init"
	chmod 755 "$tree/init"
	(cd "$tree" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$work/initramfs.gz"
}

guest_init() {
	cat <<-END
		#!/bin/busybox sh
		. /load
		b=/bin/busybox
		\$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 host /host
		for what in proc:proc sysfs:sys devtmpfs:dev bpf:sys/fs/bpf tmpfs:run; do
			\$b mount -t \${what%%:*} none /host/\${what#*:}
		done
		\$b chroot /host /bin/bash -c '$(guest_work)'
		echo "$mark \$?"
		\$b poweroff -f
	END
}

# No single quotes in here: it is quoted with them.
guest_work() {
	cat <<-END
		export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin HOME=/run
		export PATH=$(dirname "$(command -v node)"):\$PATH
		cd "$root" && ip link set lo up && uname -srv && node --version
		status=0
		node dist/lab/bench/verifier/main.js || status=1
		for suite in dist/datapath/compliance/{balancer,agent,balancer-laws,agent-laws}.test.js; do
			echo "\$suite"
			node --test --test-reporter=tap \$suite >/run/tap || status=1
			grep -E "^ *not ok|^# (tests|pass|fail|skipped) |rejected|^ +error:" /run/tap | head -n 60
		done
		exit \$status
	END
}

boot() {
	local log=$work/log status
	say "booting $release; emulated, so this takes some minutes"
	timeout "$limit_seconds" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 \
		-m "$memory_mib" -nographic -no-reboot -nodefaults -serial stdio \
		-kernel "$work/kernel/boot/vmlinuz-$release" -initrd "$work/initramfs.gz" \
		-append "console=ttyS0 quiet loglevel=3 panic=-1 no_timer_check" \
		-virtfs "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap" \
		</dev/null | tr -d '\r' | tee "$log" || fail "qemu ended with an error, or after $limit_seconds s"
	status=$(sed -n "s/^$mark //p" "$log")
	[[ -n $status ]] || fail 'the guest did not come to its end; what it said is above'
	exit "$status"
}

say() { echo "kernel-6.1: $*" >&2; }

fail() {
	say "$@"
	exit 1
}

main
