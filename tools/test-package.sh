#!/usr/bin/env bash
# Installs the Debian package in a clean Debian 12, boots systemd there in namespaces of its own, and
# starts, reloads and stops the services with traffic. Needs root, debootstrap and two minutes; not in CI.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
clean=${FULLNAT_CLEAN_ROOT:-/var/cache/fullnat-clean-root}
packages=systemd,systemd-sysv,libbpf1,iproute2,kmod,passwd,curl,ca-certificates
